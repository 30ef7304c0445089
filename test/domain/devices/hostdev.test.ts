import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type HostdevSpec, hostdev } from '../../../src/domain/devices/hostdev.js';
import { readDevice } from '../../../src/domain/index.js';
import { pluggable } from '../../../src/plan/device-operations.js';
import { parseElement } from '../../../src/xml/index.js';
import { badValues, build, kindTests, namesOf, some, values, verdict } from './support.js';

const test = suite('hostdev');

const hexId = fc.stringMatching(/^0x[0-9a-f]{4}$/);
const model = fc.constantFrom(...(['virtio', 'virtio-transitional', 'virtio-non-transitional'] as const));
const place = fc.integer({ min: 1, max: 127 });
const usbExtras = {
  startupPolicy: fc.constantFrom('mandatory' as const, 'requisite' as const, 'optional' as const),
  guestReset: fc.constantFrom('off' as const, 'uninitialized' as const, 'on' as const),
};
const source: fc.Arbitrary<HostdevSpec> = fc.oneof(
  fc.record({ pci: values.hostPci }),
  fc.record({ usb: some({ vendor: hexId, product: hexId, ...usbExtras }, ['vendor', 'product']) }),
  fc.record({ usb: some({ bus: place, device: place, ...usbExtras }, ['bus', 'device']) }),
  fc.record({ scsi: fc.record({ adapter: values.name, bus: fc.nat(9), target: fc.nat(9), unit: fc.nat(9) }) }),
  fc.record({
    iscsi: some(
      {
        name: values.name,
        host: values.name,
        port: values.port,
        initiator: values.name,
        auth: fc.record({
          username: values.name,
          secret: fc.oneof(fc.record({ usage: values.name }), fc.record({ uuid: values.uuid })),
        }),
      },
      ['name', 'host'],
    ),
  }),
  fc.record({ scsiHost: some({ wwpn: fc.stringMatching(/^naa\.[0-9a-f]{16}$/), model }, ['wwpn']) }),
  fc.record({
    mdev: some(
      {
        uuid: values.uuid,
        model: fc.constantFrom('vfio-pci' as const, 'vfio-ccw' as const, 'vfio-ap' as const),
        display: fc.boolean(),
        ramfb: fc.boolean(),
      },
      ['uuid', 'model'],
    ),
  }),
);
const rest = fc.record(
  {
    id: values.id,
    address: values.pciAddress,
    boot: fc.integer({ min: 1, max: 99 }),
    managed: fc.boolean(),
    readonly: values.yes,
    shareable: values.yes,
    rawio: fc.boolean(),
    rom: some({ enabled: fc.boolean(), bar: fc.boolean(), file: values.path }),
    teaming: fc.record({ type: fc.constant('transient' as const), persistent: values.id.map((id) => `ua-${id}`) }),
    acpiIndex: fc.integer({ min: 1, max: 16383 }),
  },
  { requiredKeys: [] },
);

kindTests(
  test,
  hostdev,
  fc.tuple(rest, source).map(([all, which]): HostdevSpec => ({ ...all, ...which })),
);

badValues(test, hostdev, [
  ['', {}],
  ['', { managed: true }],
  ['', { pci: '0000:06:00.0', usb: { bus: 1, device: 2 } }],
  ['pci', { pci: 'usb 0:1' }],
  ['pci', { pci: '0000:06:20.0' }],
  ['usb', { usb: {} }],
  ['usb', { usb: { vendor: '0x1234' } }],
  ['usb.vendor', { usb: { vendor: '1234', product: '0xbeef' } }],
  ['scsi.unit', { scsi: { adapter: 'scsi_host0', bus: 0, target: 0 } }],
  ['iscsi.host', { iscsi: { name: 'iqn/1' } }],
  ['scsiHost.wwpn', { scsiHost: { wwpn: '5000' } }],
  ['mdev.uuid', { mdev: { uuid: 'x', model: 'vfio-pci' } }],
  ['mdev.model', { mdev: { uuid: '6e2f5a5c-1f0c-4f43-8a59-0e6a7f4ad001' } }],
  ['teaming.persistent', { pci: '0000:06:00.0', teaming: { type: 'transient' } }],
]);

test('it is known by what it is on the host', () => {
  const named = (type: string, inside: string) =>
    namesOf(`<hostdev mode='subsystem' type='${type}'><source${inside}</source></hostdev>`)[0];
  assert.is(named('pci', "><address domain='0x0000' bus='0x06' slot='0x1f' function='0x2'/>"), '0000:06:1f.2');
  assert.is(named('usb', "><vendor id='0x1234'/><product id='0xbeef'/>"), 'usb 1234:beef');
  assert.is(named('usb', "><address bus='1' device='4'/>"), 'usb bus 1 device 4');
  const unit = "<address bus='0' target='1' unit='2'/>";
  assert.is(named('scsi', `><adapter name='scsi_host0'/>${unit}`), 'scsi_host0:0:1:2');
  assert.is(named('scsi', " protocol='iscsi' name='iqn/1'>"), 'iqn/1');
  assert.is(named('scsi_host', " protocol='vhost' wwpn='naa.5'>"), 'naa.5');
  assert.is(named('mdev', "><address uuid='6e2f5a5c-1f0c-4f43-8a59-0e6a7f4ad001'/>")?.slice(0, 8), '6e2f5a5c');
});

test('the address that a running domain gave a USB device found by its ids is not part of it', () => {
  const replugged = (source: string) =>
    pluggable(
      readDevice(
        parseElement(
          `<hostdev mode='subsystem' type='usb'><source>${source}<address bus='1' device='4'/></source></hostdev>`,
        ),
      ),
    ).leaves;
  assert.not.ok(replugged("<vendor id='0x1234'/><product id='0xbeef'/>").has('source/address/@bus'));
  assert.ok(replugged('').has('source/address/@bus'), 'found by its place, the place is all there is');
});

test('all can come and go in both documents', () => {
  const device = { hostdev: { pci: '0000:06:00.0' } } as const;
  for (const action of ['attach', 'detach'] as const)
    for (const scope of ['live', 'config'] as const) assert.is(verdict(device, action, scope), 'yes');
});

test('each sort needs its kind of place', () => {
  const bus = (spec: HostdevSpec) => hostdev.bus(build(hostdev, spec));
  assert.equal(bus({ pci: '0000:06:00.0' }), { type: 'pci', slot: 'express' });
  assert.equal(bus({ usb: { bus: 1, device: 2 } }), { type: 'usb' });
  assert.is(bus({ iscsi: { name: 'iqn/1', host: 'san' } })?.type, 'drive');
  const wwpn = 'naa.5000000000000000';
  assert.equal(bus({ scsiHost: { wwpn, model: 'virtio-transitional' } }), { type: 'pci', slot: 'conventional' });
  const uuid = '6e2f5a5c-1f0c-4f43-8a59-0e6a7f4ad001';
  assert.equal(bus({ mdev: { uuid, model: 'vfio-pci' } }), { type: 'pci', slot: 'express' });
  assert.is(bus({ mdev: { uuid, model: 'vfio-ap' } }), undefined);
});

test.run();
