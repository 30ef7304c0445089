/**
 * A running guest goes to another host: planned, driven by a policy, proved before the source is let go. What waits for its
 * next boot still waits there. On two private hosts, which share its disk.
 *
 *   npm run example migrate
 */
import { twoHosts } from './support/two-hosts.js';

await using hosts = await twoHosts();
const { domain, two, guest, options } = hosts;
const { bootId } = await guest.one.report();
const later = { id: 'later', user: true } as const;
await domain.apply(await domain.plan({ attach: [{ interface: later }], set: { autostart: true }, scope: 'config' }));

const plan = await domain.planMigration(two, options);
console.log(
  `Possible: ${plan.isPossible}; ${plan.disks.map(({ identity, how }) => `${identity} is ${how}`).join(', ')}`,
);

const job = domain.migrate(two, { ...options, policy: { preset: 'converge', bandwidth: { begin: 32, most: 1024 } } });
for await (const { phase, fraction, policy } of job) {
  if (phase === 'sending') console.log(`sending: ${Math.round(fraction * 100)} %`);
  for (const { did, why } of policy) console.log(`policy: ${did} (${why})`);
}
const { unfinished } = await job.done;
console.log(`Left to do: ${unfinished.join() || 'nothing'}`);

const there = await two.get(domain.uuid);
console.log(
  `${there.name} is ${await there.state()} there, same boot: ${(await guest.two.report()).bootId === bootId}`,
);
const { changes } = await there.pending();
console.log(`Pending there: ${changes.map(({ action, subject }) => `${action} ${subject}`).join()}`);
console.log(`Drifted: ${(await there.drift()).changes.length}`);
