import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChangeRequest, DiskSpec, InterfaceSpec, ManagedDomain } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf, refused, untouched } from '../support/scenario.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const nic = (id: string, more: Partial<InterfaceSpec> = {}) => ({
  interface: { id, user: true, ...more } as InterfaceSpec,
});
async function disk({ disk }: Bench, target: string, more: Partial<DiskSpec> = {}) {
  return { disk: { id: target, target, file: await disk(), format: 'qcow2', ...more } as DiskSpec };
}
const places = async (domain: ManagedDomain) => {
  const { canonical, live } = await documentsOf(domain);
  return { canonical: identityMap(canonical), live: live === undefined ? undefined : identityMap(live) };
};
const bus = (address: string | undefined) => /bus=0x(\w+)/.exec(address ?? '')?.[1];
/** Off and on again without a guest: what waits becomes real. */
async function powerCycle(domain: ManagedDomain): Promise<void> {
  await domain.destroy();
  await domain.start({ paused: true });
}

test('A1: three NICs, the first goes from the config: the others keep their places, over a power cycle too', async () => {
  const b = await bench();
  const interfaces = ['n1', 'n2', 'n3'].map((id) => nic(id).interface);
  const domain = await b.started({ interfaces });
  const before = (await places(domain)).canonical;
  await change(domain, { detach: [{ interface: 'n1' }], scope: 'config' });
  await powerCycle(domain);
  const { canonical, live } = await places(domain);
  for (const id of ['interface ua-n2', 'interface ua-n3']) {
    assert.equal(canonical.get(id), before.get(id), id);
    assert.equal(live?.get(id), before.get(id), id);
  }
  assert.not.ok(live?.has('interface ua-n1'));
});

test('A2: libvirt lists disks in its own order, which is no change', async () => {
  const b = await bench();
  const domain = await b.started({
    hotplug: { pciePorts: 4 },
    devices: ["<controller type='scsi' model='virtio-scsi'/>"],
  });
  const attach: DiskSpec[] = [];
  for (const [target, scsi] of [
    ['vdb', false],
    ['sda', true],
    ['sdc', true],
    ['vdc', false],
    ['sdb', true],
  ] as const)
    attach.push((await disk(b, target, scsi ? { bus: 'scsi' } : {})).disk);
  const request: ChangeRequest = { attach: attach.map((each) => ({ disk: each })) };
  const { after } = await change(domain, request);
  const order = [...after.canonical.matchAll(/<target dev='(\w+)' bus/g)].map(([, target]) => target);
  assert.equal(order, ['vda', 'vdb', 'vdc', 'sda', 'sdb', 'sdc'], 'libvirt sorted them');
  assert.equal((await domain.pending()).changes, []);
});

test('A3: an explicit address in the config is the one that the start gives', async () => {
  const b = await bench();
  const domain = await b.define();
  const free = (await domain.plan({ attach: [nic('probe')] })).operations[0]?.address ?? '';
  const [, at = ''] = /:(\w\w):/.exec(free) ?? [];
  const last = (Number.parseInt(at, 16) + 2).toString(16).padStart(2, '0');
  const xml = `<disk type='file'><driver name='qemu' type='qcow2'/><source file='${await b.disk()}'/><target dev='vdb' bus='virtio'/><address type='pci' domain='0x0000' bus='0x${last}' slot='0x00' function='0x0'/></disk>`;
  await change(domain, { attach: [xml] });
  await domain.start({ paused: true });
  const { canonical, live } = await places(domain);
  assert.is(bus(canonical.get('disk vdb')?.address), last);
  assert.is(bus(live?.get('disk vdb')?.address), last);
  const another = xml.replace('vdb', 'vdc').replace(/<source file='[^']*'/, `<source file='${await b.disk()}'`);
  const taken = await untouched(domain, () => domain.plan({ attach: [another] }));
  assert.is(taken.code, 'ADDRESS_IN_USE');
  assert.is(taken.device, 'disk vdb');
  assert.ok(taken.remedy);
});

test('A4: after a live-only NIC, one for both documents has one address in both, and after the power cycle', async () => {
  const domain = await (await bench()).started();
  await change(domain, { attach: [nic('a')], scope: 'live' });
  await change(domain, { attach: [nic('b')] });
  const { canonical, live } = await places(domain);
  const place = canonical.get('interface ua-b');
  assert.ok(place);
  assert.equal(live?.get('interface ua-b'), place);
  assert.is.not(place?.address, live?.get('interface ua-a')?.address);
  const abi = await domain.guestAbi();
  await powerCycle(domain);
  assert.equal((await places(domain)).live?.get('interface ua-b'), place);
  await domain.verify(abi);
});

test('A6: one device too many is foreseen before anything is sent, and fits the next boot on demand', async () => {
  const domain = await (await bench()).started({ hotplug: { pciePorts: 2 } });
  const request: ChangeRequest = { attach: [nic('a'), nic('b'), nic('c')] };
  const plan = await refused(domain, request, /no hot-plug PCIe port is free/);
  assert.equal(
    plan.refusals.map(({ path }) => path),
    ['attach[2]'],
  );
  assert.is(plan.capacity.pci.free, 2);
  const { plan: done } = await change(domain, { ...request, ifNotLive: 'next-boot' });
  assert.equal(
    done.operations.filter(({ action }) => action === 'attach').map(({ scope }) => scope),
    ['both', 'both', 'config'],
  );
  const before = (await places(domain)).canonical;
  await powerCycle(domain);
  assert.equal((await places(domain)).live, before, 'all three are where they were');
});

test("A7: a port with hotplug='off' is refused for live changes, not for the config", async () => {
  const b = await bench();
  const rng = (address: string) => `<rng model='virtio'><backend model='random'>/dev/urandom</backend>${address}</rng>`;
  const at = "<address type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'/>";
  const ports = Array.from({ length: 5 }, (_, n) => `<controller type='pci' index='${n + 1}' model='pcie-root-port'/>`);
  const off = "<controller type='pci' index='6' model='pcie-root-port'><target hotplug='off'/></controller>";
  const domain = await b.started({ devices: ["<controller type='pci' index='0' model='pcie-root'/>", ...ports, off] });
  await refused(domain, { attach: [rng(at)] }, /does not support hot-plug/);
  await change(domain, { attach: [rng(at)], scope: 'config' });
  await powerCycle(domain);
  assert.ok((await places(domain)).live?.has('rng model=virtio'));
  const selector = { rng: 'pci 0000:06:00.0' } as const;
  await refused(domain, { detach: [selector] }, /does not support hot-plug/);
  await change(domain, { detach: [selector], ifNotLive: 'next-boot' });
  assert.not.ok((await places(domain)).canonical.has('rng model=virtio'));
});

test('A8: a conventional PCI NIC wants a bridge', async () => {
  const b = await bench();
  const domain = await b.started();
  await refused(domain, { attach: [nic('old', { model: 'rtl8139' })] }, /conventional PCI bus/);
  const ports = Array.from({ length: 6 }, (_, n) => `<controller type='pci' index='${n + 1}' model='pcie-root-port'/>`);
  const bridge = "<controller type='pci' index='7' model='pcie-to-pci-bridge'/>";
  const bridged = await b.started({
    devices: ["<controller type='pci' index='0' model='pcie-root'/>", ...ports, bridge],
  });
  const { after } = await change(bridged, { attach: [nic('old', { model: 'rtl8139' })] });
  assert.is(bus(identityMap(after.live ?? '').get('interface ua-old')?.address), '07');
  assert.equal(
    identityMap(after.live ?? '').get('interface ua-old'),
    identityMap(after.canonical).get('interface ua-old'),
  );
});

test('A14: a NIC without a MAC has one and the same on both sides', async () => {
  const domain = await (await bench()).started();
  const { after } = await change(domain, { attach: [nic('auto')] });
  const mac = identityMap(after.canonical).get('interface ua-auto')?.mac;
  assert.match(mac ?? '', /^52:54:00:/);
  assert.is(identityMap(after.live ?? '').get('interface ua-auto')?.mac, mac);
});

test('U14, U15: a boot order that is free goes in, one that is taken or none does not', async () => {
  const b = await bench();
  const domain = await b.started({ devices: ["<controller type='usb' model='qemu-xhci' ports='8'/>"] });
  const taken = await untouched(domain, async () => domain.plan({ attach: [await disk(b, 'vdb', { boot: 1 })] }));
  assert.is(taken.code, 'DEVICE_DUPLICATE');
  assert.is(taken.device, 'disk root');
  for (const boot of [-1, 0, 'first', 1.5] as never[])
    assert.is(
      (await untouched(domain, async () => domain.plan({ attach: [await disk(b, 'vdb', { boot })] }))).path,
      'attach[0].disk.boot',
    );
  const { after } = await change(domain, {
    attach: [await disk(b, 'vdb', { boot: 5 }), await disk(b, 'sdu', { bus: 'usb', boot: 6 })],
  });
  for (const xml of [after.canonical, after.live ?? ''])
    assert.ok(xml.includes("<boot order='5'/>") && xml.includes("<boot order='6'/>"));

  const rival = await b.rival();
  const xml = `<domain type='qemu'><name>osboot</name><memory unit='MiB'>32</memory><os><type machine='q35'>hvm</type><boot dev='hd'/></os><devices/></domain>`;
  const { dom } = await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 1 });
  const foreign = await b.manager.get(dom.uuid);
  await refused(foreign, { attach: [await disk(b, 'vdb', { boot: 5 })] }, /<os>/);
  await change(foreign, { attach: [await disk(b, 'vdb')] });
});

test('duplicates of what stands in either document are refused before anything is sent', async () => {
  const b = await bench();
  const domain = await b.started();
  await change(domain, { attach: [nic('quick', { mac: '52:54:00:00:00:aa' })], scope: 'live' });
  for (const request of [
    await disk(b, 'vda'),
    nic('x', { mac: '52:54:00:00:00:01' }),
    nic('x', { mac: '52:54:00:00:00:AA' }),
    nic('root'),
  ]) {
    for (const scope of ['persistent', 'config', 'live'] as const) {
      const error = await untouched(domain, () => domain.plan({ attach: [request], scope }));
      assert.is(error.code, 'DEVICE_DUPLICATE', `${JSON.stringify(request)} ${scope}`);
      assert.is(error.path, 'attach[0]');
      assert.ok(error.device && error.remedy);
    }
  }
});

test('each field of a disk that is attached is no difference when it is asked for again', async () => {
  const b = await bench();
  const domain = await b.define({
    hotplug: { pciePorts: 12 },
    devices: ["<controller type='usb' model='qemu-xhci' ports='8'/>", "<controller type='scsi' model='virtio-scsi'/>"],
  });
  const specs: Array<Partial<DiskSpec> & { target: string }> = [
    { target: 'vdb', driver: { cache: 'default' } },
    {
      target: 'vdc',
      driver: { cache: 'none', io: 'native', discard: 'unmap', detectZeroes: 'unmap', errorPolicy: 'stop' },
    },
    { target: 'vdd', serial: 'ABC', readonly: true, shareable: false },
    { target: 'vde', blockio: { logicalBlockSize: 512, physicalBlockSize: '4 KiB' } },
    { target: 'vdf', shareable: true, format: 'raw', driver: { cache: 'none' } },
    { target: 'sdb', bus: 'scsi', wwn: '5000C50015EA71AC' },
    { target: 'sdc', bus: 'usb', removable: true },
    { target: 'sdd', bus: 'sata', device: 'cdrom', startupPolicy: 'optional' },
    { target: 'sde', bus: 'scsi', device: 'cdrom', startupPolicy: 'mandatory' },
  ];
  for (const spec of specs) {
    const request = await disk(b, spec.target, spec);
    await change(domain, { attach: [request] });
  }
});

test.run();
