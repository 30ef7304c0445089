/**
 * A disk of a running domain is copied, and then moved to another file. What a program that was killed leaves behind is
 * found by the next one, and ended or finished.
 *
 *   npm run example copy-disk [-- URI]
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
  await domain.start();
  await place.booted();
  const reference = await domain.guestAbi();

  const copy = await domain.copyDisk('root', place.file('copy.qcow2'), {
    format: 'qcow2',
    onProgress: ({ fraction, bytes }) => console.log(`  ${Math.round(fraction * 100)} % of ${bytes.total} bytes`),
  });
  console.log(`Copied: the disk stays on ${copy.source}`);

  // An abort cancels the job, and says what it leaves.
  const abort = new AbortController();
  try {
    const onProgress = () => abort.abort(new Error('no time'));
    await domain.moveDisk('root', place.file('slow.raw'), { bandwidth: '1 MiB', signal: abort.signal, onProgress });
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
    console.log(`${error.code}: ${error.message}`);
  }
  console.log(`Jobs: ${(await domain.blockJobs()).length}`);

  const moved = await domain.moveDisk('root', place.file('moved.raw'));
  const root = (await domain.devices()).find(({ id }) => id === 'root');
  console.log(`Moved: ${root?.identity} at ${root?.address}, ${root?.liveAddress} now, on ${root?.spec.file}`);
  console.log(`Nobody uses ${moved.source} any more`);
  await domain.verify(reference);
  console.log('Nothing moved but the data');
} finally {
  await domain.destroy();
  await domain.undefine();
}
