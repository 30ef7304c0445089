import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ControllerSpec, controller } from '../../../src/domain/devices/controller.js';
import { badValues, kindTests, namesOf, some, values, verdict, virtioDriver } from './support.js';

const test = suite('controller');

const byte = fc.nat(255);
const typeAndModel: fc.Arbitrary<Pick<ControllerSpec, 'type' | 'model'>> = fc.oneof(
  fc.constantFrom({ type: 'sata' as const }, { type: 'fdc' as const }, { type: 'ccid' as const }),
  fc.constantFrom('piix3', 'ich6').map((model) => ({ type: 'ide' as const, model })),
  fc.constantFrom('virtio-scsi', 'lsilogic').map((model) => ({ type: 'scsi' as const, model })),
  fc.constantFrom('virtio', 'virtio-transitional').map((model) => ({ type: 'virtio-serial' as const, model })),
  fc.constantFrom('qemu-xhci', 'ich9-uhci1', 'none').map((model) => ({ type: 'usb' as const, model })),
  fc.constantFrom('pcie-root', 'pcie-root-port', 'pci-bridge').map((model) => ({ type: 'pci' as const, model })),
);
const rest = fc.record(
  {
    id: values.id,
    address: values.pciAddress,
    index: fc.nat(),
    ports: fc.integer({ min: 1, max: 255 }),
    vectors: fc.nat(),
    modelName: values.name,
    target: some({
      chassis: byte,
      port: byte,
      chassisNr: byte,
      busNr: byte,
      index: byte,
      hotplug: fc.boolean(),
      node: byte,
    }),
    pcihole64: values.size,
    master: fc.record({ startPort: fc.nat(15) }),
    driver: some({
      queues: fc.integer({ min: 1, max: 1024 }),
      cmdPerLun: fc.integer({ min: 1, max: 4096 }),
      maxSectors: fc.integer({ min: 1, max: 4096 }),
      ioeventfd: fc.boolean(),
      iothread: fc.integer({ min: 1, max: 64 }),
      ...virtioDriver,
    }),
  },
  { requiredKeys: [] },
);

kindTests(
  test,
  controller,
  fc.tuple(rest, typeAndModel).map(([all, which]): ControllerSpec => ({ ...all, ...which })),
);

badValues(test, controller, [
  ['type', { model: 'virtio-scsi' }],
  ['type', { type: 'floppy' }],
  ['model', { type: 'scsi', model: 'pcie-root-port' }],
  ['model', { type: 'sata', model: 'ich9' }],
  ['model', { type: 'pci' }],
  ['index', { type: 'scsi', index: -1 }],
  ['ports', { type: 'usb', ports: 0 }],
  ['target.chassis', { type: 'pci', model: 'pcie-root-port', target: { chassis: 256 } }],
  ['master.startPort', { type: 'usb', model: 'ich9-uhci1', master: { startPort: 16 } }],
  ['driver.queues', { type: 'scsi', driver: { queues: 0 } }],
]);

test('it answers to its id and to type and index', () => {
  assert.equal(namesOf("<controller type='scsi' index='1'><alias name='ua-bus'/></controller>"), [
    'bus',
    'ua-bus',
    'scsi1',
  ]);
});

const rows: ReadonlyArray<
  readonly [spec: ControllerSpec, attachLive: boolean, attachConfig: boolean, detachConfig: boolean]
> = [
  [{ type: 'scsi', model: 'virtio-scsi', index: 0 }, true, true, true],
  [{ type: 'virtio-serial', index: 0 }, false, true, true],
  [{ type: 'usb', model: 'qemu-xhci', index: 0 }, false, true, false],
  [{ type: 'usb', model: 'qemu-xhci', index: 1 }, false, true, true],
  [{ type: 'sata', index: 0 }, false, true, false],
  [{ type: 'pci', model: 'pcie-root', index: 0 }, false, true, false],
  [{ type: 'pci', model: 'pcie-root-port' }, false, false, true],
  [{ type: 'pci', model: 'pcie-to-pci-bridge' }, false, false, true],
  [{ type: 'pci', model: 'pcie-to-pci-bridge', modelName: 'pcie-pci-bridge' }, false, true, true],
  [{ type: 'pci', model: 'pci-bridge', modelName: 'pci-bridge' }, false, false, true],
  [{ type: 'pci', model: 'pcie-expander-bus', modelName: 'pxb-pcie' }, false, false, true],
  [{ type: 'pci', model: 'pcie-root-port', modelName: 'pcie-root-port', target: { port: 16 } }, false, false, true],
  [
    { type: 'pci', model: 'pcie-root-port', modelName: 'pcie-root-port', target: { chassis: 9, port: 16 } },
    false,
    true,
    true,
  ],
];
for (const [spec, attachLive, attachConfig, detachConfig] of rows) {
  test(`what can be done with ${JSON.stringify(spec)}`, () => {
    assert.is(verdict({ controller: spec }, 'attach', 'live') === 'yes', attachLive, 'attach live');
    assert.is(verdict({ controller: spec }, 'detach', 'live') === 'yes', attachLive, 'detach live');
    assert.is(verdict({ controller: spec }, 'attach', 'config') === 'yes', attachConfig, 'attach config');
    assert.is(verdict({ controller: spec }, 'detach', 'config') === 'yes', detachConfig, 'detach config');
  });
}

test('a virtio-serial controller can be hot-plugged on a newer libvirt', () => {
  assert.is(verdict({ controller: { type: 'virtio-serial' } }, 'attach', 'live', '11.3.0'), 'yes');
});

test('each model needs its kind of place', () => {
  const slot = (type: string, model: string) => {
    const demand = controller.bus(
      new Map([
        ['@type', type],
        ['@model', model],
      ]),
    );
    return demand?.type === 'pci' ? demand.slot : demand?.type;
  };
  assert.is(slot('scsi', 'virtio-scsi'), 'express');
  assert.is(slot('scsi', 'virtio-transitional'), 'conventional');
  assert.is(slot('scsi', 'lsilogic'), 'conventional');
  assert.is(slot('virtio-serial', 'virtio'), 'express');
  assert.is(slot('usb', 'qemu-xhci'), 'express');
  assert.is(slot('usb', 'piix3-uhci'), 'conventional');
  assert.is(slot('usb', 'none'), undefined);
  assert.is(slot('ccid', ''), 'usb');
  assert.is(slot('pci', 'pcie-root-port'), undefined);
  assert.is(slot('pci', 'pcie-to-pci-bridge'), 'express');
});

test.run();
