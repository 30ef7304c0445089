/**
 * Suspend, save and restore, what waits meanwhile, a verified start: the same guest throughout, and nothing is defined twice.
 *
 *   npm run example power [-- URI]
 */
import { connect, DomainManager, LibvirtCanonicalError } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);
const domain = await new DomainManager(connection).define({
  name: place.name,
  type: place.type,
  memory: '128 MiB',
  disks: [{ id: 'root', target: 'vda', file: await place.disk('root'), boot: 1 }],
  ...place.guest,
});

try {
  // The guest runs its first instruction once its live document is what the canonical one says.
  await domain.start({ verify: 'guest-abi' });
  await place.booted();
  console.log(`Started: ${await domain.state()}`);

  await domain.suspend();
  console.log(`Suspended: ${await domain.state()}`);
  await domain.resume();
  console.log(`Resumed: ${await domain.state()}`);

  await domain.save({ onProgress: ({ fraction }) => console.log(`  ${Math.round(fraction * 100)} % saved`) });
  console.log(`Saved: ${await domain.state()}`);

  // A saved guest has a document of its own. What changes now waits for a boot.
  const data = { id: 'data', target: 'vdb', file: await place.disk('data') };
  await domain.apply(await domain.plan({ attach: [{ disk: data }] }));
  console.log(`Pending: ${(await domain.pending()).advice}`);
  try {
    await domain.restore({ verify: 'guest-abi' });
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
    console.log(`Verified restore: ${error.code}`);
  }
  await domain.restore();
  console.log(`Restored: ${await domain.state()}`);
  for (const { action, subject, live } of (await domain.pending()).changes)
    console.log(`Waits: ${action} ${subject}, live ${live}`);

  const { needsColdBoot } = await domain.reboot({ mode: 'hard', verify: 'guest-abi' });
  console.log(`Rebooted hard; needs a cold boot: ${needsColdBoot}`);
} finally {
  await domain.destroy();
  await domain.undefine({ managedSave: true });
}
