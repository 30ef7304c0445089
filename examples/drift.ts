/**
 * Somebody else changes the domain: what they did is told, taken back by a plan, or accepted; nothing is defined.
 *
 *   npm run example drift [-- URI]
 */
import { connect, DomainManager } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);
const domain = await new DomainManager(connection).define({
  name: place.name,
  type: place.type,
  memory: '128 MiB',
  title: 'ours',
  disks: [
    { id: 'root', target: 'vda', file: await place.disk('root'), boot: 1 },
    { id: 'data', target: 'vdb', file: await place.disk('data') },
  ],
});

try {
  const before = await domain.canonical();
  // Somebody else: another connection, and calls that this library knows nothing of.
  await using other = await connect(place.uri);
  const { dom } = await other.call('DOMAIN_LOOKUP_BY_NAME', { name: place.name });
  const [config, title] = [2, 1];
  const disk = /<disk(?:(?!<\/disk>)[\s\S])*'vdb'[\s\S]*?<\/disk>/.exec(before)?.[0] ?? '';
  await other.call('DOMAIN_DETACH_DEVICE_FLAGS', { dom, xml: disk, flags: config });
  await other.call('DOMAIN_SET_METADATA', {
    dom,
    type: title,
    metadata: 'theirs',
    key: null,
    uri: null,
    flags: config,
  });

  for (const { action, subject, changes, abi } of (await domain.drift()).changes)
    console.log(`Drift: ${action} ${subject}`, changes.map(({ from, to }) => `${from} → ${to}`).join(), abi.length > 0);

  const plan = await domain.planUndoDrift({ only: ['disk data'] });
  console.log(`${plan}`);
  await domain.apply(plan);
  console.log(`Left: ${(await domain.drift()).changes.map(({ subject }) => subject)}`);

  await domain.acceptDrift();
  console.log(`Accepted: ${(await domain.drift()).changes.length} left`);
} finally {
  await domain.undefine();
}
