/**
 * The operations of OpenStack's compute driver over libvirt's own document, each on a real guest that witnesses that nothing
 * moved. Two private hosts that share a folder of images. See docs/compute-driver.md.
 *
 *   npm run example compute-driver
 */
import { randomUUID } from 'node:crypto';
import { type Connection, connect, DomainManager } from 'libvirt-canonical';
import { PrivateHost } from 'libvirt-canonical/testing';
import { freePort } from '../support/two-hosts.js';
import { ComputeDriver, codeOf } from './driver.js';
import type { Instance, Port } from './instance.js';
import { Witness } from './witness.js';

await using node1 = await PrivateHost.start();
await using node2 = await PrivateHost.start();
// What both hosts reach. It is on the second, which outlives the first.
const shared = `${node2.directory}/images`;
const connections: Connection[] = [await connect(node1.uri), await connect(node2.uri)];
const [one, two] = connections.map((each) => new ComputeDriver(new DomainManager(each), shared)) as [
  ComputeDriver,
  ComputeDriver,
];
const guest = { one: await node1.guest({ name: 'web1' }), two: await node2.guest({ name: 'web1' }) };
const paths = { there: { [`${node1.directory}/guests`]: `${node2.directory}/guests` }, back: {} };
paths.back = { [`${node2.directory}/guests`]: `${node1.directory}/guests` };

const small = { vcpus: 1, memory: '96 MiB' } as const;
const large = { vcpus: 2, memory: '128 MiB' } as const;
const instance: Instance = {
  uuid: randomUUID(),
  name: 'web1',
  flavor: small,
  room: large,
  image: await node2.createDisk('cloud-image.qcow2', { size: '16 MiB' }),
  machine: guest.one.spec(),
};
const { uuid } = instance;
const volume = async (id: string) => {
  const path = await node2.createDisk(`${id}.raw`, { size: '8 MiB', format: 'raw' });
  return { id, path, connection: { driver: 'iscsi', portal: '192.0.2.7:3260', iqn: `iqn.2016-09.org.example:${id}` } };
};
const lan: Port = { id: 'lan', mac: '52:54:00:00:00:01' };
const dmz: Port = { id: 'dmz', mac: '52:54:00:00:00:02' };

const domain = await one.spawn(instance, [lan]);
const witness = new Witness(domain, guest.one);
const same = async (operation: string) => console.log(await witness.check(operation, 'same boot'));
const anew = async (operation: string) => console.log(await witness.check(operation, 'new boot'));
await anew('spawn');

// Devices come and go while it runs, and a hole is left where one was.
const [b, c] = [await volume('vol-b'), await volume('vol-c')];
await one.attachVolume(uuid, b);
await one.attachVolume(uuid, c);
await same('attach_volume, twice');
await one.attachInterface(uuid, dmz);
await same('attach_interface');
const record = await one.detachVolume(uuid, 'vol-b');
await same('detach_volume');
console.log(`  it was connected by ${JSON.stringify(record)}`);
await one.reboot(uuid, 'HARD');
await anew('hard reboot, with a hole');
await one.reboot(uuid, 'SOFT');
await anew('soft reboot, with a hole');
await one.attachVolume(uuid, b);
await same('attach_volume, to its old place');
await one.detachInterface(uuid, 'dmz');
await one.attachInterface(uuid, dmz);
await same('detach_interface, attach_interface');

await one.swapVolume(uuid, 'vol-c', `${shared}/vol-c-elsewhere.raw`);
await same('swap_volume');
await one.extendVolume(uuid, 'vol-c', '12 MiB');
await same('extend_volume');
await one.snapshot(uuid, `${shared}/snapshot.qcow2`);
await same('snapshot');

await one.pause(uuid);
await one.unpause(uuid);
await same('pause, unpause');
await one.suspend(uuid);
await one.resume(uuid);
await same('suspend, resume');
await one.powerOff(uuid);
await one.powerOn(uuid);
await anew('power_off, power_on');

console.log(`  larger: ${await one.resize(uuid, large)}`);
await same('resize');
console.log(`  smaller: ${await one.resize(uuid, small)}`);
await one.reboot(uuid, 'HARD');
await anew('revert of the resize');

const before = await domain.canonical();
const { kernel } = instance.machine;
await one.rescue(uuid, {
  disk: { file: await node2.createDisk('rescue.raw', { size: '8 MiB', format: 'raw' }) },
  ...(kernel ? { kernel } : {}),
});
await anew('rescue');
await one.unrescue(uuid);
await anew('unrescue');
console.log(`  the document is as it was, to the byte: ${(await domain.canonical()) === before}`);

const going = { uri: `tcp://127.0.0.1:${await freePort()}`, paths: paths.there };
const refused = await one.checkCanLiveMigrate(uuid, two, { ...going, mode: 'block', disks: ['vol-c'] });
console.log(`  a shared disk as one to copy: ${refused.map(({ problem }) => problem).join('; ') || 'nothing'}`);
console.log(`  before live migration: ${(await one.checkCanLiveMigrate(uuid, two, going)).length} findings that block`);
await one.liveMigration(uuid, two, going);
witness.follow(await two.manager.get(uuid), guest.two);
await same('live_migration');
await two.liveMigration(uuid, one, { uri: `tcp://127.0.0.1:${await freePort()}`, paths: paths.back });
witness.follow(await one.manager.get(uuid), guest.one);
await same('live_migration, back');

// The host loses its power and boots again.
await node1.cutPower();
await node1.startDaemon();
await one.resumeStateOnHostBoot([uuid]);
await anew('resume_state_on_host_boot');

// The host loses its power for good.
const kept = await one.record(uuid);
const evacuate = (fenced: boolean) => two.evacuate(kept, node1.uri, { fenced, paths: paths.there });
console.log(`  evacuate while it runs: ${await codeOf(evacuate(true))}`);
await node1.cutPower();
console.log(`  evacuate from a host that is silent: ${await codeOf(evacuate(false))}`);
witness.follow(await evacuate(true), guest.two);
await anew('evacuate');

await two.destroy(instance);
console.log(
  `Nothing moved in ${witness.operations} looks, and nothing is left: ${await codeOf(two.manager.get(uuid))}`,
);
for (const each of connections) await each.close();
