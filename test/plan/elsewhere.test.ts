import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planTowards } from '../../src/plan/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf, fixture } from '../support/fixtures.js';

const towards = (change: (xml: string) => string) => planTowards(change(fixture('off.xml')), contextOf('off'));

test('what a setting changes is not said to be beyond every call', () => {
  const { refusals } = towards((xml) => xml.replace(/<name>.*<\/name>/, '<name>other</name>'));
  assert.equal(
    refusals.map(({ path, remedy }) => [path, remedy]),
    [['name', 'Ask for it by plan({ set: { name: … } })']],
  );
});

test('what no call changes is refused as that', () => {
  const { refusals } = towards((xml) => xml.replace("machine='pc-q35-7.2'", "machine='pc-q35-6.0'"));
  assert.equal(
    refusals.map(({ path }) => path),
    ['os/type/@machine'],
  );
  assert.match(refusals[0]?.reason ?? '', /no call makes it pc-q35-6.0/);
});

test('an amount that is none is an error of the library', () => {
  const error = failureNow(
    () => towards((xml) => xml.replace(/<memory unit='KiB'>\d+/, "<memory unit='KiB'>abc")),
    'SPEC_INVALID',
  );
  assert.match(error.message, /"abc" is not an amount/);
});

test.run();
