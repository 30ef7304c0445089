import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  addressText,
  compareGuestAbi,
  DomainDocument,
  type DomainSpec,
  domainXml,
  guestAbi,
  movedOnMmio,
  Topology,
  whyNotOnMachine,
} from '../../src/domain/index.js';

const document = (machine: string, devices: string, arch = 'x86_64') =>
  new DomainDocument(
    `<domain type='qemu'><name>m</name><os><type arch='${arch}' machine='${machine}'>hvm</type></os><features><acpi/></features><devices>${devices}</devices></domain>`,
  );
const ccw = (devno: string) => `<address type='ccw' cssid='0xfe' ssid='0x0' devno='${devno}'/>`;
const disk = (target: string, address: string, bus = 'virtio') =>
  `<disk type='file' device='disk'><source file='/i/${target}'/><target dev='${target}' bus='${bus}'/>${address}</disk>`;
const ROOT = "<controller type='pci' index='0' model='pci-root'/>";
const S390 = 's390-ccw-virtio-7.2';

/** Where a new device goes in a domain of two documents. */
function placeOf(machine: string, device: string, canonical: string, live = canonical): string | undefined {
  const topology = new Topology(document(machine, ROOT + canonical), document(machine, ROOT + live));
  const [asked] = document(machine, device).devices;
  assert.ok(asked);
  const demand = topology.demandOf(asked);
  const address = demand && topology.choose(demand, true);
  return address && addressText(address);
}

test('s390x: virtio devices go onto CCW, to the lowest number that is free in both documents', () => {
  const canonical = disk('vda', ccw('0x0000')) + disk('vdc', ccw('0x0002'));
  const live = disk('vda', ccw('0x0000')) + disk('vdb', ccw('0x0001'));
  for (const device of [
    disk('vdz', ''),
    "<interface type='user'><model type='virtio'/></interface>",
    "<interface type='user'/>",
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "<controller type='scsi' model='virtio-scsi'/>",
    "<controller type='scsi'/>",
    "<controller type='virtio-serial'/>",
    "<vsock model='virtio'/>",
    "<input type='keyboard' bus='virtio'/>",
  ])
    assert.is(placeOf(S390, device, canonical, live), 'ccw fe.0.0003', device);
});

test('s390x: what asks for PCI, or can sit nowhere else, goes there; slot 1 is the first', () => {
  assert.is(placeOf(S390, disk('vdz', "<address type='pci'/>"), ''), 'pci 0000:00:01.0');
  assert.is(placeOf(S390, "<interface type='user'><model type='e1000e'/></interface>", ''), 'pci 0000:00:01.0');
  assert.is(placeOf(S390, "<rng model='virtio-non-transitional'/>", ''), 'pci 0000:00:01.0');
});

test('only s390x has CCW', () => {
  for (const machine of ['pc-i440fx-7.2', 'pseries-7.2'])
    assert.match(placeOf(machine, disk('vdz', ''), '') ?? '', /^pci /, machine);
});

test('pseries: each pci-root has slots 1 to 31, a PC keeps three', () => {
  const second = "<controller type='pci' index='1' model='pci-root'><target index='1'/></controller>";
  const total = (machine: string, more = '') =>
    new Topology(document(machine, ROOT + more), undefined).capacity().pci.total;
  assert.is(total('pseries-7.2'), 31);
  assert.is(total('pseries-7.2', second), 62);
  assert.is(total(S390), 31);
});

test('an explicit ccw address is held against both documents', () => {
  const topology = new Topology(document(S390, disk('vda', ccw('0x0000'))), document(S390, disk('vdb', ccw('0x0007'))));
  const at = (devno: number) => topology.holderOf({ type: 'ccw', cssid: 0xfe, ssid: 0, devno });
  assert.is(at(0), 'disk vda');
  assert.is(at(7), 'disk vdb');
  assert.is(at(1), undefined);
});

test('guest ABI: uid and fid of zPCI, and the number on CCW', () => {
  const zpci = (uid: string, fid: string) =>
    `<address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'><zpci uid='${uid}' fid='${fid}'/></address>`;
  const abi = (address: string) => guestAbi(document(S390, disk('vda', address)));
  const fields = (a: string, b: string) => compareGuestAbi(abi(a), abi(b)).map(({ field }) => field);
  assert.equal(fields(zpci('0x0001', '0x00000000'), zpci('0x0001', '0x00000000')), []);
  assert.equal(fields(zpci('0x0001', '0x00000000'), zpci('0x0002', '0x00000000')), ['address/zpci/@uid']);
  assert.equal(fields(zpci('0x0001', '0x00000000'), zpci('0x0001', '0x00000005')), ['address/zpci/@fid']);
  assert.equal(fields(ccw('0x0001'), ccw('0x0002')), ['address']);
});

const vio = (reg: string) => `<address type='spapr-vio' reg='${reg}'/>`;
const scsi = (index: number, model: string, address = '') =>
  `<controller type='scsi' index='${index}' model='${model}'>${address}</controller>`;

test('pseries: spapr-vio has one space of numbers, begun by kind, and free in both documents', () => {
  const canonical = scsi(0, 'ibmvscsi', vio('0x00002000'));
  const live = canonical + scsi(1, 'ibmvscsi', vio('0x00003000'));
  const at = (device: string) => placeOf('pseries-7.2', device, canonical, live);
  assert.is(at(scsi(2, 'ibmvscsi')), 'spapr-vio 0x00004000');
  assert.is(at("<controller type='scsi' index='2'/>"), 'spapr-vio 0x00004000');
  assert.is(at("<interface type='user'><model type='spapr-vlan'/></interface>"), 'spapr-vio 0x00001000');
  assert.is(at("<serial type='pty'><target type='spapr-vio-serial' port='0'/></serial>"), 'spapr-vio 0x30000000');
  assert.match(at(scsi(2, 'virtio-scsi')) ?? '', /^pci /);
  const topology = new Topology(document('pseries-7.2', canonical), undefined);
  assert.is(topology.holderOf({ type: 'spapr-vio', reg: 0x2000 }), 'controller scsi0');
  assert.match(topology.whyNotHotplug({ type: 'spapr-vio', reg: 0x2000 }) ?? '', /does not support hot-plug/);
});

const mmio = "<address type='virtio-mmio'/>";
const MICRO = `${disk('vda', mmio) + disk('vdb', mmio)}<memballoon model='virtio'>${mmio}</memballoon>`;

test('microvm: addresses on virtio-mmio are alike, keep nobody out, and are counted', () => {
  assert.is(placeOf('microvm', disk('vdc', ''), MICRO), 'virtio-mmio');
  const topology = new Topology(document('microvm', MICRO), undefined);
  assert.is(topology.holderOf({ type: 'virtio-mmio' }), undefined);
  assert.is(topology.transportsFull, false);
  const isFull = (count: number, acpi: boolean) => {
    const xml = document('microvm', Array.from({ length: count }, (_, n) => disk(`vd${n}`, mmio)).join('')).toString();
    return new Topology(new DomainDocument(acpi ? xml : xml.replace('<acpi/>', '')), undefined).transportsFull;
  };
  assert.equal([isFull(7, false), isFull(8, false), isFull(23, true), isFull(24, true)], [false, true, false, true]);
  assert.match(
    topology.whyNot({ type: 'pci', domain: 0, bus: 0, slot: 1, function: 0 }, undefined, false) ?? '',
    /no PCI/,
  );
});

test('microvm: what comes after a device on the command line moves when the device comes or goes', () => {
  const domain = document('microvm', MICRO);
  const moved = (xml: string) => {
    const [device] = document('microvm', xml).devices;
    assert.ok(device);
    return movedOnMmio(device, domain).map(({ identity }) => identity);
  };
  assert.equal(moved(disk('vdc', mmio)), ['memballoon memballoon']);
  assert.equal(moved(disk('vda', mmio)), ['disk vdb', 'memballoon memballoon']);
  assert.equal(moved("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"), []);
});

test('the same name is another machine on another architecture', () => {
  const memory = "<memory model='virtio-mem'><target><size>1</size></target></memory>";
  const why = (arch: string) => {
    const [device] = document('virt', memory, arch).devices;
    assert.ok(device);
    return whyNotOnMachine(device, document('virt', '', arch));
  };
  assert.is(why('aarch64'), undefined);
  assert.match(why('riscv64') ?? '', /riscv64/);
});

test('zPCI: numbers that a device leaves out are the lowest that are free in both documents', () => {
  const at = (uid: number, fid: number) =>
    `<address type='pci' domain='0x0000' bus='0x00' slot='0x0${uid}' function='0x0'><zpci uid='0x000${uid}' fid='0x0000000${fid}'/></address>`;
  const topology = new Topology(document(S390, disk('vda', at(1, 0))), document(S390, disk('vdb', at(2, 1))));
  const pci = { type: 'pci', domain: 0, bus: 0, slot: 9, function: 0 } as const;
  assert.equal(topology.zpciFor({ leaves: new Map() }, pci), [
    ['address/zpci/@uid', '0x0003'],
    ['address/zpci/@fid', '0x00000002'],
  ]);
  assert.equal(topology.zpciFor({ leaves: new Map() }, { type: 'ccw', cssid: 0xfe, ssid: 0, devno: 1 }), []);
  assert.equal(new Topology(document('pc', ''), undefined).zpciFor({ leaves: new Map() }, pci), []);
});

test('guest ABI: GIC, host bridge and number on spapr-vio', () => {
  const base = document('virt-7.2', '', 'aarch64').toString().replace('<acpi/>', "<gic version='2'/>");
  const fields = (a: string, b: string) =>
    compareGuestAbi(guestAbi(new DomainDocument(a)), guestAbi(new DomainDocument(b))).map(({ field }) => field);
  assert.equal(fields(base, base.replace("version='2'", "version='3'")), ['features/gic/@version']);
  const bridge = (target: number) =>
    document(
      'pseries-7.2',
      `<controller type='pci' index='1' model='pci-root'><target index='${target}'/></controller>`,
    ).toString();
  assert.equal(fields(bridge(1), bridge(2)), ['target/@index']);
  const on = (reg: string) => document('pseries-7.2', scsi(0, 'ibmvscsi', vio(reg))).toString();
  assert.equal(fields(on('0x00002000'), on('0x00003000')), ['address']);
});

test('a definition has room by machine: root ports, host bridges, or none', () => {
  const xml = (machine: string, arch: string, pciePorts: number) =>
    domainXml({ name: 'm', type: 'qemu', memory: '256 MiB', machine, arch, hotplug: { pciePorts } } as DomainSpec);
  const count = (text: string, what: string) => text.split(what).length - 1;
  assert.is(count(xml('virt', 'aarch64', 5), 'pcie-root-port'), 5);
  assert.is(count(xml('virt', 'riscv64', 5), 'pcie-root-port'), 6);
  assert.is(count(xml('q35', 'x86_64', 5), 'pcie-root-port'), 7);
  assert.is(count(xml('pseries', 'ppc64', 29), "'pci-root'"), 0);
  assert.is(count(xml('pseries', 'ppc64', 30), "'pci-root'"), 2);
  assert.throws(() => xml('s390-ccw-virtio', 's390x', 5), /sit on CCW/);
  assert.throws(() => xml('microvm', 'x86_64', 5), /no hot-plug/);
});

test.run();
