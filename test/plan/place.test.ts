import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, type ObservedDomain } from '../../src/domain/index.js';
import { type ChangeRequest, type Plan, planChanges } from '../../src/plan/index.js';

const usb = "<controller type='usb' index='0' model='qemu-xhci' ports='4'/>";
const ALL = `
  <controller type='pci' index='0' model='pcie-root'/><controller type='pci' index='1' model='pcie-root-port'/>
  ${usb}<hub type='usb'><address type='usb' bus='0' port='2'/></hub>
  <controller type='virtio-serial' index='0' ports='4'/><controller type='scsi' index='0' model='virtio-scsi'/>
  <controller type='sata' index='0'/><controller type='ide' index='0'/><controller type='fdc' index='0'/>`;

/** A domain with these devices, two slots for memory, and running when asked. */
function context(devices = ALL, running: 'running' | 'off' = 'running'): ObservedDomain {
  const xml = (id: string) =>
    `<domain type='qemu'${id}><name>d</name><uuid>c0ffee00-0000-4000-8000-000000000009</uuid><maxMemory slots='2'>2097152</maxMemory>
    <os><type machine='pc-q35-7.2'>hvm</type></os><features><acpi/></features><cpu><numa><cell id='0' memory='1'/></numa></cpu>
    <devices>${devices}</devices></domain>`;
  return {
    canonical: new DomainDocument(xml('')),
    live: running === 'running' ? new DomainDocument(xml(" id='1'")) : undefined,
    persistent: true,
    autostart: false,
    managedSave: false,
    versions: { libvirt: '9.0.0', qemu: '7.2.0' },
  };
}
const attach = (device: unknown, where = context(), more: Partial<ChangeRequest> = {}): Plan =>
  planChanges({ attach: [device], ...more } as ChangeRequest, where);
const disk = (bus: string, target: string, address?: string) => ({
  disk: { target, bus, file: '/x', ...(address && { address }) },
});
const tablet = (address?: string) => ({ input: { type: 'tablet', bus: 'usb', ...(address && { address }) } });
const channel = (address: string) => ({ channel: { unix: {}, name: 'a', address } });
const dimm = (address?: string) => ({
  memory: { model: 'dimm', size: '128 MiB', node: 0, ...(address && { address }) },
});

test('an address that is asked for by name must be there: port, unit, slot, controller, domain, and of the right bus', () => {
  const off = { ifNotLive: 'next-boot' } as const;
  for (const [device, no, more] of [
    [tablet('usb 0:5'), /no place usb 0:5/],
    [tablet('usb 0:1.1'), /no place usb 0:1\.1/],
    [tablet('usb 3:1'), /no usb controller 3/],
    [tablet('drive 0:0:0:0'), /no place for a device on usb/],
    [channel('virtio-serial 0:0:4'), /no place virtio-serial/],
    [channel('virtio-serial 2:0:1'), /no virtio-serial controller 2/],
    [dimm('dimm 2'), /no place dimm 2/],
    [disk('sata', 'sdb', 'drive 0:0:0:6'), /no place drive 0:0:0:6/, off],
    [disk('ide', 'hda', 'drive 0:2:0:0'), /no place drive 0:2:0:0/, off],
    [disk('virtio', 'vdb', 'usb 0:1'), /no place for a device on express/],
    [disk('virtio', 'vdb', '0001:01:00.0'), /no PCI domain 1/],
  ] as const) {
    const { operations, refusals } = attach(device, context(), more);
    assert.equal(operations, [], JSON.stringify(device));
    assert.match(refusals[0]?.reason ?? '', no);
  }
  for (const [device, address] of [
    [tablet('usb 0:4'), 'usb 0:4'],
    [tablet('usb 0:2.8'), 'usb 0:2.8'],
    [channel('virtio-serial 0:0:3'), 'virtio-serial 0:0:3'],
    [dimm('dimm 1'), 'dimm 1'],
    [disk('scsi', 'sda', 'drive 0:0:5:99'), 'drive 0:0:5:99'],
    [disk('virtio', 'vdb', '0000:01:00.0'), 'pci 0000:01:00.0'],
  ] as const) {
    const { operations, refusals } = attach(device);
    assert.equal(refusals, []);
    assert.is(operations[0]?.address, address);
  }
});

test('shut off, libvirt adds controllers for an address that is asked for, and ports to none that is there', () => {
  assert.is(attach(disk('sata', 'sdz', 'drive 4:0:0:1'), context(ALL, 'off')).operations[0]?.address, 'drive 4:0:0:1');
  assert.match(attach(tablet('usb 0:9'), context(ALL, 'off')).refusals[0]?.reason ?? '', /no place usb 0:9/);
});

test('the place that a device had is no place on another bus, whether that has a controller or none yet', () => {
  const there = `<disk type='file' device='disk'><source file='/x'/><target dev='sdb' bus='scsi'/><address type='drive' controller='0' bus='0' target='0' unit='7'/></disk>`;
  const without = ALL.replace("<controller type='sata' index='0'/>", '');
  const moved = (devices: string) => {
    const detach: ChangeRequest['detach'] = [{ disk: 'sdb' }];
    const { operations, refusals } = planChanges(
      { detach, attach: [disk('sata', 'sdb')], replace: 'allow' } as ChangeRequest,
      context(devices + there, 'off'),
    );
    assert.equal(refusals, []);
    return operations.find(({ action }) => action === 'attach');
  };
  assert.is(moved(ALL)?.address, 'drive 0:0:0:1');
  assert.is(moved(without)?.address, undefined, 'libvirt adds the controller and says where');
});

test('a bus without a free place that libvirt cannot make longer is a refusal, for the next boot too', () => {
  const at = (bus: string, unit: number) =>
    `<disk type='file' device='${bus === 'fdc' ? 'floppy' : 'disk'}'><source file='/${unit}'/><target dev='${bus === 'fdc' ? 'fd' : 'hd'}${'abcd'[unit]}' bus='${bus}'/><address type='drive' controller='0' bus='${bus === 'ide' ? unit >> 1 : 0}' target='0' unit='${unit & 1}'/></disk>`;
  const modules = [0, 1].map(
    (slot) =>
      `<memory model='dimm'><target><size>1</size><node>0</node></target><address type='dimm' slot='${slot}'/></memory>`,
  );
  for (const [taken, device, no] of [
    [[0, 1, 2, 3].map((n) => at('ide', n)), disk('ide', 'hde'), /one ide controller/],
    [[0, 1].map((n) => at('fdc', n)), { disk: { ...disk('fdc', 'fdc').disk, device: 'floppy' } }, /one fdc controller/],
    [modules, dimm(), /no more slots for memory/],
    [["<controller type='usb' index='0' model='none'/>"], tablet(), /defined without USB/],
  ] as const)
    for (const running of ['running', 'off'] as const) {
      const all = no.source.includes('USB') ? ALL.replace(/<controller type='usb'[^>]*>|<hub.*<\/hub>/g, '') : ALL;
      const plan = attach(device, context(all + taken.join(''), running), { ifNotLive: 'next-boot' });
      assert.equal(plan.operations, [], String(plan));
      assert.match(plan.refusals[0]?.reason ?? '', no);
    }
  const mice = [1, 2, 3, 4].map(
    (n) => `<input type='mouse' bus='usb'><address type='usb' bus='0' port='${n}'/></input>`,
  );
  const full = usb + mice.join('');
  // libvirt adds hubs at define only: the attach would fail, shut off too.
  for (const running of ['running', 'off'] as const) {
    const [refusal] = attach(tablet(), context(full, running)).refusals;
    assert.match(refusal?.reason ?? '', /libvirt adds USB hubs when a domain is defined only/);
    assert.match(refusal?.remedy ?? '', /^Attach <controller type='usb'/);
  }
});

test('capacity counts the places of a companion controller once, and none where USB is off', () => {
  const total = (devices: string) => attach(disk('scsi', 'sda'), context(devices)).capacity.usb.total;
  const companions = [1, 2, 3].map(
    (n) => `<controller type='usb' index='0' model='ich9-uhci${n}'><master startport='${n * 2 - 2}'/></controller>`,
  );
  const ehci = "<controller type='usb' index='0' model='ich9-ehci1'/>";
  assert.is(total(ehci + companions.join('')), 6);
  assert.is(total("<controller type='usb' index='0' model='none'/>"), 0);
  assert.is(total(usb), 4);
});

const card = (model: string, slot: string) =>
  `<interface type='user'><mac address='52:54:00:00:00:01'/><model type='${model}'/><alias name='ua-lan'/><address type='pci' domain='0x0000' bus='0x00' slot='${slot}' function='0x0'/></interface>`;

test('a card that comes back as another model keeps its slot on i440fx, where PCI is one bus', () => {
  const root = "<controller type='pci' index='0' model='pci-root'/>";
  const { canonical, ...rest } = context(`${root}${card('virtio', '0x02')}`, 'off');
  const i440fx = new DomainDocument(canonical.xml.replace('pc-q35-7.2', 'pc-i440fx-7.2'));
  const request: ChangeRequest = {
    replace: 'allow',
    detach: [{ interface: 'lan' }],
    attach: [{ interface: { id: 'lan', user: true, model: 'e1000', mac: '52:54:00:00:00:01' } }],
  };
  const { operations, refusals } = planChanges(request, { ...rest, canonical: i440fx });
  assert.equal(refusals, []);
  assert.is(operations.find(({ action }) => action === 'attach')?.address, 'pci 0000:00:02.0');
});

test('a full PCIe-to-PCI bridge of a domain that is off is a refusal: libvirt adds none', () => {
  const sound = (slot: number) =>
    `<sound model='ich6'><address type='pci' domain='0x0000' bus='0x02' slot='0x${slot.toString(16)}' function='0x0'/></sound>`;
  const bridge = (cards: number) =>
    `<controller type='pci' index='0' model='pcie-root'/><controller type='pci' index='1' model='pcie-root-port'/>
     <controller type='pci' index='2' model='pcie-to-pci-bridge'/>${Array.from({ length: cards }, (_, n) => sound(n + 1)).join('')}`;
  const one = "<sound model='ich6'/>";
  assert.equal(attach(one, context(bridge(30), 'off')).refusals, []);
  const { operations, refusals } = attach(one, context(bridge(31), 'off'));
  assert.equal(operations, []);
  assert.match(refusals[0]?.reason ?? '', /no free slot on a conventional PCI bus.*virDomainPCIAddressSetGrow/);
});

test('a detach of scope config or live is refused where only the other document has the device', () => {
  const { canonical, ...rest } = context(undefined, 'off');
  const more = new DomainDocument(canonical.xml.replace('</devices>', `${card('virtio', '0x02')}</devices>`));
  const detach = [{ interface: 'lan' }];
  const reason = (request: ChangeRequest, where: ObservedDomain) => planChanges(request, where).refusals[0]?.reason;
  assert.match(reason({ detach, scope: 'config' }, { ...rest, canonical, live: more }) ?? '', /only the running guest/);
  assert.match(
    reason({ detach, scope: 'live' }, { ...rest, canonical: more, live: canonical }) ?? '',
    /only the canonical/,
  );
});

test.run();
