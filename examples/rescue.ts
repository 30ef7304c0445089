/**
 * Boots a domain from a rescue disk with all its own there, and brings it back: its document stays as it was to the byte.
 *
 *   npm run example rescue [-- URI]
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
  disks: [
    { id: 'root', target: 'vda', file: await place.disk('root'), boot: 1 },
    { id: 'data', target: 'vdb', file: await place.disk('data') },
  ],
  ...place.guest,
});

try {
  await domain.start();
  await place.booted();
  const before = await domain.canonical();

  const { kernel } = place.guest;
  await domain.rescue({ disk: { file: await place.disk('rescue') }, ...(kernel ? { kernel } : {}) });
  await place.booted();
  const state = await (await manager.get(domain.uuid)).rescueState();
  console.log(`In a rescue from ${state?.disk}, target ${state?.target}`);
  for (const { identity, kind, address, liveAddress } of await domain.devices())
    if (kind === 'disk')
      console.log(`  ${identity.padEnd(12)} ${address ?? '(not its own)'}, in the rescue ${liveAddress}`);
  console.log(`The document is as it was: ${(await domain.canonical()) === before}`);

  await domain.unrescue();
  await place.booted();
  console.log(`Back; in a rescue: ${(await domain.rescueState()) !== undefined}`);
  console.log(`The document is as it was: ${(await domain.canonical()) === before}`);

  // An image that is not there: the guest runs again as it did.
  const failure = await domain.rescue({ disk: { file: '/nonexistent/rescue' } }).catch((error: Error) => error);
  console.log(`${failure}`);
  console.log(`It is ${await domain.state()}`);
} finally {
  await domain.destroy();
  await domain.undefine();
}
