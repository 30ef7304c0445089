/**
 * A domain goes to another host as one JSON value, and is the same machine there; a host that cannot have it says why,
 * and one on which it still runs keeps it from being brought up twice. On two private hosts, which share its disks.
 *
 *   npm run example evacuate
 */
import { connect, DomainManager, findRunning, LibvirtCanonicalError } from 'libvirt-canonical';
import { PrivateHost } from 'libvirt-canonical/testing';

await using node1 = await PrivateHost.start();
await using node2 = await PrivateHost.start();
await using first = await connect(node1.uri);
await using second = await connect(node2.uri);
const here = new DomainManager(first);
const there = new DomainManager(second);

const domain = await here.define({
  name: 'web1',
  type: 'qemu',
  memory: '64 MiB',
  disks: [{ id: 'root', target: 'vda', file: await node1.createDisk('root.qcow2'), format: 'qcow2', boot: 1 }],
  interfaces: [{ id: 'lan', user: true }],
  storage: { root: { driver: 'iscsi', portal: '192.0.2.7:3260' } },
});
await domain.start();

// Taken while all is well, and kept in a safe place: a host that is lost cannot be asked any more.
const text = JSON.stringify(await domain.export());
console.log(`Bundle: ${Math.round(text.length / 1024)} KiB`);

const { running } = await findRunning(domain.uuid, [node1.uri, node2.uri]);
for (const { name, state, host } of running)
  console.log(`${name} is ${state} on ${host === node1.uri ? 'node1' : 'node2'}`);
const attempt = async (what: string, options: Parameters<DomainManager['import']>[1]) => {
  try {
    await there.import(text, options);
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
    console.log(`${what}: ${error.code}`);
  }
};
await attempt('Import while it runs', { hosts: [first, second] });

await domain.destroy();
await attempt('Import where its disks are not', { hosts: [first], paths: { [node1.directory]: '/srv/nowhere' } });

const moved = await there.import(text, { hosts: [first] });
await moved.verify(await domain.guestAbi());
await moved.start({ verify: 'guest-abi' });
console.log(`${moved.name} is ${await moved.state()} on node2, the same machine`);
for (const { identity, connection } of await moved.storage()) console.log(`${identity}: ${JSON.stringify(connection)}`);
