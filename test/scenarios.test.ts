/** Each scenario of test/scenarios.ts has its tests, and a title names no scenario that there is not. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SCENARIOS } from './scenarios.js';

const sources = join(resolve(dirname(fileURLToPath(import.meta.url)), '../..'), 'test');
const read = (file: string) => readFileSync(join(sources, file), 'utf8');
const ID = /\b[SAUDRML]\d{1,2}\b/g;

/** The ids in the titles of all tests; `S1–S3` is S1, S2 and S3. */
function namedInTitles(): Set<string> {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
  const titles = files.flatMap((file) =>
    [...read(file).matchAll(/\btest\(\s*(['"`])(.*?)\1,/g)].map(([, , title = '']) => title),
  );
  const whole = titles.map((title) =>
    title.replaceAll(/\b([SAUDRML])(\d+)–\1(\d+)/g, (_, letter: string, from: string, to: string) =>
      Array.from({ length: Number(to) - Number(from) + 1 }, (_each, n) => `${letter}${Number(from) + n}`).join(' '),
    ),
  );
  return new Set(whole.flatMap((title) => title.match(ID) ?? []));
}

test('every scenario has a test that names it, or one that is listed', () => {
  const named = namedInTitles();
  const without = Object.entries(SCENARIOS)
    .filter(([id, { proofs = [] }]) => !named.has(id) && proofs.length === 0)
    .map(([id, { about }]) => `${id}: ${about}`);
  assert.equal(without, []);
});

test('the tests that are listed are there', () => {
  for (const [id, { proofs = [] }] of Object.entries(SCENARIOS))
    for (const [file, words] of proofs) assert.ok(read(file).includes(words), `${id}: ${file} has no "${words}"`);
});

test('no title names a scenario that there is not', () => {
  assert.equal(
    [...namedInTitles()].filter((id) => !(id in SCENARIOS)),
    [],
  );
});

test.run();
