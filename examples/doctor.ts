/**
 * What is wrong with a host and its domains, or will be: what was seen, why it matters, and the remedy. Nothing is written.
 *
 *   npm run example doctor [-- URI]
 */
import { connect, DomainManager } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);
const manager = new DomainManager(connection);
const domain = await manager.define({
  name: place.name,
  type: place.type,
  memory: '128 MiB',
  hotplug: { pciePorts: 0 },
  disks: [{ target: 'vda', file: await place.disk('root'), format: 'raw', driver: { cache: 'writeback' } }],
});

try {
  for (const { severity, code, domain, seen, why, remedy } of await manager.doctor())
    console.log(`${severity} ${code} (${domain?.name ?? 'host'}): ${seen}.\n  ${why}.\n  ${remedy}.`);
} finally {
  await domain.undefine();
}
