/** Hosts emptied one after the other, or two at a time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fleet, FleetUpgrade } from '../../src/fleet/index.js';
import { failure, failureNow, scaled } from '../support/deadline.js';
import { Wire } from '../support/wire.js';
import { trioOnDemand } from './trio.js';

const trio = trioOnDemand();
test.after(trio.stop);

test('planRollingUpgrade: a drain for each host, none of its batch a target, and room given away once', async () => {
  const { uris, clear, domain } = await trio();
  await clear();
  await Promise.all([domain('a', { name: 'one' }), domain('b', { name: 'two' }), domain('c', { name: 'three' })]);
  await using fleet = await Fleet.open({ hosts: uris, timeout: scaled(20_000) });
  using wire = new Wire();
  const upgrade = await fleet.planRollingUpgrade({ hosts: ['a', 'b', 'c'] });
  assert.equal(wire.mutators(), [], 'it reads only');
  assert.ok(upgrade.isPossible && upgrade.empties, String(upgrade));
  assert.equal(
    upgrade.batches.map(({ hosts, plans }) => [
      hosts.join(),
      plans.map(({ moves }) => moves.map(({ name }) => name).join()),
    ]),
    [
      ['a', ['one']],
      ['b', ['two']],
      ['c', ['three']],
    ],
  );
  assert.match(String(upgrade), /^upgrade of 3 hosts in 3 batches\nbatch 1: a\n {2}drain a: 1 go/);

  const pairs = await fleet.planRollingUpgrade({
    hosts: ['a', 'b', 'c'],
    batch: 2,
    apart: [['one', 'two']],
    cannotMove: 'stay',
  });
  assert.equal(
    pairs.batches.map(({ hosts }) => hosts),
    [['a', 'b'], ['c']],
  );
  const [[first, second] = [], [third] = []] = pairs.batches.map(({ plans }) => plans);
  assert.equal(
    [first, second, third].map((plan) => plan?.moves.map(({ name, to }) => `${name} ${to}`).join()),
    ['one c', '', third?.moves.map(({ name, to }) => `${name} ${to}`).join()],
    'c is the only target, where the first one is by then',
  );
  assert.not.ok(pairs.empties);
  assert.match(String(second?.domains[0]?.because[0]?.reason), /apart from is on c/);
  const [before] = second?.hosts.filter(({ name }) => name === 'c') ?? [];
  assert.equal([before?.before?.domains, first?.hosts.find(({ name }) => name === 'c')?.after?.domains], [2, 2]);

  const kept = JSON.parse(JSON.stringify(pairs));
  assert.equal(
    [FleetUpgrade.fromJSON(kept).digest, String(FleetUpgrade.fromJSON(kept))],
    [pairs.digest, String(pairs)],
  );
  failureNow(() => FleetUpgrade.fromJSON({ ...kept, batches: kept.batches.slice(1) }), 'SPEC_INVALID');
  for (const request of [
    {},
    { hosts: ['z'] },
    { hosts: ['a', 'a'] },
    { hosts: ['a'], batch: 0 },
    { hosts: ['a'], of: 1 },
  ])
    await failure(fleet.planRollingUpgrade(request as never), 'ARGUMENT_INVALID');
});

test.run();
