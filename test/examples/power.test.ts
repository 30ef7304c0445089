import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runBuilt } from './run.js';

test('power: a saved guest goes on without what was changed since, which a hard reboot brings', async () => {
  const { code, stdout, stderr } = await runBuilt('examples/support/run.js', { args: ['power'], deadline: 120_000 });
  assert.is(code, 0, stdout + stderr);
  for (const line of [
    'Started: running',
    'Suspended: paused',
    'Resumed: running',
    'Saved: shutoff',
    'Pending: the saved guest is without 1 change',
    'Verified restore: GUEST_ABI_CHANGED',
    'Restored: running',
    'Waits: attach disk data, live possible',
    'Rebooted hard; needs a cold boot: false',
  ])
    assert.match(stdout, line);
});

test.run();
