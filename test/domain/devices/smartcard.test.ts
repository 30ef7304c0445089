import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type SmartcardSpec, smartcard } from '../../../src/domain/devices/smartcard.js';
import { anySource, badSources } from './chr-sources.js';
import { badValues, kindTests, namesOf, some, values, verdict } from './support.js';

const test = suite('smartcard');

const card = fc.oneof(
  fc.record({ host: values.yes }),
  some({ certificates: fc.tuple(values.name, values.name, values.name), database: values.path }, ['certificates']),
  fc.record({ passthrough: anySource(fc.record({ spicevmc: values.yes })) }),
);
const place = fc.record({ address: fc.constantFrom('ccid 0:0', 'ccid 1:0') }, { requiredKeys: [] });
const anySmartcard: fc.Arbitrary<SmartcardSpec> = fc.tuple(card, place).map(([what, where]) => ({ ...what, ...where }));

kindTests(test, smartcard, anySmartcard);

badValues(test, smartcard, [
  ['', {}],
  ['', { host: true, passthrough: { spicevmc: true } }],
  ['host', { host: false }],
  ['certificates', { certificates: ['a', 'b'] }],
  ['certificates[2]', { certificates: ['a', 'b', ''] }],
  ['database', { host: true, database: '/a' }],
  ['database', { certificates: ['a', 'b', 'c'], database: 'a' }],
  ...badSources({}).map(
    ([path, passthrough]) => [path === '' ? 'passthrough' : `passthrough.${path}`, { passthrough }] as const,
  ),
]);

test('it answers to its place', () => {
  assert.equal(namesOf("<smartcard mode='host'><address type='ccid' controller='0' slot='0'/></smartcard>"), [
    'ccid 0:0',
  ]);
});

test('it is in the definition or not at all', () => {
  for (const action of ['attach', 'detach'] as const) {
    assert.match(verdict({ smartcard: { host: true } }, action, 'live'), /no hot-plug of smartcards/);
    assert.match(verdict({ smartcard: { host: true } }, action, 'config'), /after the definition/);
  }
});

test.run();
