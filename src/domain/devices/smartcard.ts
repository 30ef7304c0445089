import { formatValue, specInvalid } from '../values.js';
import { type ChrSourceSpec, chrLiveOnly, chrNormal, chrSource } from './chr-source.js';
import { constant, deviceFields, type Field, text } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { defineOnly, NO_UPDATE, unread } from './rows.js';

/**
 * A smartcard. libvirt: `<smartcard>`. Only in the definition. One of `host`, `certificates` and `passthrough`. libvirt's
 * schema gives it no alias, so it has no `id`.
 */
export interface SmartcardSpec extends Omit<DeviceSpecBase, 'id'> {
  /** The host's own reader. */
  readonly host?: true | undefined;
  /** Names of three certificates in an NSS database of the host. */
  readonly certificates?: readonly [string, string, string] | undefined;
  /** Directory of that database. Default `/etc/pki/nssdb`. */
  readonly database?: string | undefined;
  /** A reader behind a character device; `spicevmc`: of who looks at the guest by SPICE. */
  readonly passthrough?: SmartcardPassthroughSpec | undefined;
}

/** The character device that leads to a smartcard reader. */
export interface SmartcardPassthroughSpec extends ChrSourceSpec {
  readonly spicevmc?: true | undefined;
}

const CERTIFICATES = ['certificate', 'certificate[2]', 'certificate[3]'];

function certificates(): Field<readonly [string, string, string]> {
  return {
    paths: CERTIFICATES,
    schema: { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 3, maxItems: 3 },
    encode(value, where) {
      if (!Array.isArray(value) || value.length !== CERTIFICATES.length)
        throw specInvalid(where, `${formatValue(value)} is not a list of three certificates`);
      return [
        ['@mode', 'host-certificates'],
        ...CERTIFICATES.flatMap((path, index) => text(path).encode(value[index], `${where}[${index}]`)),
      ];
    },
    decode(leaves) {
      const [first, second, third] = CERTIFICATES.map((path) => leaves.get(path));
      return first && second && third ? [first, second, third] : undefined;
    },
  };
}

export const smartcard: DeviceKind<SmartcardSpec> = {
  element: 'smartcard',
  fields: {
    address: deviceFields.address,
    host: constant(['@mode', 'host'], 'Leave it out to have another card'),
    certificates: certificates(),
    database: text('database', { pattern: /^\//, expected: 'an absolute path' }),
    passthrough: chrSource<SmartcardPassthroughSpec>(['@mode', 'passthrough'], '', {
      spicevmc: constant(['@type', 'spicevmc'], 'Leave it out to have another source'),
    }),
  },
  exclusive: [['host', 'certificates', 'passthrough']],
  check(leaves, where) {
    const mode = leaves.get('@mode');
    if (mode === undefined) throw specInvalid(where, 'it is no card yet', 'Give host, certificates or passthrough');
    if (leaves.has('database') && mode !== 'host-certificates')
      throw specInvalid(`${where}.database`, 'goes with certificates only');
  },
  names: () => [],
  unique: {},
  support: defineOnly('smartcards'),
  ...NO_UPDATE,
  abi: ['@mode'],
  liveOnly: chrLiveOnly(),
  normal: [
    ...chrNormal(),
    ...unread('virDomainChrSourceDefParseXML: only a character device of its own has labels', [
      /^source(\[\d+\])?\/seclabel/,
    ]),
    ...unread('virDomainSmartcardDefFormat', ['target']),
  ],
  bus: () => ({ type: 'ccid' }),
};
