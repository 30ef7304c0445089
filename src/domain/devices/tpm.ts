import { formatValue, specInvalid } from '../values.js';
import { deviceFields, type Field, flag, oneOf, text, uuid, whole } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { defaultValue, defineOnly, NO_UPDATE, unread } from './rows.js';

const BANKS = ['sha1', 'sha256', 'sha384', 'sha512', 'sm3_256'] as const;
type Bank = (typeof BANKS)[number];

/** A trusted platform module. libvirt: `<tpm>`. Exactly one of `passthrough`, `emulator` and `external`. */
export interface TpmSpec extends DeviceSpecBase {
  /** Default `tpm-tis`, or `tpm-crb` with TPM 2.0 from libvirt 8.9.0 on. */
  readonly model?: 'tpm-tis' | 'tpm-crb' | 'tpm-spapr' | 'spapr-tpm-proxy' | undefined;
  /** Path of a TPM of the host. */
  readonly passthrough?: string | undefined;
  /** libvirt runs swtpm. libvirt 4.5.0 */
  readonly emulator?:
    | {
        readonly version?: '1.2' | '2.0' | undefined;
        /** Keep the TPM's state when a transient domain ends. libvirt 7.0.0 */
        readonly persistentState?: boolean | undefined;
        /** UUID of the secret that the state is encrypted with. libvirt 5.6.0 */
        readonly encryption?: string | undefined;
        /** PCR banks of a TPM 2.0. libvirt 7.10.0 */
        readonly activePcrBanks?: readonly Bank[] | undefined;
      }
    | undefined;
  /** A TPM emulator that somebody else runs, by its socket. libvirt 9.0.0 */
  readonly external?: { readonly socket: string } | undefined;
}

const SOURCES = ['passthrough', 'emulator', 'external'] as const;

/** A set of banks, each an empty element. */
function banks(path: string): Field<readonly Bank[]> {
  return {
    paths: [path],
    schema: { type: 'array', items: { enum: BANKS }, minItems: 1 },
    encode(value, where) {
      if (!Array.isArray(value) || value.length === 0 || !value.every((bank) => BANKS.includes(bank)))
        throw specInvalid(
          where,
          `${formatValue(value)} is not a list of PCR banks`,
          `Give some of ${BANKS.join(', ')}`,
        );
      return value.map((bank) => [`${path}/${bank}`, '']);
    },
    decode(leaves) {
      const found = BANKS.filter((bank) => leaves.has(`${path}/${bank}`));
      return found.length > 0 ? found : undefined;
    },
  };
}

export const tpm: DeviceKind<TpmSpec> = {
  element: 'tpm',
  fields: {
    ...deviceFields,
    model: oneOf('@model', ['tpm-tis', 'tpm-crb', 'tpm-spapr', 'spapr-tpm-proxy']),
    passthrough: text('backend/device/@path', { alongside: ['backend/@type', 'passthrough'] }),
    emulator: whole<NonNullable<TpmSpec['emulator']>>(
      {
        version: oneOf('backend/@version', ['1.2', '2.0']),
        persistentState: flag('backend/@persistent_state'),
        encryption: uuid('backend/encryption/@secret'),
        activePcrBanks: banks('backend/active_pcr_banks'),
      },
      { alongside: [['backend/@type', 'emulator']] },
    ),
    external: whole<NonNullable<TpmSpec['external']>>(
      { socket: text('backend/source/@path') },
      {
        alongside: [
          ['backend/@type', 'external'],
          ['backend/source/@type', 'unix'],
          ['backend/source/@mode', 'connect'],
        ],
        required: ['socket'],
      },
    ),
  },
  exclusive: [SOURCES],
  check(leaves, where) {
    if (!leaves.has('backend/@type')) throw specInvalid(where, 'has no backend', `Give one of ${SOURCES.join(', ')}`);
  },
  names: () => ['tpm'],
  unique: {},
  support: defineOnly('TPMs'),
  ...NO_UPDATE,
  normal: [
    ...unread(
      'virDomainTPMDefFormat: they are those of an emulated one',
      ['backend/@version', 'backend/@persistent_state', 'backend/encryption', 'backend/active_pcr_banks'],
      { 'backend/@type': ['emulator'] },
    ),
    ...unread('virDomainTPMDefFormat', ['backend/device'], { 'backend/@type': ['passthrough'] }),
    ...defaultValue('virDomainTPMDefFormat', { 'backend/@version': /^default$/, 'backend/@persistent_state': /^no$/ }),
  ],
  abi: ['@model', 'backend/@type', 'backend/@version', 'backend/active_pcr_banks'],
  liveOnly: [],
  bus: () => undefined,
};
