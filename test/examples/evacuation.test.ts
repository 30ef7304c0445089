import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runExample } from './run.js';

test('evacuate: not while it runs, not where its disks are not, else the same machine', async () => {
  const said = await runExample('evacuate');
  for (const line of [
    'web1 is running on node1',
    'Import while it runs: DOMAIN_RUNNING_ELSEWHERE',
    'Import where its disks are not: IMPORT_REFUSED',
    'web1 is running on node2, the same machine',
    'disk root: {"driver":"iscsi","portal":"192.0.2.7:3260"}',
  ])
    assert.match(said, line);
});

test('host-upgrade: looked at, proposed, and done only by its token', async () => {
  const said = await runExample('host-upgrade');
  assert.match(said, /~ domain os\/type\/@machine: pc-q35-6\.2 → pc-q35-/);
  assert.match(said, '~ domain cpu/model: Nehalem → Westmere');
  assert.match(said, 'Without the token: PLAN_STALE');
  assert.match(said, /Upgraded to pc-q35-\S+; pc-q35-6\.2 is kept in the bundle/);
  assert.match(said, 'Every device where it was: true');
});

test.run();
