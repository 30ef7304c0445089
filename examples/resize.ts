/**
 * Makes a running domain larger and smaller: vCPUs, memory, a memory module and a disk, and what has to wait for a cold boot.
 *
 *   npm run example resize [-- URI]
 */
import { connect, DomainManager, type LibvirtCanonicalError, type Resized } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);

const domain = await new DomainManager(connection).define({
  name: place.name,
  type: place.type,
  // One vCPU now and four at most; memory devices only where there is room from the first day on.
  memory: '256 MiB',
  hotplug: { memory: { upTo: '1 GiB' } },
  disks: [{ id: 'root', target: 'vda', file: await place.disk('root') }],
  ...place.guest,
});

function tell(what: string, { now, nextBoot, takesEffect }: Resized<number | bigint>): void {
  console.log(`${what}: ${now?.current} of ${now?.maximum}, from the next boot ${nextBoot.current}: ${takesEffect}`);
}

try {
  await domain.start();
  await place.booted();

  tell('vCPUs', (await domain.resize({ vcpus: 2 })).vcpus);
  tell('vCPUs', (await domain.resize({ vcpus: 6 })).vcpus);
  tell('Memory', (await domain.resize({ memory: '224 MiB' })).memory);

  const refused = await domain.resize({ memory: '512 MiB' }).catch((error: LibvirtCanonicalError) => error);
  if ('remedy' in refused) console.log(`Refused. ${refused.remedy}`);
  const module = { id: 'more', model: 'dimm', size: '128 MiB', node: 0 } as const;
  await domain.apply(await domain.plan({ attach: [{ memory: module }] }));
  tell('Memory', (await domain.resize({})).memory);

  const { before, capacity } = await domain.resizeDisk('root', { capacity: '128 MiB' });
  console.log(`Disk root: ${before} → ${capacity} bytes`);
  const smaller = await domain.resizeDisk('root', { capacity: '32 MiB' }).catch((error: Error) => error);
  console.log(`${smaller}`);
} finally {
  await domain.destroy();
  await domain.undefine();
}
