import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DiskSpec, DomainDocument, type InterfaceSpec, type Operation } from '../../src/domain/index.js';
import { type ChangeRequest, type Plan, planChanges } from '../../src/plan/index.js';
import { leaves, parseElement } from '../../src/xml/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf, fixture } from '../support/fixtures.js';

const plan = (name: string, request: ChangeRequest): Plan => planChanges(request, contextOf(name));
const disk = (target: string, more: Partial<DiskSpec> = {}) => ({
  disk: { id: target, target, file: `/img/${target}.qcow2`, format: 'qcow2', ...more } as DiskSpec,
});
const nic = (id: string, more: Partial<InterfaceSpec> = {}) => ({
  interface: { id, user: true, ...more } as InterfaceSpec,
});

/** The one operation of a plan that refuses nothing. */
function only(made: Plan): Operation {
  assert.equal(made.refusals, [], String(made));
  assert.is(made.operations.length, 1, String(made));
  return made.operations[0] as Operation;
}
const sent = (operation: Operation) => leaves(parseElement((operation.call.args as { xml: string }).xml));
const flags = (operation: Operation) => (operation.call.args as { flags: number }).flags;

test('running: one call, LIVE|CONFIG, at an address free in both documents, and its way back', () => {
  const operation = only(plan('web', { attach: [disk('vdc')] }));
  assert.is(operation.action, 'attach');
  assert.is(operation.subject, 'disk vdc');
  assert.is(operation.scope, 'both');
  assert.is(operation.takesEffect, 'now');
  assert.is(operation.call.procedure, 'DOMAIN_ATTACH_DEVICE_FLAGS');
  assert.is(flags(operation), 3);
  assert.is(operation.address, 'pci 0000:0a:00.0');
  assert.is(sent(operation).get('address/@bus'), '0x0a');
  assert.is(sent(operation).get('alias/@name'), 'ua-vdc');
  assert.equal(
    operation.inverse.map(({ action, scope }) => [action, scope]),
    [
      ['detach', 'live'],
      ['detach', 'config'],
    ],
  );
});

test('shut off: CONFIG alone, from the next boot on', () => {
  const operation = only(plan('off', { attach: [disk('vdc')] }));
  assert.is(operation.scope, 'config');
  assert.is(operation.takesEffect, 'next-boot');
  assert.is(flags(operation), 2);
});

test('each scope sends its own flags, never CURRENT', () => {
  for (const [scope, flag] of [
    ['live', 1],
    ['config', 2],
    ['both', 3],
    ['persistent', 3],
  ] as const)
    assert.is(flags(only(plan('web', { attach: [disk('vdc')], scope }))), flag, scope);
});

test('scope live or both on a shut-off domain is refused', () => {
  for (const scope of ['live', 'both'] as const) {
    const { operations, refusals } = plan('off', { attach: [disk('vdc')], scope });
    assert.equal(operations, []);
    assert.match(refusals[0]?.reason ?? '', /not running/);
    assert.is(refusals[0]?.path, 'attach[0]');
  }
});

test('a transient domain takes scope live, and nothing else', () => {
  const transient = contextOf('web', { persistent: false });
  assert.is(planChanges({ attach: [disk('vdc')], scope: 'live' }, transient).operations.length, 1);
  for (const scope of ['config', 'both', 'persistent'] as const) {
    const { operations, refusals } = planChanges({ attach: [disk('vdc')], scope }, transient);
    assert.equal(operations, []);
    assert.match(refusals[0]?.reason ?? '', /transient/);
  }
});

test('documents that differ: the address is free in both, not what either alone would give (E4, E7)', () => {
  // In the running guest bus 6 is taken by a NIC that the canonical document does not have; there bus 1 is free.
  const operation = only(plan('diverged', { attach: [nic('new')] }));
  const { canonical, live } = contextOf('diverged');
  const taken = (document = canonical) => document.devices.map(({ address }) => JSON.stringify(address));
  const [bus] = /[0-9a-f]{2}(?=:00\.0)/.exec(operation.address ?? '') ?? [];
  const address = JSON.stringify({ type: 'pci', domain: 0, bus: Number.parseInt(bus ?? '', 16), slot: 0, function: 0 });
  assert.not.ok(taken().includes(address), 'free in the canonical document');
  assert.not.ok(taken(live).includes(address), 'free in the live document');
  assert.is(operation.address, 'pci 0000:06:00.0');
});

test('several devices get places of their own, and the capacity goes down', () => {
  const made = plan('web', { attach: [disk('vdc'), nic('a'), nic('b')] });
  assert.equal(
    made.operations.map(({ address }) => address),
    ['pci 0000:0a:00.0', 'pci 0000:0b:00.0', 'pci 0000:0c:00.0'],
  );
  assert.is(made.capacity.pci.free, 6);
  assert.is(made.capacity.pci.freeAfter, 3);
});

test('one device too many is refused before anything is sent; the others keep their places', () => {
  const targets = ['vdc', 'vdd', 'vde', 'vdf', 'vdg', 'vdh', 'vdi'];
  const made = plan('web', { attach: targets.map((target) => disk(target)) });
  assert.is(made.operations.length, 6);
  assert.equal(
    made.refusals.map(({ subject, path }) => [subject, path]),
    [['disk vdi', 'attach[6]']],
  );
  assert.match(made.refusals[0]?.reason ?? '', /no hot-plug PCIe port is free in both documents/);
  assert.match(made.refusals[0]?.remedy ?? '', /next-boot/);
  assert.is(made.isEmpty, false);
  assert.is(made.capacity.pci.freeAfter, 0);
});

test('no port at all: refused, or left to the next boot when the caller says so', () => {
  assert.is(plan('full', { attach: [nic('a')] }).refusals.length, 1);
  const operation = only(plan('full', { attach: [nic('a')], ifNotLive: 'next-boot' }));
  assert.is(operation.scope, 'config');
  assert.is(operation.takesEffect, 'next-boot');
  assert.match(operation.reason ?? '', /no hot-plug PCIe port/);
  assert.is(plan('full', { attach: [nic('a')], ifNotLive: 'next-boot', scope: 'live' }).refusals.length, 1);
});

test('what is there just as asked is no operation but a note', () => {
  const asked = { id: 'log', bus: 'scsi', file: '/host/images/log.qcow2' } as const;
  for (const [name, request] of [
    ['web', disk('sdb', asked)],
    ['web', nic('lan', { mac: '52:54:00:00:00:0A', boot: 2 })],
    ['web', { disk: { target: 'vdb', file: '/host/images/data.qcow2' } }],
  ] as const) {
    const made = plan(name, { attach: [request] });
    assert.ok(made.isEmpty, String(made));
    assert.match(made.notes[0] ?? '', /attached already/);
  }
});

test('the only one that there may be is known without a name; any number of others are not', () => {
  const without = contextOf('web');
  const before = '</devices>';
  const vsock = "<vsock model='virtio'><cid auto='yes' address='3'/><alias name='ua-v'/></vsock>";
  const [canonical, live] = [without.canonical, without.live].map(
    (document) => new DomainDocument(String(document?.xml).replace(before, `${vsock}${before}`)),
  ) as [DomainDocument, DomainDocument];
  const context = { ...without, canonical, live };
  const again = planChanges({ attach: ["<vsock model='virtio'/>"] }, context);
  assert.ok(again.isEmpty, String(again));
  assert.match(again.notes[0] ?? '', /attached already/);
  const other = planChanges({ attach: [{ vsock: { cid: 7 } }] }, context);
  assert.match(other.refusals[0]?.reason ?? '', /at most 1 vsock/);
  const second = planChanges({ attach: ["<sound model='ich9'/>"], scope: 'config' }, context);
  assert.is(only(second).action, 'attach');
});

test('what only the running guest has is added to the canonical document at the same place', () => {
  const operation = only(plan('diverged', { attach: [nic('only-live', { mac: '52:54:00:00:00:a1' })] }));
  assert.is(operation.scope, 'config');
  const live = contextOf('diverged').live?.find('interface', 'only-live')[0];
  assert.is(sent(operation).get('address/@bus'), live?.leaves.get('address/@bus'));
  assert.is(sent(operation).get('mac/@address'), '52:54:00:00:00:a1');
  for (const runtime of ['target/@dev', 'backend', 'source/@portid']) assert.not.ok(sent(operation).has(runtime));
});

test('a differing device of the same name is a duplicate, which the error says how to get round', () => {
  for (const [request, device, says] of [
    [disk('vdb', { id: 'data' }), 'disk vdb', /source\/@file|alias/],
    [disk('vda', { id: 'root' }), 'disk root', /source\/@file/],
    [disk('vda', { id: 'other' }), 'disk root', /target vda/],
    [disk('sdb', { id: 'x' }), 'disk log', /target sdb/],
    [nic('x', { mac: '52:54:00:00:00:0A' }), 'interface lan', /MAC address 52:54:00:00:00:0a/],
    [nic('x', { mac: '52:54:00:00:00:0b' }), 'interface 52:54:00:00:00:0b', /./],
    [disk('vdc', { id: 'lan' }), 'interface lan', /./],
    [disk('vdc', { boot: 1 }), 'disk root', /boot order 1/],
    [nic('x', { boot: 1 }), 'disk root', /boot order 1/],
    ["<disk type='file'><source file='/x'/><target dev='vda'/></disk>", 'disk root', /./],
  ] as const) {
    const error = failureNow(() => plan('web', { attach: [request] }), 'DEVICE_DUPLICATE');
    assert.is(error.device, device, error.message);
    assert.is(error.path, 'attach[0]');
    assert.match(error.message, says);
    assert.ok(error.remedy);
  }
});

test('two devices of one request cannot share what is unique either', () => {
  for (const [first, second] of [
    [disk('vdc'), disk('vdc', { id: 'other' })],
    [disk('vdc'), disk('vdd', { id: 'vdc' })],
    [nic('a', { mac: '52:54:00:00:00:99' }), nic('b', { mac: '52:54:00:00:00:99' })],
    [disk('vdc', { boot: 3 }), nic('a', { boot: 3 })],
    [disk('vdc'), disk('vdc')],
  ] as const) {
    const error = failureNow(() => plan('web', { attach: [first, second] }), 'DEVICE_DUPLICATE');
    assert.is(error.path, 'attach[1]', error.message);
  }
});

test('an address that is asked for: taken, out of range, no such bus, or as asked', () => {
  const at = (address: string) =>
    `<disk type='file'><source file='/x'/><target dev='vdc' bus='virtio'/>${address}</disk>`;
  const pci = (bus: string, slot = '0x00', fn = '0x0') =>
    at(`<address type='pci' domain='0x0000' bus='${bus}' slot='${slot}' function='${fn}'/>`);
  const taken = failureNow(() => plan('web', { attach: [pci('0x06')] }), 'ADDRESS_IN_USE');
  assert.is(taken.device, 'disk root');
  assert.is(taken.path, 'attach[0]');
  assert.match(taken.message, /0000:06:00\.0/);
  assert.is(only(plan('web', { attach: [pci('0x0d')] })).address, 'pci 0000:0d:00.0');
  assert.is(only(plan('web', { attach: [at("<address type='pci'/>")] })).address, 'pci 0000:0a:00.0');
  for (const [address, reason] of [
    [pci('0x0d', '0x01'), /slots 0 to 0/],
    [pci('0x00', '0x09'), /./],
    [pci('0x63'), /no PCI bus 99/],
    [pci('0x0d', '0x00', '0x1'), /function/],
  ] as const) {
    const { operations, refusals } = plan('web', { attach: [address] });
    assert.equal(operations, [], 'nothing is planned');
    assert.match(refusals[0]?.reason ?? '', reason);
  }
  const drive = at("<address type='drive' controller='0' bus='0' target='0' unit='1'/>").replace(
    "dev='vdc' bus='virtio'",
    "dev='sdd' bus='scsi'",
  );
  assert.is(failureNow(() => plan('web', { attach: [drive] }), 'ADDRESS_IN_USE').device, 'disk log');
});

test('an address that is none is refused with the place in the request', () => {
  for (const attributes of [
    "bus='0x0d' slot='0x20'",
    "bus='0x0d' slot='ten'",
    "bus='0x100' slot='0'",
    "bus='0x0d' slot='0' function='8'",
    "bus='-1' slot='0'",
  ]) {
    const xml = `<disk type='file'><source file='/x'/><target dev='vdc'/><address type='pci' ${attributes}/></disk>`;
    for (const name of ['web', 'off']) {
      const error = failureNow(() => plan(name, { attach: [xml] }), 'SPEC_INVALID');
      assert.is(error.path, 'attach[0]', error.message);
    }
  }
});

test('scsi, usb and sata disks get places on their controllers', () => {
  const scsi = plan('web', { attach: [disk('sdb', { id: 'x', bus: 'scsi' }), disk('sdc', { bus: 'scsi' })].slice(1) });
  assert.is(only(scsi).address, 'drive 0:0:0:2');
  assert.is(only(plan('web', { attach: [disk('sde', { bus: 'usb' })] })).address, 'usb 0:2');
  const sata = plan('web', { attach: [disk('sdf', { bus: 'sata' })] });
  assert.equal(sata.operations, []);
  assert.match(sata.refusals[0]?.reason ?? '', /virtio, scsi and usb/);
  assert.is(only(plan('web', { attach: [disk('sdf', { bus: 'sata' })], scope: 'config' })).address, 'drive 0:0:0:5');
  assert.is(only(plan('web', { attach: [disk('sdf', { bus: 'sata' })], ifNotLive: 'next-boot' })).scope, 'config');
  const beside =
    "<disk type='file'><source file='/x'/><target dev='sdg' bus='scsi'/><address type='drive' unit='0'/></disk>";
  assert.is(only(plan('web', { attach: [beside] })).address, 'drive 0:0:0:0', 'the place of a CD-ROM, but on sata');
  const without = plan('off', { attach: [disk('sdb', { bus: 'scsi' })] });
  assert.match(without.refusals[0]?.remedy ?? '', /virtio-scsi/);
});

test('what cannot be hot-plugged is refused with the reason, and offered for the next boot (D11)', () => {
  for (const [name, device, reason] of [
    ['i440fx', disk('hdb', { bus: 'ide' }), /virtio, scsi and usb/],
    ['i440fx', disk('fda', { device: 'floppy' }), /floppy/],
    ['web', "<controller type='usb' index='1' model='qemu-xhci'/>", /only scsi controllers/],
    [
      'web',
      "<interface type='server'><mac address='52:54:00:00:00:77'/><source address='1.1.1.1' port='1'/></interface>",
      /not implemented/,
    ],
  ] as const) {
    const { operations, refusals } = plan(name, { attach: [device] });
    assert.equal(operations, []);
    assert.match(refusals[0]?.reason ?? '', reason);
    assert.match(refusals[0]?.remedy ?? '', /next-boot/);
    const later = only(plan(name, { attach: [device], ifNotLive: 'next-boot' }));
    assert.is(later.scope, 'config');
  }
});

test('what a device that only goes at the next boot has, nobody else gets before: libvirt would take it for a change of media', () => {
  const cd = { device: 'cdrom', bus: 'scsi', file: '/img/other.iso' } as const;
  for (const [disk, more] of [
    [{ id: 'new', target: 'sda', ...cd }, {}],
    [{ id: 'cd', target: 'sdz', ...cd }, { replace: 'allow' }],
  ] as const) {
    const made = plan('web', { detach: [{ disk: 'cd' }], attach: [{ disk }], ifNotLive: 'next-boot', ...more });
    assert.equal(
      made.operations.map(({ action, subject, scope }) => [action, subject, scope]),
      [
        ['detach', 'disk cd', 'config'],
        ['attach', `disk ${disk.id}`, 'config'],
      ],
    );
    assert.match(made.operations[1]?.reason ?? '', /disk cd is in the running guest until then/);
  }
});

test('conventional PCI wants a bridge: none, no live place; with one, a slot on it (A8)', () => {
  const old = nic('card', { model: 'rtl8139' });
  assert.match(plan('web', { attach: [old] }).refusals[0]?.reason ?? '', /conventional PCI/);
  assert.is(only(plan('ports', { attach: [old] })).address, 'pci 0000:07:01.0');
  assert.match(only(plan('i440fx', { attach: [old] })).address ?? '', /^pci 0000:00:/);
});

test("a port with hotplug='off' is no place for hot-plug, but for the next boot (A7)", () => {
  const rng =
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend><address type='pci' bus='6' slot='0'/></rng>";
  const without = (name: string) => new DomainDocument(fixture(name).replace(/<rng [\s\S]*<\/rng>/, ''));
  const free = contextOf('ports', { canonical: without('ports.xml'), live: without('ports.live.xml') });
  assert.is(only(planChanges({ attach: [rng], scope: 'config' }, free)).address, 'pci 0000:06:00.0');
  const { operations, refusals } = planChanges({ attach: [rng] }, free);
  assert.equal(operations, []);
  assert.match(refusals[0]?.reason ?? '', /PCI bus 6 does not support hot-plug/);
  const all = plan('ports', { attach: [nic('a'), nic('b')] });
  for (const { address } of all.operations) assert.not.match(address ?? '', /:06:/);
});

test('a boot order where <os> has it is refused', () => {
  const { operations, refusals } = plan('foreign', { attach: [disk('vdb', { boot: 5 })] });
  assert.match(refusals[0]?.reason ?? '', /<os>/);
  assert.equal(
    operations.filter(({ subject }) => subject === 'disk vdb'),
    [],
  );
});

test('a NIC without a MAC gets a unicast one of its own, the same each time', () => {
  const macOf = (made: Plan, at = 0) => sent(made.operations[at] as Operation).get('mac/@address');
  const made = plan('web', {
    attach: [nic('a'), nic('b'), { interface: { user: true } }, { interface: { user: true } }],
  });
  const all = made.operations.map((_, at) => macOf(made, at));
  for (const mac of all) assert.match(mac ?? '', /^52:54:00:[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}$/);
  assert.is(new Set(all).size, 4, 'all different');
  assert.is(macOf(plan('web', { attach: [nic('a')] })), all[0], 'the same in another plan');
  assert.is(macOf(plan('web', { attach: [nic('z'), nic('a')] }), 1), all[0], 'wherever it stands');
  assert.is.not(macOf(plan('off', { attach: [nic('a')] })), all[0], 'another in another domain');
});

test('XML is sent as it was given, with place and name added, and unknown parts kept', () => {
  const xml =
    "<disk type='file' device='disk'><!-- mine --><driver name='qemu' type='qcow2' new_option='1'/><source file='/x'/><target dev='vdc'/><future a='b'>c</future></disk>";
  const found = sent(only(plan('web', { attach: [xml] })));
  assert.is(found.get('driver/@new_option'), '1');
  assert.is(found.get('future'), 'c');
  assert.is(found.get('target/@bus'), 'virtio');
  assert.is(found.get('address/@bus'), '0x0a');
});

test.run();
