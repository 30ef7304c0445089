import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument } from '../../src/domain/index.js';
import { changedParts, changesBetween, fingerprintsOf } from '../../src/plan/index.js';
import { contextOf } from '../support/fixtures.js';

const web = contextOf('web');
const edited = (from: RegExp, to: string) => {
  const xml = web.canonical.xml.replace(from, to);
  assert.is.not(xml, web.canonical.xml, 'the fixture has it');
  return { ...web, canonical: new DomainDocument(xml) };
};

test('fingerprintsOf: a secret does not count, so that it cannot be guessed from a hash', () => {
  const other = edited(/passwd='hunter2'/, "passwd='swordfish'");
  assert.equal(fingerprintsOf(other), fingerprintsOf(web));
  assert.equal(
    changesBetween(web, other).map(({ document, how }) => [document, how]),
    [['canonical', 'changed']],
    'what stays in the process knows of it',
  );
});

test('fingerprintsOf: any other value of the same device counts', () => {
  const other = edited(/listen='127\.0\.0\.1' passwd/, "listen='127.0.0.2' passwd");
  assert.is(changedParts(fingerprintsOf(web), fingerprintsOf(other)).length, 1);
});

test.run();
