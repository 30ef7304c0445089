import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runBuilt } from './run.js';

test('drift: what somebody else did is told, taken back in part, and the rest accepted', async () => {
  const { code, stdout, stderr } = await runBuilt('examples/support/run.js', { args: ['drift'], deadline: 60_000 });
  assert.is(code, 0, stdout + stderr);
  for (const line of [
    'Drift: removed disk data  true',
    'Drift: changed domain ours → theirs false',
    '1 operation, 0 refusals',
    'Left: domain',
    'Accepted: 0 left',
  ])
    assert.match(stdout, line);
});

test.run();
