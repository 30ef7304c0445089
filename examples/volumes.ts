/**
 * How a volume was connected is kept with the domain: written in the plan of the attach, handed to the hooks before each
 * start and after each stop, gone with the detach.
 *
 *   npm run example volumes [-- URI]
 */
import { connect, DomainManager, type Hooks } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);

const hooks: Hooks = {
  beforeStart: (_, { disks }) => {
    for (const { target, connection: how } of disks)
      if (how) console.log(`  connect ${target}: ${JSON.stringify(how)}`);
  },
  afterStop: (_, { disks }) => {
    for (const { target, connection: how } of disks) if (how) console.log(`  disconnect ${target} by ${how.driver}`);
  },
};
const domain = await new DomainManager(connection, { hooks }).define({
  name: place.name,
  type: place.type,
  memory: '128 MiB',
  disks: [{ id: 'root', target: 'vda', file: await place.disk('root'), boot: 1 }],
  storage: { root: { driver: 'local' } },
});

try {
  const request = {
    attach: [{ disk: { id: 'data', target: 'vdb', file: await place.disk('data') } }],
    storage: { data: { driver: 'iscsi', portal: '192.0.2.7:3260', lun: 1, attachedBy: 'compute-3' } },
  } as const;
  const plan = await domain.plan(request);
  console.log(`${plan}\n`);
  await domain.apply(plan);

  console.log('Starting:');
  await domain.start({ paused: true });
  console.log('Stopping:');
  await domain.destroy();

  // No secrets: everybody who may read the domain can read the record.
  const refused = await domain
    .plan({ storage: { data: { chap_password: 'opensesame' } } })
    .catch((error: Error) => error);
  console.log(`\n${refused}`);

  await domain.apply(await domain.plan({ detach: [{ disk: 'data' }] }));
  console.log(`Left: ${(await domain.storage()).map(({ identity }) => identity).join(', ')}`);
} finally {
  await domain.destroy();
  await domain.undefine();
}
