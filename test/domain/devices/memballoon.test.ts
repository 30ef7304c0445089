import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type MemballoonSpec, memballoon } from '../../../src/domain/devices/memballoon.js';
import { VIRTIO_MODELS } from '../../../src/domain/devices/virtio.js';
import { badValues, build, kindTests, namesOf, some, values, verdict, virtioDriver } from './support.js';

const test = suite('memballoon');

const anyMemballoon: fc.Arbitrary<MemballoonSpec> = fc.record(
  {
    id: values.id,
    address: values.pciAddress,
    model: fc.constantFrom(...VIRTIO_MODELS, 'none' as const),
    autodeflate: fc.boolean(),
    freePageReporting: fc.boolean(),
    statsPeriod: fc.integer({ min: 1, max: 3600 }).map((count) => count * 1000),
    driver: some(virtioDriver),
  },
  { requiredKeys: [] },
);

kindTests(test, memballoon, anyMemballoon);

badValues(test, memballoon, [
  ['model', { model: 'xenballoon' }],
  ['autodeflate', { autodeflate: 'on' }],
  ['statsPeriod', { statsPeriod: 100 }],
  ['driver.packed', { driver: { packed: 1 } }],
]);

test('a period is in whole seconds in XML', () => {
  assert.is(build(memballoon, { statsPeriod: 5000 }).get('stats/@period'), '5');
});

test('it answers to its kind, there being one', () => {
  assert.equal(namesOf("<memballoon model='virtio'/>"), ['memballoon']);
});

test('it is in the definition or not at all', () => {
  for (const action of ['attach', 'detach'] as const)
    for (const scope of ['live', 'config'] as const)
      assert.match(verdict({ memballoon: {} }, action, scope), /memory balloons/);
});

test('none takes no slot', () => {
  assert.is(memballoon.bus(build(memballoon, { model: 'none' })), undefined);
  assert.equal(memballoon.bus(build(memballoon, {})), { type: 'pci', slot: 'express', virtio: true });
});

test.run();
