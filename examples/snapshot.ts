/**
 * A live snapshot, and its commit back: the guest writes to another file meanwhile, both documents follow, and no address
 * moves.
 *
 *   npm run example snapshot [-- URI]
 */
import { connect, DomainManager } from 'libvirt-canonical';
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

async function tell(when: string): Promise<void> {
  for (const { identity, address, liveAddress, spec } of (await domain.devices()).filter(({ id }) => id === 'root'))
    console.log(`${when}: ${identity} at ${address}, ${liveAddress} now, on ${spec.file}`);
}

try {
  await domain.start();
  await place.booted();
  const reference = await domain.guestAbi();
  await tell('Before');

  // Without a file libvirt would choose one beside the image. With an agent in the guest its file systems are frozen.
  const file = place.file('root.overlay');
  const { disks, consistency } = await domain.snapshot({ name: 'nightly', disks: { root: { file } } });
  await tell('Snapshot');
  for (const { base } of disks)
    console.log(`${base} can be copied away: nobody writes to it (${consistency}-consistent)`);

  const { leftover } = await domain.commitDisk('root', {
    leftover: 'delete',
    onProgress: ({ fraction }) => console.log(`  ${Math.round(fraction * 100)} % committed`),
  });
  await tell('Committed');
  console.log(`Deleted: ${leftover.join(', ')}`);

  await domain.verify(reference);
  console.log('Nothing moved');
} finally {
  await domain.destroy();
  await domain.undefine();
}
