import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Address, addressText, type BusRequirement, DomainDocument, Topology } from '../../src/domain/index.js';
import { contextOf, fixture } from '../support/fixtures.js';

const EXPRESS: BusRequirement = { type: 'pci', slot: 'express' };
const CONVENTIONAL: BusRequirement = { type: 'pci', slot: 'conventional' };
const drive = (controller: 'scsi' | 'sata' | 'ide', target: string): BusRequirement => ({
  type: 'drive',
  controller,
  target,
});

/** The topology of a fixture: of both documents, or of one alone. */
function topology(name: string, which: 'both' | 'canonical' = 'both'): Topology {
  const { canonical, live } = contextOf(name);
  return new Topology(canonical, which === 'both' ? live : undefined);
}
const chosen = (name: string, demand: BusRequirement, hotplug = true, which?: 'canonical') => {
  const address = topology(name, which).choose(demand, hotplug);
  return address && addressText(address);
};

test('a PCIe place is free in both documents', () => {
  assert.is(chosen('web', EXPRESS), 'pci 0000:0a:00.0');
  assert.is(chosen('diverged', EXPRESS), 'pci 0000:06:00.0');
  assert.is(chosen('diverged', EXPRESS, true, 'canonical'), 'pci 0000:01:00.0', 'where the live document has a NIC');
  assert.is(chosen('full', EXPRESS), undefined);
});

test('choose: a slot is taken by whichever of its functions a device has', () => {
  const web = topology('web');
  const free = web.choose(EXPRESS, true) as Extract<Address, { type: 'pci' }>;
  web.take({ ...free, function: 1 }, 'another function');
  const next = web.choose(EXPRESS, true) as Extract<Address, { type: 'pci' }>;
  assert.is.not(`${next.bus}:${next.slot}`, `${free.bus}:${free.slot}`);
  assert.is(web.holderOf(free), 'another function');
});

test('taken places are given once, released ones last', () => {
  const web = topology('web');
  const seen = new Set<string>();
  for (let n = 0; n < 6; n++) {
    const address = web.choose(EXPRESS, true) as Address;
    seen.add(addressText(address));
    web.take(address, `device ${n}`);
    assert.is(web.holderOf(address), `device ${n}`);
  }
  assert.is(seen.size, 6);
  assert.is(web.choose(EXPRESS, true), undefined);
  const [lan] = contextOf('web').canonical.find('interface', 'lan');
  assert.ok(lan);
  web.release(lan);
  assert.equal(web.choose(EXPRESS, true), lan.address);
});

test("ports with hotplug='off' count for the next boot only", () => {
  const without = (name: string) => new DomainDocument(fixture(name).replace(/<rng [\s\S]*<\/rng>/, ''));
  const ports = new Topology(without('ports.xml'), without('ports.live.xml'));
  const all = (hotplug: boolean) => {
    const found: string[] = [];
    for (let address = ports.choose(EXPRESS, hotplug); address; address = ports.choose(EXPRESS, hotplug)) {
      found.push(addressText(address));
      ports.take(address, 'x');
    }
    return found;
  };
  assert.not.ok(all(true).includes('pci 0000:06:00.0'));
  assert.equal(all(false), ['pci 0000:06:00.0']);
  assert.match(ports.whyNotHotplug({ type: 'pci', domain: 0, bus: 6, slot: 0, function: 0 }) ?? '', /PCI bus 6/);
  assert.is(ports.whyNotHotplug({ type: 'pci', domain: 0, bus: 2, slot: 0, function: 0 }), undefined);
  assert.match(ports.whyNotHotplug({ type: 'pci', domain: 0, bus: 0, slot: 31, function: 2 }) ?? '', /PCI bus 0/);
});

test('conventional PCI: slots 1 to 31 of a bridge, 3 to 31 of pci-root, none on a bare q35', () => {
  assert.is(chosen('ports', CONVENTIONAL), 'pci 0000:07:01.0');
  assert.is(chosen('web', CONVENTIONAL), undefined);
  const first = chosen('i440fx', CONVENTIONAL) ?? '';
  assert.match(first, /^pci 0000:00:(0[3-9]|1[0-9a-f])\.0$/);
  assert.is(chosen('i440fx', EXPRESS), first, 'i440fx takes virtio there too');
  assert.is(topology('i440fx').capacity().pci.total, 29);
});

test('capacity: all places and those free in both', () => {
  for (const [name, total, free] of [
    ['web', 15, 6],
    ['full', 4, 0],
  ] as const)
    assert.equal(topology(name).capacity().pci, { total, free }, name);
});

test('drives sit where their target name says, or else at the next free place', () => {
  assert.is(chosen('web', drive('scsi', 'sdc')), 'drive 0:0:0:2');
  assert.is(
    chosen('web', drive('scsi', 'sdb')),
    'drive 0:0:0:0',
    "its own place is taken, and a CD-ROM on sata is in nobody's way",
  );
  assert.is(chosen('web', drive('scsi', 'sdh')), 'drive 0:0:0:8', 'unit 7 is the controller itself');
  assert.is(chosen('web', drive('sata', 'sdf')), 'drive 0:0:0:5');
  assert.is(chosen('web', drive('sata', 'sda')), 'drive 0:0:0:1');
  assert.is(chosen('off', drive('scsi', 'sdb')), undefined, 'no such controller');
  assert.is(chosen('i440fx', drive('ide', 'hdd')), 'drive 0:1:0:1');
});

test('a drive is not where its target name says while the disk that left that place may come back', () => {
  const web = topology('web');
  const [log] = contextOf('web').canonical.find('disk', 'log');
  assert.ok(log?.address);
  web.release(log);
  assert.equal(web.choose(drive('scsi', 'sdb'), true, addressText(log.address)), log.address, 'the disk itself');
  const other = web.choose(drive('scsi', 'sdb'), true);
  assert.ok(other && addressText(other) !== addressText(log.address));
});

test('usb: the next free port', () => {
  assert.is(chosen('web', { type: 'usb' }), 'usb 0:2');
});

test('a controller counts only when both documents have it', () => {
  const { canonical, live } = contextOf('web');
  const more = new DomainDocument(
    canonical.xml.replace('</devices>', "<controller type='pci' index='16' model='pcie-root-port'/></devices>"),
  );
  assert.is(new Topology(more, live).capacity().pci.total, 15);
  assert.is(new Topology(more, undefined).capacity().pci.total, 16);
});

test('whatever is chosen is free, exists, and is never chosen twice', () => {
  const demands: BusRequirement[] = [
    EXPRESS,
    CONVENTIONAL,
    { type: 'usb' },
    drive('scsi', 'sdc'),
    drive('sata', 'sdz'),
    drive('ide', 'hda'),
  ];
  fc.assert(
    fc.property(
      fc.constantFrom('web', 'diverged', 'ports', 'i440fx', 'full', 'off'),
      fc.array(fc.tuple(fc.constantFrom(...demands), fc.boolean()), { maxLength: 40 }),
      (name, asks) => {
        const all = topology(name);
        const given = new Set<string>();
        for (const [demand, hotplug] of asks) {
          const address = all.choose(demand, hotplug);
          if (!address) continue;
          assert.is(all.holderOf(address, demand), undefined);
          const text = `${demand.type === 'drive' ? demand.controller : ''} ${addressText(address)}`;
          assert.not.ok(given.has(text), text);
          given.add(text);
          all.take(address, 'x', demand);
        }
      },
    ),
  );
});

test.run();
