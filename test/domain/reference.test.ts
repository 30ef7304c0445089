/** The reference of specs is what the tables say today, and what its examples show is accepted. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FOLDER, referencePages } from '../../scripts/reference/pages.js';
import { deviceKinds } from '../../src/domain/index.js';

test('the committed pages of the reference are those that `npm run reference` writes', () => {
  const pages = referencePages();
  assert.equal(readdirSync(FOLDER).sort(), [...pages.keys()].sort());
  for (const [name, text] of pages)
    assert.is(readFileSync(join(FOLDER, name), 'utf8'), text, `${name}: npm run reference`);
});

test('a page of the reference names every field of its kind, with a value and where it stands', () => {
  for (const { element, fields } of deviceKinds()) {
    assert.ok(existsSync(join(FOLDER, `${element}.md`)));
    const page = readFileSync(join(FOLDER, `${element}.md`), 'utf8');
    for (const name of Object.keys(fields)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\``));
      assert.ok(row, `${element}.${name}`);
      assert.not.match(row.split(' | ')[1] ?? '', /^(anything|)$/, `${element}.${name} takes something that is said`);
    }
  }
});

test.run();
