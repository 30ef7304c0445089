/**
 * A whole desired state instead of single changes: the library finds out what has to be done, does it while the guest
 * runs, and keeps what others added.
 *
 *   npm run example desired-state [-- URI]
 */
import { connect, DomainManager, type DomainSpec } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);
const manager = new DomainManager(connection);

const root = { id: 'root', target: 'vda', file: await place.disk('root'), boot: 1 } as const;
const data = { id: 'data', target: 'vdb', file: await place.disk('data') } as const;
const lan = { id: 'lan', user: true, mac: '52:54:00:20:16:09' } as const;
const base: Omit<DomainSpec, 'disks' | 'interfaces'> = {
  name: place.name,
  type: place.type,
  memory: '128 MiB',
  ...place.guest,
};

const domain = await manager.define({ ...base, disks: [root], interfaces: [lan] });
try {
  await domain.start();
  await place.booted();

  // Somebody else adds a device, with a tool of their own.
  const { dom } = await connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid: domain.uuid });
  const rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>";
  await connection.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml: rng, flags: 3 });

  // What is asked for now: a disk more, limits on the first, the link down.
  const desired: DomainSpec = {
    ...base,
    title: 'With data',
    disks: [{ ...root, iotune: { totalIopsSec: 500 } }, data],
    interfaces: [{ ...lan, link: 'down' }],
  };
  const plan = await domain.planTowards(desired);
  console.log(`${plan}\n`);
  await domain.apply(plan);
  console.log(`Asked again: ${(await domain.planTowards(desired)).operations.length} operations\n`);

  // What no update reaches is refused, unless the caller allows the device to be replaced.
  const other: DomainSpec = { ...desired, disks: [root, { ...data, target: 'vdc' }] };
  const [refusal] = (await domain.planTowards(other)).refusals;
  console.log(`Another target: ${refusal?.reason}. ${refusal?.remedy}\n`);

  // Not asked for any more: the disk goes, what nobody asked for stays.
  await domain.shutdown({ timeout: 10_000, onTimeout: 'destroy' });
  const less = await domain.planTowards({ ...base, disks: [root], interfaces: [lan] });
  console.log(`${less}\n`);
  await domain.apply(less);
  const kinds = (await domain.devices()).map(({ identity }) => identity);
  console.log(`Left: ${kinds.filter((each) => /^(disk|interface|rng) /.test(each)).join(', ')}`);
} finally {
  await domain.destroy();
  await domain.undefine();
}
