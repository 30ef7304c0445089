import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ConformanceReport } from '../../src/conformance/index.js';
import { lvc, resultOf } from './lvc.js';

const folder = mkdtempSync(join(tmpdir(), 'kit-'));
test.after(() => rmSync(folder, { recursive: true }));

test('the scenarios that there are, and what is misspelt', async () => {
  const listed = await lvc(['conformance', '--list']);
  assert.is(listed.code, 0);
  assert.match(listed.out, /^matrix +every event after every other/m);
  const { scenarios } = resultOf<{ scenarios: { name: string }[] }>(await lvc(['conformance', '--list', '--json']));
  assert.ok(scenarios.some(({ name }) => name === 'kills'));
  for (const [args, why] of [
    [['conformance'], 'Which driver?'],
    [['conformance', 'virs'], 'Did you mean virsh?'],
    [['conformance', 'virsh', '--scenario', 'twin'], 'Did you mean twins?'],
  ] as const) {
    const { code, err } = await lvc(args);
    assert.is(code, 1);
    assert.match(err, why);
  }
});

test('a driver that does not keep the promise: exit code 2, the report as JSON and as a page', async () => {
  const file = join(folder, 'moved.html');
  const answer = await lvc(['conformance', 'nova', '--scenario', 'short matrix', '--report', file, '--json']);
  assert.is(answer.code, 2, answer.err);
  const { drivers } = resultOf<ConformanceReport>(answer);
  assert.is(drivers[0]?.name, 'Nova-like');
  assert.is(drivers[0]?.courses[0]?.outcome, 'broken');
  assert.match(readFileSync(file, 'utf8'), 'Nova-like: broken');
});

test.run();
