import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runBuilt } from '../examples/run.js';

const soak = (...args: string[]) => runBuilt('scripts/soak.js', { args, deadline: 240_000 });

test('the soak, for ten seconds', async () => {
  const { code, stdout, stderr } = await soak('--minutes', '0.17', '--domains', '2', '--seed', '271717185');
  assert.is(code, 0, stdout + stderr);
  assert.match(stdout, /domains lost: 0, defines: 2\n/);
  assert.match(stdout, /violations: 0\n/);
  assert.match(stdout, /memory: \d+ MiB → \d+ MiB, slope/);
  const steps = Number(/steps: (\d+)/.exec(stdout)?.[1]);
  assert.ok(steps > 0, stdout);
  console.log(stdout.replace(/^/gm, '  '));
});

test('control: a manager that regenerates makes the soak fail', async () => {
  const { code, stdout } = await soak('--minutes', '3', '--domains', '1', '--plant', 'regenerate', '--seed', '7');
  assert.is(code, 1, stdout);
  assert.match(stdout, /is where it was|defines for 1 domains/);
});

test.run();
