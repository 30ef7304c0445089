import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DeviceRequest, ManagedDomain } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf } from '../support/scenario.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const NUMA = `<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model>
  <numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>`;

/** A machine with every bus that devices take places on, each with little room. */
const BUSES = `
  <features><acpi/></features>
  ${NUMA}
  <devices>
    <controller type='pci' index='0' model='pcie-root'/>
    ${Array.from({ length: 9 }, (_, n) => `<controller type='pci' index='${n + 1}' model='pcie-root-port'>${n === 8 ? "<target hotplug='off'/>" : ''}</controller>`).join('')}
    <controller type='pci' index='10' model='pcie-to-pci-bridge'/>
    <controller type='usb' index='0' model='qemu-xhci' ports='2'/>
    <hub type='usb'><address type='usb' bus='0' port='2'/></hub>
    <controller type='virtio-serial' index='0' ports='3'/>
    <controller type='ccid' index='0'><address type='usb' bus='0' port='1'/></controller>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <memballoon model='none'/>
  </devices>`;

const SLOTS = "<maxMemory slots='2' unit='MiB'>1024</maxMemory>";
const definition = (name: string, machine: string, rest: string, slots = '') =>
  `<domain type='qemu'><name>${name}</name>${slots}<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type machine='${machine}'>hvm</type></os>${rest}</domain>`;
const mouse = (id: string): DeviceRequest => ({ input: { id, type: 'mouse', bus: 'usb' } });
const channel = (id: string): DeviceRequest => ({ channel: { id, unix: {}, name: `org.example.${id}` } });
const dimm = (id: string): DeviceRequest => ({ memory: { id, model: 'dimm', size: '128 MiB', node: 0 } });
const nic = (id: string, model: 'virtio' | 'rtl8139'): DeviceRequest => ({ interface: { id, user: true, model } });
const letters = (count: number) => Array.from({ length: count }, (_, n) => 'abcdefghijklmnop'[n] ?? '');

/** The places of devices by id, as each document has them: of a memory module the slot, its base is the running guest's. */
async function places(domain: ManagedDomain): Promise<{ canonical: Map<string, string>; live: Map<string, string> }> {
  const { canonical, live = '' } = await documentsOf(domain);
  const of = (xml: string) =>
    new Map([...identityMap(xml)].map(([name, { address }]) => [name, address.replace(/ base=\S+/, '')] as const));
  return { canonical: of(canonical), live: of(live) };
}

/** Plugs devices into a running domain, and tells where the plan put each: that must be so in both documents, and after a cold boot. */
async function plugged(domain: ManagedDomain, attach: readonly DeviceRequest[]): Promise<Array<string | undefined>> {
  const { plan } = await change(domain, { attach });
  const now = await places(domain);
  assert.equal(now.live, now.canonical, 'one place in both documents');
  return plan.operations.flatMap(({ action, address }) => (action === 'attach' ? [address] : []));
}

async function staysOverABoot(domain: ManagedDomain): Promise<void> {
  const { live } = await places(domain);
  await domain.destroy();
  await domain.start({ paused: true });
  assert.equal((await places(domain)).live, live, 'the same places after a cold boot');
}

/** Plans one device more than there is room for. */
async function isFull(domain: ManagedDomain, device: DeviceRequest, reason: RegExp): Promise<void> {
  const { operations, refusals } = await domain.plan({ attach: [device] });
  assert.equal(operations, []);
  assert.match(refusals[0]?.reason ?? '', reason);
}

test('every bus of q35: each place once and where the plan said, the capacity true, one too many refused', async () => {
  const b = await bench();
  const domain = await b.manager.define(definition('buses', 'q35', BUSES, SLOTS));
  await domain.start({ paused: true });
  const { capacity } = await domain.plan({});
  const free = (bus: keyof typeof capacity) => [capacity[bus].total, capacity[bus].free];
  assert.equal(free('usb'), [10, 8], 'two ports and a hub, which takes one; a card reader has the other');
  assert.equal(free('virtio-serial'), [2, 2], 'port 0 is for a console');
  assert.equal(free('dimm'), [2, 2]);
  assert.equal(free('ccid'), [1, 1]);
  assert.equal(free('conventional'), [31, 31]);
  assert.equal(free('scsi'), [15, 15], 'unit 7 is the controller');
  assert.equal(capacity.pci.total, 8, "the port with hotplug='off' is none");

  assert.equal(
    await plugged(
      domain,
      letters(8).map((each) => mouse(`m${each}`)),
    ),
    letters(8).map((_, n) => `usb 0:2.${n + 1}`),
  );
  await isFull(domain, mouse('more'), /no USB port is free/);
  assert.equal(await plugged(domain, [channel('a'), channel('b')]), ['virtio-serial 0:0:1', 'virtio-serial 0:0:2']);
  await isFull(domain, channel('c'), /virtio-serial/);
  assert.equal(await plugged(domain, [dimm('d1'), dimm('d2')]), ['dimm 0', 'dimm 1']);
  await isFull(domain, dimm('d3'), /dimm/);
  assert.equal(await plugged(domain, [nic('old', 'rtl8139'), nic('older', 'rtl8139')]), [
    'pci 0000:0a:01.0',
    'pci 0000:0a:02.0',
  ]);
  const disks: DeviceRequest[] = [];
  for (const target of ['sda', 'sdh'])
    disks.push({ disk: { id: target, target, bus: 'scsi', file: await b.disk(), format: 'qcow2' } });
  assert.equal(await plugged(domain, disks), ['drive 0:0:0:0', 'drive 0:0:0:8']);
  await staysOverABoot(domain);
});

test('i440fx: express and conventional devices on pci-root, by name behind its bridge, an IDE disk from the next boot on', async () => {
  const b = await bench();
  const rest =
    "<features><acpi/></features><devices><controller type='pci' index='1' model='pci-bridge'/><controller type='ide' index='0'/><memballoon model='none'/></devices>";
  const domain = await b.manager.define(definition('old', 'pc', rest));
  await domain.start({ paused: true });
  const bridged = { interface: { id: 'bridged', user: true, model: 'e1000', address: '0000:01:05.0' } } as const;
  const addresses = await plugged(domain, [nic('new', 'virtio'), nic('old', 'rtl8139'), bridged]);
  assert.match(addresses.slice(0, 2).join(), /^pci 0000:00:0\w\.0,pci 0000:00:0\w\.0$/);
  assert.is(addresses[2], 'pci 0000:01:05.0');
  const disk = { id: 'ide', target: 'hdd', bus: 'ide', file: await b.disk(), format: 'qcow2' } as const;
  const { plan } = await change(domain, { attach: [{ disk }], ifNotLive: 'next-boot' });
  assert.is(plan.operations[0]?.address, 'drive 0:1:0:1');
  await domain.destroy();
  await domain.start({ paused: true });
  const { live } = await places(domain);
  assert.is(live.get('disk ua-ide'), 'type=drive controller=0 bus=1 target=0 unit=1');
});

test('a PC without ACPI has no hot-plug on pci-root and of memory, and its bridge does all the same', async () => {
  const b = await bench();
  const rest = "<devices><controller type='pci' index='1' model='pci-bridge'/><memballoon model='none'/></devices>";
  const domain = await b.manager.define(definition('bare', 'pc', NUMA + rest, SLOTS));
  await domain.start({ paused: true });
  assert.equal(await plugged(domain, [nic('new', 'virtio')]), ['pci 0000:01:01.0']);
  const named = { interface: { id: 'named', user: true, address: '0000:00:08.0' } } as const;
  await isFull(domain, named, /PCI bus 0 does not support hot-plug/);
  await isFull(domain, dimm('d1'), /without ACPI/);
  // QEMU itself, asked past the planner.
  const { dom } = await b.connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid: domain.uuid });
  for (const xml of [
    "<interface type='user'><model type='virtio'/><address type='pci' bus='0' slot='8'/></interface>",
    "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>",
  ]) {
    const refusal = await failure(b.connection.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml, flags: 1 }), 'LIBVIRT');
    assert.match(refusal.message, /does not support hotplugging|acpi/);
  }
});

test.run();
