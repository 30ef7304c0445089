/**
 * A running guest goes to a host that does not have its disk: the disk is copied while the guest writes to it. Without
 * asking for that the migration is refused, and nothing is changed. On two private hosts.
 *
 *   npm run example migrate-block
 */
import { MigrationRefusedError } from 'libvirt-canonical';
import { twoHosts } from './support/two-hosts.js';

await using hosts = await twoHosts();
const { domain, two, guest, images } = hosts;
await guest.one.exec('dd if=/dev/urandom of=/dev/vda bs=1M count=4 && sync');
const { output: before } = await guest.one.exec('sha256sum /dev/vda');
const options = { ...hosts.options, paths: { ...hosts.options.paths, [images.one]: images.two } };

try {
  await domain.migrate(two, options).done;
} catch (error) {
  if (!(error instanceof MigrationRefusedError)) throw error;
  for (const { subject, remedy } of error.findings) console.log(`${error.code}: ${subject}: ${remedy}`);
}

const plan = await domain.planMigration(two, { ...options, mode: 'block' });
for (const { identity, how, capacity } of plan.disks) console.log(`${identity} is ${how}, ${capacity} bytes`);
await domain.migrate(two, { ...options, mode: 'block' }).done;
const { output: after } = await guest.two.exec('sha256sum /dev/vda');
console.log(`Same contents there: ${after === before}`);
