import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ParallelSpec, parallel } from '../../../src/domain/devices/parallel.js';
import { anySource, badSources } from './chr-sources.js';
import { badValues, kindTests, namesOf, some, values, verdict } from './support.js';

const test = suite('parallel');

const port = some({ id: values.id, address: values.pciAddress, port: fc.integer({ min: 0, max: 2 }) }, ['port']);
const anyParallel: fc.Arbitrary<ParallelSpec> = fc.tuple(anySource(), port).map(([from, to]) => ({ ...from, ...to }));

kindTests(test, parallel, anyParallel);

badValues(test, parallel, [
  ...badSources({ port: 0 }),
  ['port', { pty: true }],
  ['port', { port: 3, pty: true }],
  ['unix.path', { port: 0, unix: {} }],
]);

test('it answers to its id and its port', () => {
  assert.equal(namesOf("<parallel type='pty'><target port='0'/><alias name='ua-lp'/></parallel>"), [
    'lp',
    'ua-lp',
    '0',
  ]);
});

test('it comes and goes at a cold boot only', () => {
  const device = { parallel: { port: 0, pty: true } } as const;
  for (const action of ['attach', 'detach'] as const) {
    assert.match(verdict(device, action, 'live'), /ISA bus has no hot-plug/);
    assert.is(verdict(device, action, 'config'), 'yes');
  }
});

test.run();
