/**
 * Writes the documents under test/fixtures: dumps of real domains of a private host, with its own paths put in neutral
 * terms. Run once, by hand, after a change here: `node build/test/support/make-fixtures.js`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { ChangeRequest, DomainSpec, ManagedDomain } from '../../src/index.js';
import { benchOnDemand } from './bench.js';
import { FIXTURES } from './fixtures.js';
import { documentsOf } from './scenario.js';

const get = benchOnDemand();
const bench = await get();
mkdirSync(FIXTURES, { recursive: true });

/** Both documents of a domain under one name; `web.xml` and `web.live.xml`. */
async function write(name: string, domain: ManagedDomain): Promise<void> {
  const { canonical, live } = await documentsOf(domain);
  const neutral = (xml: string) =>
    xml
      .replaceAll(bench.host.directory, '/host')
      .replace(/(<name>)d\d+</, `$1${name}<`)
      .replaceAll(/-\d+-d\d+\//g, `-1-${name}/`);
  writeFileSync(new URL(`${name}.xml`, FIXTURES), neutral(canonical));
  if (live !== undefined) writeFileSync(new URL(`${name}.live.xml`, FIXTURES), neutral(live));
}

async function running(spec: Partial<DomainSpec>, ...changes: ChangeRequest[]): Promise<ManagedDomain> {
  const domain = await bench.started(spec);
  for (const change of changes) await domain.apply(await domain.plan(change));
  return domain;
}

let numbered = 0;
const uuid = () => `c0ffee00-0000-4000-8000-${String(++numbered).padStart(12, '0')}`;
const image = (name: string) => bench.disk(name);

const devices = [
  "<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1' passwd='hunter2'/>",
  "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
  "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
  "<controller type='usb' model='qemu-xhci' ports='4'/>",
  "<input type='tablet' bus='usb'/>",
];
const web: Partial<DomainSpec> = {
  uuid: uuid(),
  title: 'Web server',
  description: 'Serves & <renders> "pages"',
  vcpus: { current: 2, maximum: 4 },
  memory: { current: '64 MiB', maximum: '128 MiB' },
  hotplug: { pciePorts: 6 },
  disks: [
    { id: 'root', target: 'vda', file: await image('root.qcow2'), format: 'qcow2', serial: 'ROOT-1', boot: 1 },
    { target: 'vdb', file: await image('data.qcow2'), format: 'qcow2' },
    {
      id: 'cd',
      device: 'cdrom',
      target: 'sda',
      bus: 'sata',
      file: await bench.host.createMedium('a.iso'),
      readonly: true,
    },
    { id: 'log', target: 'sdb', bus: 'scsi', file: await image('log.qcow2'), format: 'qcow2' },
  ],
  interfaces: [
    { id: 'lan', user: true, mac: '52:54:00:00:00:0a', boot: 2 },
    { user: true, mac: '52:54:00:00:00:0b', model: 'e1000e', link: 'down' },
  ],
  devices,
};
const own = {
  metadata: {
    'urn:example:owner': { prefix: 'own', xml: '<owner xmlns:in="urn:in"><in:name a="1">A &amp; B</in:name></owner>' },
  },
};
await write('web', await running(web, { set: own }));

// A NIC that only the running guest has: live and canonical have different free ports (E4).
const nic = (id: string, mac: string) => ({ interface: { id, user: true, mac } }) as const;
await write(
  'diverged',
  await running(
    { uuid: uuid(), hotplug: { pciePorts: 4 } },
    { scope: 'live', attach: [nic('only-live', '52:54:00:00:00:a1')] },
    { scope: 'config', detach: [{ interface: 'lan' }] },
  ),
);

await write('full', await running({ uuid: uuid(), hotplug: { pciePorts: 0 } }));
await write('off', await bench.define({ uuid: uuid(), title: 'Never started' }));
await write(
  'i440fx',
  await running({
    uuid: uuid(),
    machine: 'pc',
    disks: [
      { id: 'root', target: 'vda', file: await image('pc.qcow2'), format: 'qcow2', boot: 1 },
      { id: 'old', target: 'hda', file: await image('ide.qcow2'), format: 'qcow2' },
    ],
  }),
);

// Ports that refuse hot-plug, and a bridge for conventional PCI.
await write(
  'ports',
  await running({
    uuid: uuid(),
    devices: [
      "<controller type='pci' index='0' model='pcie-root'/>",
      ...Array.from({ length: 5 }, () => "<controller type='pci' model='pcie-root-port'/>"),
      "<controller type='pci' index='6' model='pcie-root-port'><target hotplug='off'/></controller>",
      "<controller type='pci' index='7' model='pcie-to-pci-bridge'/>",
      "<rng model='virtio'><backend model='random'>/dev/urandom</backend><address type='pci' bus='6'/></rng>",
    ],
  }),
);

// A domain that somebody else defined: boot order in <os>, a NUMA cell, no user alias.
const rival = await bench.rival();
const foreign = `<domain type='qemu'><name>foreign</name><uuid>${uuid()}</uuid><!-- kept by hand -->
  <memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
  <cpu mode='custom' match='exact'><model>qemu64</model><topology sockets='1' cores='2' threads='1'/><numa><cell id='0' cpus='0-1' memory='65536'/></numa></cpu>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${await image('f.qcow2')}'/><target dev='vda' bus='virtio'/></disk>
    <interface type='user'><mac address='52:54:00:00:00:0c'/></interface>
  </devices></domain>`;
const { dom } = await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml: foreign, flags: 1 });
await write('foreign', await bench.manager.get(dom.name));

await get.stop();
