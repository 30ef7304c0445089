import fc from 'fast-check';
import { suite } from 'uvu';
import { type TpmSpec, tpm } from '../../../src/domain/devices/tpm.js';
import { badValues, kindTests, neverPlugged, values } from './support.js';

const test = suite('tpm');

const backend: fc.Arbitrary<TpmSpec> = fc.oneof(
  fc.record({ passthrough: values.path }),
  fc.record({ external: fc.record({ socket: values.path }) }),
  fc.record({
    emulator: fc.record(
      {
        version: fc.constantFrom('1.2' as const, '2.0' as const),
        persistentState: fc.boolean(),
        encryption: values.uuid,
        activePcrBanks: fc.subarray(['sha1', 'sha256', 'sha384', 'sha512', 'sm3_256'] as const, { minLength: 1 }),
      },
      { requiredKeys: [] },
    ),
  }),
);
const rest = fc.record(
  {
    id: values.id,
    address: values.pciAddress,
    model: fc.constantFrom('tpm-tis' as const, 'tpm-crb' as const, 'tpm-spapr' as const, 'spapr-tpm-proxy' as const),
  },
  { requiredKeys: [] },
);

kindTests(
  test,
  tpm,
  fc.tuple(rest, backend).map(([all, which]): TpmSpec => ({ ...all, ...which }) as TpmSpec),
);

badValues(test, tpm, [
  ['', {}],
  ['', { passthrough: '/dev/tpm0', emulator: {} }],
  ['model', { model: 'tpm', passthrough: '/dev/tpm0' }],
  ['external.socket', { external: {} }],
  ['emulator.version', { emulator: { version: '3' } }],
  ['emulator.encryption', { emulator: { encryption: 'x' } }],
  ['emulator.activePcrBanks', { emulator: { activePcrBanks: [] } }],
  ['emulator.activePcrBanks', { emulator: { activePcrBanks: ['md5'] } }],
]);

neverPlugged(test, { tpm: { passthrough: '/dev/tpm0' } });

test.run();
