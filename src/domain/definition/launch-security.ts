import { type Field, type FieldTable, flag, integer, schemasOf, text, whole } from '../devices/fields.js';
import { object } from '../json-schema.js';
import { formatValue, specInvalid } from '../values.js';
import { hex } from './forms.js';

/** AMD SEV. libvirt 4.4.0 */
export interface SevSpec {
  readonly policy: number | bigint;
  readonly cbitpos?: number | undefined;
  readonly reducedPhysBits?: number | undefined;
  readonly dhCert?: string | undefined;
  readonly session?: string | undefined;
  /** libvirt 8.0.0 */
  readonly kernelHashes?: boolean | undefined;
}

/** AMD SEV-SNP. libvirt 10.5.0 */
export interface SevSnpSpec {
  readonly policy: number | bigint;
  readonly cbitpos?: number | undefined;
  readonly reducedPhysBits?: number | undefined;
  readonly guestVisibleWorkarounds?: string | undefined;
  readonly idBlock?: string | undefined;
  readonly idAuth?: string | undefined;
  readonly hostData?: string | undefined;
  readonly kernelHashes?: boolean | undefined;
  readonly authorKey?: boolean | undefined;
  readonly vcek?: boolean | undefined;
}

/** Intel TDX. libvirt 11.6.0 */
export interface TdxSpec {
  readonly policy?: number | bigint | undefined;
  readonly mrConfigId?: string | undefined;
  readonly mrOwner?: string | undefined;
  readonly mrOwnerConfig?: string | undefined;
  /** Socket of the service that makes quotes. */
  readonly quoteGenerationSocket?: string | undefined;
}

/** A guest whose memory the host cannot read. libvirt: `<launchSecurity>`. Fixed at define. */
export type LaunchSecuritySpec =
  | { readonly sev: SevSpec }
  | { readonly sevSnp: SevSnpSpec }
  | { readonly tdx: TdxSpec }
  | 's390-pv';

const at = (name: string) => `launchSecurity/${name}`;
const COMMON = {
  policy: hex(at('policy')),
  cbitpos: integer(at('cbitpos')),
  reducedPhysBits: integer(at('reducedPhysBits')),
};
const HASHES = flag('launchSecurity/@kernelHashes');
const SEV: FieldTable<SevSpec> = {
  ...COMMON,
  dhCert: text(at('dhCert')),
  session: text(at('session')),
  kernelHashes: HASHES,
};
const SNP: FieldTable<SevSnpSpec> = {
  ...COMMON,
  guestVisibleWorkarounds: text(at('guestVisibleWorkarounds')),
  idBlock: text(at('idBlock')),
  idAuth: text(at('idAuth')),
  hostData: text(at('hostData')),
  kernelHashes: HASHES,
  authorKey: flag('launchSecurity/@authorKey'),
  vcek: flag('launchSecurity/@vcek'),
};
const TDX: FieldTable<TdxSpec> = {
  policy: hex(at('policy')),
  mrConfigId: text(at('mrConfigId')),
  mrOwner: text(at('mrOwner')),
  mrOwnerConfig: text(at('mrOwnerConfig')),
  quoteGenerationSocket: text(at('quoteGenerationService/@path')),
};

const TYPE = 'launchSecurity/@type';
const KINDS: Readonly<Record<string, Field<object>>> = {
  sev: whole<SevSpec>(SEV, { alongside: [[TYPE, 'sev']], required: ['policy'] }) as unknown as Field<object>,
  sevSnp: whole<SevSnpSpec>(SNP, { alongside: [[TYPE, 'sev-snp']], required: ['policy'] }) as unknown as Field<object>,
  tdx: whole<TdxSpec>(TDX, { alongside: [[TYPE, 'tdx']] }) as unknown as Field<object>,
};

/** `<launchSecurity>`. */
export const launchSecurity: Field<LaunchSecuritySpec> = {
  paths: [TYPE, ...Object.values(KINDS).flatMap(({ paths }) => paths)],
  schema: { anyOf: [{ const: 's390-pv' }, { ...object(schemasOf(KINDS)), minProperties: 1, maxProperties: 1 }] },
  encode(value, where) {
    if (value === 's390-pv') return [[TYPE, value]];
    const [kind, spec] = Object.entries(value ?? {})[0] ?? [];
    const field = KINDS[kind ?? ''];
    if (typeof value !== 'object' || Object.keys(value ?? {}).length !== 1 || !field)
      throw specInvalid(
        where,
        `${formatValue(value)} is not a launch security`,
        `Give one of ${Object.keys(KINDS).join(', ')}, or 's390-pv'`,
      );
    return field.encode(spec as object, `${where}.${kind}`);
  },
  decode(leaves) {
    if (leaves.get(TYPE) === 's390-pv') return 's390-pv';
    for (const [kind, field] of Object.entries(KINDS)) {
      const spec = field.decode(leaves);
      if (spec !== undefined) return { [kind]: spec } as unknown as LaunchSecuritySpec;
    }
    return undefined;
  },
};
