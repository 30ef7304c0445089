import { type Field, type FieldTable, group, integer, oneOf, text } from '../devices/fields.js';
import { BOOLEAN } from '../json-schema.js';
import { formatValue, specInvalid } from '../values.js';
import { state } from './forms.js';

/** Hyper-V enlightenments that make Windows a good guest. libvirt: `<hyperv>`. All of it is guest ABI. */
export interface HypervSpec {
  /** `passthrough`: all that the host's KVM has, which cannot migrate. `host-model` since libvirt 11.9.0. Default `custom`. */
  readonly mode?: 'custom' | 'passthrough' | 'host-model' | undefined;
  readonly relaxed?: boolean | undefined;
  readonly vapic?: boolean | undefined;
  /** Retries before the guest tells the host, from 4095; `false` for off. */
  readonly spinlocks?: number | false | undefined;
  readonly vpindex?: boolean | undefined;
  readonly runtime?: boolean | undefined;
  /** Needs `vpindex`. */
  readonly synic?: boolean | undefined;
  /** Needs `synic` and the timer `hypervclock`. `direct` since libvirt 5.7.0. */
  readonly stimer?: boolean | { readonly direct: boolean } | undefined;
  readonly reset?: boolean | undefined;
  /** Vendor that the guest sees, 12 characters at most; `false` for QEMU's own. */
  readonly vendorId?: string | false | undefined;
  readonly frequencies?: boolean | undefined;
  readonly reenlightenment?: boolean | undefined;
  /** Needs `vpindex`. `direct` and `extended` since libvirt 11.0.0. */
  readonly tlbflush?:
    | boolean
    | { readonly direct?: boolean | undefined; readonly extended?: boolean | undefined }
    | undefined;
  /** Needs `vpindex`. */
  readonly ipi?: boolean | undefined;
  /** For Hyper-V inside the guest, on Intel only. */
  readonly evmcs?: boolean | undefined;
  readonly avic?: boolean | undefined;
  /** libvirt 10.7.0 */
  readonly emsrBitmap?: boolean | undefined;
  /** libvirt 10.7.0 */
  readonly xmmInput?: boolean | undefined;
}

const at = (name: string) => `features/hyperv/${name}`;

/** An enlightenment that is on, with a value, or off. */
function valued<T>(name: string, value: Field<T>): Field<T | false> {
  const on = state(at(name));
  return {
    paths: [...on.paths, ...value.paths],
    schema: { anyOf: [{ const: false }, value.schema] },
    encode: (given, where) =>
      given === false ? on.encode(false, where) : [...on.encode(true, where), ...value.encode(given, where)],
    decode: (leaves) => (on.decode(leaves) === false ? false : value.decode(leaves)),
  };
}

/** An enlightenment that is on or off, and when on may have more. */
function extended<More extends object>(name: string, table: FieldTable<More>): Field<boolean | More> {
  const on = state(at(name));
  const more = group<More>(table);
  return {
    paths: [...on.paths, ...more.paths],
    schema: { anyOf: [BOOLEAN, more.schema] },
    encode(given, where) {
      if (typeof given === 'boolean') return on.encode(given, where);
      if (typeof given !== 'object' || given === null)
        throw specInvalid(where, `${formatValue(given)} is not true, false or an object`);
      return [...on.encode(true, where), ...more.encode(given, where)];
    },
    decode: (leaves) => more.decode(leaves) ?? on.decode(leaves),
  };
}

/** `<hyperv>`. */
export const hyperv: Field<HypervSpec> = group<HypervSpec>({
  mode: oneOf('features/hyperv/@mode', ['custom', 'passthrough', 'host-model']),
  relaxed: state(at('relaxed')),
  vapic: state(at('vapic')),
  spinlocks: valued('spinlocks', integer(`${at('spinlocks')}/@retries`, { min: 4095 })),
  vpindex: state(at('vpindex')),
  runtime: state(at('runtime')),
  synic: state(at('synic')),
  stimer: extended<{ direct: boolean }>('stimer', { direct: state(at('stimer/direct')) }),
  reset: state(at('reset')),
  vendorId: valued(
    'vendor_id',
    text(`${at('vendor_id')}/@value`, { pattern: /^[^,]{1,12}$/, expected: '1 to 12 characters' }),
  ),
  frequencies: state(at('frequencies')),
  reenlightenment: state(at('reenlightenment')),
  tlbflush: extended<{ direct?: boolean; extended?: boolean }>('tlbflush', {
    direct: state(at('tlbflush/direct')),
    extended: state(at('tlbflush/extended')),
  }),
  ipi: state(at('ipi')),
  evmcs: state(at('evmcs')),
  avic: state(at('avic')),
  emsrBitmap: state(at('emsr_bitmap')),
  xmmInput: state(at('xmm_input')),
});

/** What Microsoft and KubeVirt want for Windows 10, 11 and Server 2019 to 2025. Needs KVM. */
export const HYPERV_RECOMMENDED: HypervSpec = {
  relaxed: true,
  vapic: true,
  spinlocks: 8191,
  vpindex: true,
  runtime: true,
  synic: true,
  stimer: { direct: true },
  reset: true,
  frequencies: true,
  tlbflush: true,
  ipi: true,
};

/** What of it a guest without KVM can have: QEMU 7.2 does not start with the others. */
export const HYPERV_WITHOUT_KVM: HypervSpec = { relaxed: true, vapic: true, spinlocks: 8191 };
