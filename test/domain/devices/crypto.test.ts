import fc from 'fast-check';
import { suite } from 'uvu';
import { crypto } from '../../../src/domain/devices/crypto.js';
import { badValues, kindTests, neverPlugged, newerOnly, some, values, virtioDriver } from './support.js';

const test = suite('crypto');

kindTests(
  test,
  crypto,
  some(
    {
      id: values.id,
      address: values.pciAddress,
      backend: fc.constantFrom('builtin' as const, 'lkcf' as const),
      queues: fc.integer({ min: 1, max: 64 }),
      driver: some(virtioDriver),
    },
    ['backend'],
  ),
);
badValues(test, crypto, [
  ['backend', {}],
  ['backend', { backend: 'openssl' }],
  ['queues', { backend: 'builtin', queues: 0 }],
]);
const device = { crypto: { backend: 'builtin' } } as const;
neverPlugged(test, device);
newerOnly(test, device, '9.1.0');

test.run();
