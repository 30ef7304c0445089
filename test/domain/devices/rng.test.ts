import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type RngSpec, rng } from '../../../src/domain/devices/rng.js';
import { VIRTIO_MODELS } from '../../../src/domain/devices/virtio.js';
import { anySource, badSources } from './chr-sources.js';
import { badValues, build, kindTests, namesOf, some, values, verdict, virtioDriver } from './support.js';

const test = suite('rng');

const source = fc.oneof(
  fc.record({ random: values.path }),
  fc.record({ builtin: values.yes }),
  fc.record({ egd: anySource() }),
);
const rest = fc.record(
  {
    id: values.id,
    address: values.pciAddress,
    model: fc.constantFrom(...VIRTIO_MODELS),
    rate: some({ bytes: fc.integer({ min: 1, max: 2 ** 32 }), period: fc.integer({ min: 1, max: 60_000 }) }, ['bytes']),
    driver: some(virtioDriver),
  },
  { requiredKeys: [] },
);
const anyRng: fc.Arbitrary<RngSpec> = fc.tuple(source, rest).map(([from, all]) => ({ ...from, ...all }));

kindTests(test, rng, anyRng);

badValues(test, rng, [
  ['', {}],
  ['', { builtin: true, random: '/dev/urandom' }],
  ['builtin', { builtin: false }],
  ['random', { random: 'urandom' }],
  ['model', { builtin: true, model: 'e1000' }],
  ['rate.bytes', { builtin: true, rate: { period: 1000 } }],
  ['rate.bytes', { builtin: true, rate: { bytes: 0 } }],
  ['rate.period', { builtin: true, rate: { bytes: 1, period: 0 } }],
  ['driver.iommu', { builtin: true, driver: { iommu: 'on' } }],
  ...badSources({}).map(([path, egd]) => [path === '' ? 'egd' : `egd.${path}`, { egd }] as const),
]);

test('a rate takes sizes in any form', () => {
  assert.is(build(rng, { builtin: true, rate: { bytes: '1 KiB' } }).get('rate/@bytes'), '1024');
});

test('it answers to its id and its place', () => {
  const xml =
    "<rng model='virtio'><backend model='builtin'/><address type='pci' bus='0x02' slot='0x00' function='0x0'/></rng>";
  assert.equal(namesOf(xml), ['pci 0000:02:00.0']);
});

test('it comes and goes live and in the canonical document, on a slot of its model', () => {
  for (const action of ['attach', 'detach'] as const)
    for (const scope of ['live', 'config'] as const)
      assert.is(verdict({ rng: { builtin: true } }, action, scope), 'yes');
  const slot = (model: string) => rng.bus(new Map([['@model', model]]));
  assert.equal(slot('virtio'), { type: 'pci', slot: 'express', virtio: true });
  assert.equal(slot('virtio-transitional'), { type: 'pci', slot: 'conventional' });
});

test.run();
