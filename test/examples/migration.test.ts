import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runExample } from './run.js';

test('migrate: planned, driven, and what was pending is pending there', async () => {
  const said = await runExample('migrate');
  for (const line of [
    'Possible: true; disk root is shared',
    /sending: \d+ %/,
    'Left to do: nothing',
    'web1 is running there, same boot: true',
    'Pending there: attach interface later',
    'Drifted: 0',
  ])
    assert.match(said, line);
});

test('migrate-block: refused without asking for a copy, then the same contents there', async () => {
  const said = await runExample('migrate-block');
  for (const line of [
    /MIGRATION_REFUSED: disk root: .*mode: 'block'/,
    'disk root is copied, 16777216 bytes',
    'Same contents there: true',
  ])
    assert.match(said, line);
});

test('migrate-recover: a program killed after memory was sent; the next one lets the guest go on', async () => {
  const said = await runExample('migrate-recover');
  for (const line of [
    'It is paused (migration); its migration was cut: ended',
    /Found: stands-still; did: .*resumed it at the source; now: not-migrated/,
    'Same boot: true',
  ])
    assert.match(said, line);
});

test.run();
