import fc from 'fast-check';
import { suite } from 'uvu';
import { pstore } from '../../../src/domain/devices/pstore.js';
import { badValues, kindTests, neverPlugged, newerOnly, some, values } from './support.js';

const test = suite('pstore');

kindTests(
  test,
  pstore,
  some(
    {
      id: values.id,
      address: values.pciAddress,
      backend: fc.constant('acpi-erst' as const),
      path: values.path,
      size: values.size,
    },
    ['backend'],
  ),
);
badValues(test, pstore, [
  ['backend', {}],
  ['backend', { backend: 'ramoops' }],
  ['size', { backend: 'acpi-erst', size: 'large' }],
]);
const device = { pstore: { backend: 'acpi-erst' } } as const;
neverPlugged(test, device);
newerOnly(test, device, '10.6.0');

test.run();
