/**
 * Three ways to reboot, none of which defines anything: what the guest saw before, it sees after.
 *
 *   npm run example reboot [-- URI]
 */
import { connect, DomainManager } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);
const manager = new DomainManager(connection, {
  // Work of your own at the edges of a run: connect volumes before, let go of them after.
  hooks: {
    beforeStart: ({ name }) => console.log(`  ${name} is about to start`),
    afterStop: ({ name }) => console.log(`  ${name} has stopped`),
  },
});

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

  // A change for the next cold boot only. Until then canonical and live document differ, and pending() says how.
  const data = { id: 'data', target: 'vdb', file: await place.disk('data') };
  await domain.apply(await domain.plan({ attach: [{ disk: data }], scope: 'config' }));
  const reference = await domain.guestAbi();
  const pending = async () => {
    const { changes } = await domain.pending();
    return changes.map(({ action, subject }) => `${action} ${subject}`).join(', ');
  };
  console.log(`Pending: ${await pending()}`);

  // guest: the guest restarts inside its QEMU process, so pending changes stay pending. It has to hear the power button.
  if (place.guest.kernel) {
    await domain.reboot({ mode: 'guest' });
    await place.booted();
    console.log(`Rebooted by the guest; pending: ${await pending()}`);
  }

  // cold: shut down by the guest, then started. A guest that does not listen is switched off in the end.
  await domain.reboot({ mode: 'cold', timeout: 10_000, onTimeout: 'destroy' });
  await place.booted();
  await domain.verify(reference);
  console.log(`Rebooted cold; nothing moved; pending: ${(await pending()) || 'nothing'}`);

  // hard: the plug pulled, then started.
  await domain.reboot({ mode: 'hard' });
  await domain.verify(reference);
  console.log('Rebooted hard; nothing moved');
} finally {
  await domain.destroy();
  await domain.undefine();
}
