import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addressText, compareGuestAbi, DomainDocument, guestAbi, Topology } from '../../src/domain/index.js';

const document = (machine: string, devices: string) =>
  new DomainDocument(
    `<domain type='qemu'><name>m</name><os><type machine='${machine}'>hvm</type></os><features><acpi/></features><devices>${devices}</devices></domain>`,
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
  const at = (devno: number) => topology.occupant({ type: 'ccw', cssid: 0xfe, ssid: 0, devno });
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

test.run();
