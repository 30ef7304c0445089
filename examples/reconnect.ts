/**
 * The daemon is killed and comes back while the guest runs on: what listens goes on after a gap, a read is sent again, and
 * an apply finds out what became of the call whose answer it never got. On a private host, since it kills the daemon.
 *
 *   npm run example reconnect
 */
import { subscribe } from 'node:diagnostics_channel';
import { CALL_CHANNEL, type CallRecord, connect, DomainManager } from 'libvirt-canonical';
import { PrivateHost } from 'libvirt-canonical/testing';

await using host = await PrivateHost.start();
await using connection = await connect(host.uri, { reconnect: { delay: 50 } });
const domain = await new DomainManager(connection).define({
  name: 'example',
  type: 'qemu',
  memory: '64 MiB',
  hotplug: { pciePorts: 4 },
  disks: [{ id: 'root', target: 'vda', file: await host.createDisk('root.qcow2', { size: '1 MiB' }), format: 'qcow2' }],
});
const events = await connection.subscribe('DEVICE_ADDED');
await domain.start({ paused: true });

// A restart, as with every upgrade of libvirt. A read made meanwhile waits for the next socket.
await host.killDaemon();
const state = domain.state();
await host.startDaemon();
console.log(`After a restart: ${await state}`);
const { value: notice } = await events.next();
console.log(`The subscription goes on; first item: ${notice?.type}`);

// And one at the worst moment: an attach has been sent, nobody will ever answer it.
let restarted: Promise<void> | undefined;
subscribe(CALL_CHANNEL, (message) => {
  const { phase, procedure, error } = message as CallRecord;
  if (!procedure.startsWith('DOMAIN_ATTACH_DEVICE')) return;
  console.log(`  ${procedure}: ${phase === 'start' ? 'sent' : (error ?? 'done')}`);
  if (phase === 'start') restarted ??= host.killDaemon().then(() => host.startDaemon());
});
const file = await host.createDisk('data.qcow2', { size: '1 MiB' });
const plan = await domain.plan({ attach: [{ disk: { id: 'data', target: 'vdb', file, format: 'qcow2' } }] });
await domain.apply(plan);
await restarted;
const data = (await domain.devices()).filter(({ identity }) => identity === 'disk data');
console.log(`Applied: disk data is in ${data.map(({ in: documents }) => documents).join()} documents, once`);

for await (const item of events) {
  console.log(item.type === 'event' ? `Told: ${item.data.devAlias} was added` : `Told: ${item.type}`);
  if (item.type === 'event') break;
}
