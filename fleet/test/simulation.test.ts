/** A small share of `npm run simulate-fleet`: the real engine over simulated hosts, with one of two workers killed in between. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { simulate } from './simulation/simulate.js';

test('a change of all domains of many hosts: each is changed once, whichever worker dies', async () => {
  const { result, hosts, steps } = await simulate({ hosts: 20, domains: 8, batch: 80 });
  assert.equal([result.applied + result.already, result.failed, result.notBegun], [160, [], 0]);
  assert.equal(hosts.titles, { changed: 160 });
  assert.is(hosts.titledTwice, 0);
  assert.equal(hosts.unknown, [], 'the simulated hosts were asked nothing that was not recorded');
  assert.ok(steps >= 160);
});

test.run();
