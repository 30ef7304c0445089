/**
 * Devices come and go while the guest runs: a request, a plan that says all of it beforehand, and its application, which
 * reads both documents back after each call.
 *
 *   npm run example hot-plug [-- URI]
 */
import { ApplyError, connect, DomainManager, LibvirtCanonicalError } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);
const manager = new DomainManager(connection);

const domain = await manager.define({
  name: place.name,
  type: place.type,
  memory: '128 MiB',
  disks: [{ id: 'root', target: 'vda', file: await place.disk('root'), boot: 1 }],
  ...place.guest,
});

try {
  await domain.start();
  await place.booted();

  // Typed where the library knows the kind, XML for everything else.
  const plan = await domain.plan({
    attach: [
      { disk: { id: 'data', target: 'vdb', file: await place.disk('data'), serial: 'DATA-1' } },
      { interface: { id: 'lan', user: true, mac: '52:54:00:20:16:09' } },
      "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='ua-rng'/></rng>",
    ],
    set: { title: 'Now with data' },
  });
  console.log(`${plan}\n`);

  await domain.apply(plan, {
    onProgress: ({ operation, state, done, total }) =>
      console.log(`${state.padEnd(7)} ${operation.action} ${operation.subject} (${done} of ${total})`),
  });

  // The address of the hot-plug is the address of the next boot.
  for (const { identity, id, address, liveAddress } of await domain.devices())
    if (id !== undefined) console.log(`  ${identity.padEnd(16)} ${address} at the next boot, ${liveAddress} now`);

  // What is there as asked needs nothing; what cannot be had is a refusal, before any call.
  const again = await domain.plan({ set: { title: 'Now with data' } });
  const floppy = await domain.plan({ attach: [{ disk: { device: 'floppy', target: 'fda' } }] });
  console.log(`\nAsked again: ${again.operations.length} operations`);
  console.log(`A floppy drive: ${floppy.refusals[0]?.reason}\n`);

  // The guest has to let go of a device before it leaves; the canonical document changes only after that.
  try {
    await domain.apply(await domain.plan({ detach: [{ disk: 'data' }] }), { unplug: { attempts: 3, timeout: 5_000 } });
    console.log('The guest let go of disk data');
  } catch (error) {
    if (!(error instanceof ApplyError) || !(error.cause instanceof LibvirtCanonicalError)) throw error;
    console.log(`The guest kept disk data: ${error.cause.code}, ${error.rollback}`);
  }
} finally {
  await domain.destroy();
  await domain.undefine();
}
