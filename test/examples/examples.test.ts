import * as installed from 'libvirt-canonical';
import { PrivateHost as InstalledHost } from 'libvirt-canonical/testing';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Witness } from '../../examples/compute-driver/witness.js';
import { connect, DomainManager } from '../../src/index.js';
import { PrivateHost } from '../../src/testing/index.js';
import { runExample as example, runBuilt } from './run.js';

const DEADLINE = 120_000;

test('define-once: the second definition is refused, adopting changes nothing', async () => {
  const said = await example('define-once');
  assert.match(said, /example is defined, with machine pc-q35-/);
  assert.match(said, /disk root +pci 0000:[0-9a-f]{2}:00\.0/);
  assert.match(said, 'DOMAIN_EXISTS');
  assert.match(said, 'Adopted example; its document is unchanged');
  assert.match(said, 'Started; nothing pending: true');
});

test('getting-started: from an empty folder to a guest with an address', async () => {
  const said = await example('getting-started');
  assert.match(said, /Made .*example\.qcow2, 1073741824 bytes, and .*seed\.iso/);
  assert.match(said, /\+ clock\.timers: .*preset: linux/);
  assert.match(said, /Hot-plug PCI slots: 8 of \d+ free/);
  assert.match(said, 'example runs and has the address 10.0.2.15 (agent)');
});

test('hot-plug: each device sits now where it boots next, and the guest lets go of the disk', async () => {
  const said = await example('hot-plug');
  assert.match(said, '5 operations, 0 refusals');
  const places = [...said.matchAll(/(pci \S+) at the next boot, (pci \S+) now/g)];
  assert.is(places.length, 4);
  for (const [, next, now] of places) assert.is(now, next);
  assert.match(said, 'Asked again: 0 operations');
  assert.match(said, 'A floppy drive: a floppy drive cannot be hot-plugged');
  assert.match(said, 'The guest let go of disk data');
});

test('doctor: each finding with its reason and its remedy', async () => {
  const said = await example('doctor');
  assert.match(said, /warning pcie-ports-none \(example\): all \d+ PCIe ports/);
  assert.match(said, /warning disk-cache-migration \(example\): disk vda has the cache mode writeback/);
  assert.match(said, 'Update the disk to cache none or directsync');
});

test('conformance: virsh moves nothing in the short matrix, and what is generated anew does', async () => {
  const said = await example('conformance');
  assert.match(said, 'virsh: nothing moved');
  assert.match(said, 'Nova-like: the promise is broken');
  assert.match(said, /moved by reboot hard: disk S-d4/);
});

test('reboot: pending until a cold boot, and nothing moves in any', async () => {
  const said = await example('reboot');
  assert.match(said, 'Pending: attach disk data');
  assert.match(said, 'Rebooted by the guest; pending: attach disk data');
  assert.match(said, 'Rebooted cold; nothing moved; pending: nothing');
  assert.match(said, 'Rebooted hard; nothing moved');
  assert.is(said.match(/is about to start/g)?.length, 3);
});

test('desired-state: reached while the guest runs, converged, and what nobody asked for stays', async () => {
  const said = await example('desired-state');
  assert.match(said, /A disk data +live\+config +now/);
  assert.match(said, /U interface lan +live\+config +now/);
  assert.match(said, /S iotune +live\+config +now/);
  assert.match(said, 'Asked again: 0 operations');
  assert.match(said, /Another target: target\/@dev would change: .*replace: 'allow'/);
  assert.match(said, /D disk data +config/);
  assert.match(said, /Left: disk root, interface lan, rng /);
});

test('unplug: three outcomes, and the one that comes late', async () => {
  const said = await example('unplug');
  assert.match(said, 'disk data: removed');
  assert.match(said, 'memory more: UNPLUG_REFUSED, undone. Free it inside the guest');
  assert.match(said, 'disk logs: UNPLUG_UNCONFIRMED, undone. The request stands');
  assert.match(said, 'disk logs, after the reboot: completed');
});

test('recover: an apply whose process was killed is found, undone, and another one completed', async () => {
  const said = await example('recover');
  assert.match(said, /A program died: SIGKILL[\s\S]*A program died: SIGKILL/);
  assert.match(
    said,
    /an apply was interrupted; process ended\n {4}update interface lan: done\n {4}attach disk data: done/,
  );
  assert.match(said, 'set title: not done');
  assert.match(said, /recover, undo: attach disk data, update interface lan\n {2}no apply was interrupted/);
  assert.match(said, 'devices: 0 more than before');
  assert.match(said, /recover, complete: set title, set description/);
  assert.match(said, 'devices: 1 more than before');
});

test('reconnect: after a gap events go on, and the attach whose answer was lost is there, once', async () => {
  const said = await example('reconnect');
  assert.match(said, 'After a restart: paused');
  assert.match(said, 'The subscription goes on; first item: gap');
  assert.match(said, 'DOMAIN_ATTACH_DEVICE_FLAGS: CONNECTION_LOST');
  assert.match(said, 'Applied: disk data is in both documents, once');
  assert.match(said, 'Told: ua-data was added');
});

test('rescue: every device stays, the document is the same to the byte, and a failure leaves the guest running', async () => {
  const said = await example('rescue');
  assert.match(said, 'In a rescue from disk rescue, target vdc');
  assert.is(said.match(/The document is as it was: true/g)?.length, 2);
  for (const [, there, now] of said.matchAll(/(pci \S+), in the rescue (pci \S+)/g)) assert.is(now, there);
  assert.match(said, 'the domain runs again as it did');
  assert.match(said, 'It is running');
});

test('resize: what the guest has now, what waits for its boot, what is refused', async () => {
  const said = await example('resize');
  assert.match(said, 'vCPUs: 2 of 4, from the next boot 2: now');
  assert.match(said, 'vCPUs: 2 of 4, from the next boot 6: next-boot');
  assert.match(said, /Memory: 234881024 of 268435456, .*: now/);
  assert.match(said, 'Refused. Attach a memory device instead');
  assert.match(said, /Memory: 369098752 of 402653184/);
  assert.match(said, '67108864 → 134217728 bytes');
  assert.match(said, 'is not made smaller');
});

test('volumes: the record comes with the disk, the hooks have it, secrets are refused', async () => {
  const said = await example('volumes');
  assert.match(said, /Starting:\n {2}connect vda: .*\n {2}connect vdb: .*192\.0\.2\.7/);
  assert.match(said, /Stopping:\n {2}disconnect vda by local\n {2}disconnect vdb by iscsi/);
  assert.match(said, 'chap_password: it looks like a secret');
  assert.not.match(said, 'opensesame');
  assert.match(said, 'Left: disk root');
});

test('streams: a volume goes up and comes back the same, the console speaks, the screen is a PNG', async () => {
  const said = await example('streams');
  assert.match(said, /Uploaded: 8388608 of 8388608 bytes/);
  assert.match(said, 'Downloaded the same bytes');
  assert.match(said, /Console: \d+ bytes/);
  assert.match(said, /Screen: image\/png, \d+ bytes/);
});

test('with a URI they run there, with or without a guest that listens, and leave no domain', async () => {
  await using host = await PrivateHost.start();
  assert.match(await example('define-once', [host.uri]), /example-\w{8} is defined/);
  assert.match(await example('define-once', [], { LIBVIRT_DEFAULT_URI: host.uri }), /example-\w{8} is defined/);
  assert.match(await example('hot-plug', [host.uri]), 'The guest kept disk data: UNPLUG_UNCONFIRMED');
  assert.match(await example('reboot', [host.uri]), 'Rebooted cold; nothing moved; pending: nothing');
  await using connection = await connect(host.uri);
  const left = [];
  for await (const domain of new DomainManager(connection).list()) left.push(domain.name);
  assert.equal(left, []);
});

test("compute-driver: each of Nova's operations, and nothing moved in any", async () => {
  const said = await example('compute-driver', [], {}, 300_000);
  const operations = [
    ...['spawn', 'attach_volume, twice', 'attach_interface', 'detach_volume', 'hard reboot, with a hole'],
    ...['soft reboot, with a hole', 'attach_volume, to its old place', 'swap_volume', 'extend_volume', 'snapshot'],
    ...['pause, unpause', 'suspend, resume', 'power_off, power_on', 'resize', 'revert of the resize', 'rescue'],
    ...['unrescue', 'live_migration', 'live_migration, back', 'resume_state_on_host_boot', 'evacuate'],
  ];
  for (const each of operations) assert.match(said, new RegExp(`^${each} +\\d+ places, none moved; `, 'm'));
  assert.match(said, 'it was connected by {"driver":"iscsi"');
  assert.match(said, 'larger: now');
  assert.match(said, 'smaller: next-boot');
  assert.match(said, 'the document is as it was, to the byte: true');
  assert.match(said, 'before live migration: 0 findings that block');
  assert.match(said, 'evacuate while it runs: DOMAIN_RUNNING_ELSEWHERE');
  assert.match(said, 'evacuate from a host that is silent: DOMAIN_RUNNING_ELSEWHERE');
  assert.match(said, `Nothing moved in ${operations.length + 1} looks, and nothing is left: DOMAIN_NOT_FOUND`);
});

test('compute-driver: its witness tells when a device comes back elsewhere', async () => {
  await using host = await InstalledHost.start();
  await using connection = await installed.connect(host.uri);
  const guest = await host.guest({ name: 'moved' });
  const manager = new installed.DomainManager(connection);
  const disk = (address?: string) => ({
    disk: { id: 'b', target: 'vdb', file, format: 'raw', serial: 'b', ...(address && { address }) } as const,
  });
  const file = await host.createDisk('b.raw', { format: 'raw' });
  const domain = await manager.define({ name: 'moved', memory: '96 MiB', ...guest.spec() });
  await domain.start();
  await domain.apply(await domain.plan({ attach: [disk()] }));
  const witness = new Witness(domain, guest);
  assert.match(await witness.check('attach', 'new boot'), 'none moved');
  await domain.apply(await domain.plan({ detach: [{ disk: 'b' }] }));
  const free = (await domain.topology()).buses
    .flatMap(({ ports }) => ports)
    .filter((port) => port.free && port.hotplug);
  const last = free
    .filter(({ address }) => address.startsWith('pci'))
    .at(-1)
    ?.address.slice(4);
  await domain.apply(await domain.plan({ attach: [disk(last)] }));
  const failure = await witness.check('attach elsewhere', 'same boot').catch((error: Error) => error);
  assert.match(String(failure), 'attach elsewhere: disk b has moved');
});

test('a name that is none lists those there are', async () => {
  const { code, stderr } = await runBuilt('examples/support/run.js', { args: ['teleport'], deadline: DEADLINE });
  assert.is(code, 2);
  for (const name of ['define-once', 'desired-state', 'hot-plug', 'power', 'reboot']) assert.match(stderr, name);
});

test('ssh: an sshd of its own leads to a private host, and refuses another key', async () => {
  const said = await example('ssh');
  assert.match(said, /libvirt \d+\.\d+\.\d+ on \S+ over ssh, 0 domains/);
  assert.match(said, /AUTHENTICATION_FAILED: .*Permission denied \(publickey\)/);
});

test('tls: a certificate that is accepted, and one that has expired', async () => {
  const said = await example('tls');
  assert.match(said, /libvirt \d+\.\d+\.\d+ over TLS/);
  assert.match(said, /AUTHENTICATION_FAILED: .*our certificate .* has expired \(Jan {2}1 00:00:00 2021 GMT\)/);
});

test.run();
