import fc from 'fast-check';
import { suite } from 'uvu';
import { type PanicSpec, panic } from '../../../src/domain/devices/panic.js';
import { badValues, kindTests, neverPlugged, values } from './support.js';

const test = suite('panic');

const spec: fc.Arbitrary<PanicSpec> = fc.record(
  {
    id: values.id,
    address: values.pciAddress,
    model: fc.constantFrom('isa' as const, 'pvpanic' as const, 'hyperv' as const, 'pseries' as const, 's390' as const),
  },
  { requiredKeys: [] },
);

kindTests(test, panic, spec);
badValues(test, panic, [
  ['model', { model: 'blue' }],
  ['id', { id: 'a b' }],
]);
neverPlugged(test, { panic: { model: 'isa' } });

test.run();
