import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runBuilt } from '../examples/run.js';

const PLANTED = fileURLToPath(new URL('./planted.js', import.meta.url));

async function fuzz(...args: string[]): Promise<{ code: number | null; said: string; crashes: Buffer[] }> {
  const keep = mkdtempSync(join(tmpdir(), 'fz'));
  try {
    const { code, stdout, stderr } = await runBuilt('scripts/fuzz.js', {
      args: [...args, '--keep', keep],
      deadline: 90_000,
    });
    const crashes = [...stdout.matchAll(/^ {2}(\/.*)$/gm)].map(([, file = '']) => readFileSync(file));
    return { code, said: stdout + stderr, crashes };
  } finally {
    rmSync(keep, { recursive: true });
  }
}

test('coverage leads to a fault behind three conditions, and the input is shrunk to them', async () => {
  const { code, said, crashes } = await fuzz('--until-found', '--targets', PLANTED, 'guarded');
  assert.is(code, 1, said);
  assert.match(said, 'guarded: Error: reached');
  assert.equal(crashes.map(String), ['987']);
});

test('an input that never ends and one that eats memory are caught', async () => {
  for (const [target, patience, why] of [
    ['endless', '1500', /takes more than 1500 ms/],
    ['greedy', '30000', /memory limit/],
  ] as const) {
    const { code, said, crashes } = await fuzz('--patience', patience, '--targets', PLANTED, target);
    assert.is(code, 1, said);
    assert.match(said, why);
    assert.is(crashes[0]?.[0], 0x21, 'the input is kept');
  }
});

test('the readers of this project are run, and nothing is found', async () => {
  const { code, said } = await fuzz('--seconds', '1', 'uri', 'frame');
  assert.is(code, 0, said);
  assert.match(said, /^uri: \d+ inputs, \d+ kept, \d+ blocks reached\nframe: \d+ inputs/);
});

test.run();
