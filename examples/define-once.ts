/**
 * A domain is defined once. libvirt fills in what was left out, and from then on its document is the truth.
 *
 *   npm run example define-once [-- URI]
 */
import { connect, DomainExistsError, DomainManager, type DomainSpec } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);
const manager = new DomainManager(connection);

const spec: DomainSpec = {
  name: place.name,
  type: place.type,
  memory: '128 MiB',
  vcpus: { current: 1, maximum: 2 },
  disks: [{ id: 'root', target: 'vda', file: await place.disk('root'), boot: 1 }],
  interfaces: [{ id: 'lan', user: true }],
  // Room for four more devices on PCI, without a reboot.
  hotplug: { pciePorts: 4 },
  ...place.guest,
};
const domain = await manager.define(spec);

try {
  // What the spec did not say, libvirt decided; it stays decided.
  const { machine, devices } = await domain.guestAbi();
  console.log(`${domain.name} is defined, with machine ${machine}`);
  for (const { identity, kind, address } of devices)
    if (kind !== 'controller') console.log(`  ${identity.padEnd(28)} ${address ?? ''}`);

  // There is no second definition: a taken name is an error, raised before anything is changed.
  try {
    await manager.define(spec);
  } catch (error) {
    if (!(error instanceof DomainExistsError)) throw error;
    console.log(`\nDefining it again: ${error.code}. ${error.message}`);
  }

  // A domain that exists is adopted by name or UUID, with no write at all.
  const same = await manager.get(domain.uuid);
  const unchanged = (await same.canonical()) === (await domain.canonical());
  console.log(`\nAdopted ${same.name}; its document is ${unchanged ? 'unchanged' : 'CHANGED'}`);

  // The running guest has what the canonical document says.
  await domain.start();
  await domain.verify(await domain.guestAbi());
  console.log(`Started; nothing pending: ${(await domain.pending()).changes.length === 0}`);
} finally {
  await domain.destroy();
  await domain.undefine();
}
