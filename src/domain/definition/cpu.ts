import {
  type Assignment,
  decodeSpec,
  encodeSpec,
  type Field,
  type FieldTable,
  flag,
  group,
  integer,
  oneOf,
  schemasOf,
  text,
} from '../devices/fields.js';
import { object } from '../json-schema.js';
import { formatValue, specInvalid } from '../values.js';
import { record, textKey } from './forms.js';
import { type NumaCellSpec, type NumaInterconnectsSpec, numaCells, numaInterconnects } from './numa.js';

const MODES = ['host-model', 'host-passthrough', 'maximum', 'custom'] as const;
const POLICIES = ['force', 'require', 'optional', 'disable', 'forbid'] as const;

/** What becomes of a CPU feature. */
export type CpuFeaturePolicy = (typeof POLICIES)[number];

/** A host for {@link CpuSpec.baseline}: its Connection, or the DomainManager of it. */
export type CpuHost = { readonly uri: string } | { readonly connection: { readonly uri: string } };

/** The guest's CPU. libvirt: `<cpu>`. All of it is fixed at define. */
export interface CpuSpec {
  /**
   * `host-model` is expanded at define and pinned as a custom model, since libvirt would expand it again at each start.
   * `host-passthrough` needs KVM. Default with a `model`: `custom`.
   */
  readonly mode?: (typeof MODES)[number] | undefined;
  /** `never` leaves `host-model` to libvirt, which expands it at each start. */
  readonly pin?: 'never' | undefined;
  /**
   * Hosts that the domain is to run on, beside the one that defines it: it gets the best CPU that all of them can run, as
   * `baselineCpu` finds it. In place of `mode` and `model`; `features` that are named stand as they are. Of `define` and
   * `planDefine` alone.
   */
  readonly baseline?: readonly CpuHost[] | undefined;
  /** Name of a model, for mode `custom`. */
  readonly model?: string | undefined;
  /** May libvirt choose a lesser model. Default of a custom model `forbid`. */
  readonly fallback?: 'allow' | 'forbid' | undefined;
  /** Vendor that the guest sees, 12 characters. */
  readonly vendorId?: string | undefined;
  /** Vendor that the host's CPU must have. */
  readonly vendor?: string | undefined;
  /** Default of a custom model `exact`. `minimum` is as changeable as an unpinned host model. */
  readonly match?: 'exact' | 'strict' | 'minimum' | undefined;
  /** Default of a custom model `partial`: a host that lacks a feature refuses the start. */
  readonly check?: 'none' | 'partial' | 'full' | undefined;
  /** Of `host-passthrough` and `maximum`: leave out what cannot migrate. libvirt 6.5.0 */
  readonly migratable?: boolean | undefined;
  /** Policy by name of the feature, such as `{ vmx: 'require' }`. */
  readonly features?: Readonly<Record<string, CpuFeaturePolicy>> | undefined;
  /** How the vCPUs look to the guest. Their product is the maximum of vCPUs, and can never be changed. */
  readonly topology?:
    | {
        readonly sockets: number;
        readonly dies?: number | undefined;
        /** libvirt 10.1.0 */
        readonly clusters?: number | undefined;
        readonly cores: number;
        readonly threads: number;
      }
    | undefined;
  /** Cache that the guest sees. `passthrough` needs the CPU of the host. */
  readonly cache?:
    | { readonly mode: 'emulate' | 'passthrough' | 'disable'; readonly level?: number | undefined }
    | undefined;
  /** Bits of a physical address. libvirt 8.7.0 */
  readonly maxphysaddr?:
    | {
        readonly mode: 'emulate' | 'passthrough';
        readonly bits?: number | undefined;
        /** Of `passthrough`: not more than these. libvirt 9.3.0 */
        readonly limit?: number | undefined;
      }
    | undefined;
  /** NUMA cells of the guest, by their order. Their memory makes up the domain's. */
  readonly numa?: readonly NumaCellSpec[] | undefined;
  /** Latencies and bandwidths between cells (HMAT). libvirt 6.6.0 */
  readonly interconnects?: NumaInterconnectsSpec | undefined;
}

const TOPOLOGY = group<NonNullable<CpuSpec['topology']>>({
  sockets: integer('cpu/topology/@sockets', { min: 1 }),
  dies: integer('cpu/topology/@dies', { min: 1 }),
  clusters: integer('cpu/topology/@clusters', { min: 1 }),
  cores: integer('cpu/topology/@cores', { min: 1 }),
  threads: integer('cpu/topology/@threads', { min: 1 }),
});
const OF_EVERY_TOPOLOGY = ['sockets', 'cores', 'threads'] as const;
const NAME = /^[\w.-]+$/;

/** Everything but `pin` and `baseline`, which are this library's own. */
const TABLE: FieldTable<Omit<CpuSpec, 'pin' | 'baseline'>> = {
  mode: oneOf('cpu/@mode', MODES),
  model: text('cpu/model', { pattern: NAME, expected: "a model's name" }),
  fallback: oneOf('cpu/model/@fallback', ['allow', 'forbid']),
  vendorId: text('cpu/model/@vendor_id', { pattern: /^[^,]{12}$/, expected: '12 characters without a comma' }),
  vendor: text('cpu/vendor'),
  match: oneOf('cpu/@match', ['exact', 'strict', 'minimum']),
  check: oneOf('cpu/@check', ['none', 'partial', 'full']),
  migratable: flag('cpu/@migratable', 'on', 'off'),
  features: record('cpu/feature', '@name', policy(), textKey(NAME, 'the name of a CPU feature')),
  topology: { ...TOPOLOGY, schema: { ...TOPOLOGY.schema, required: OF_EVERY_TOPOLOGY } },
  cache: group<NonNullable<CpuSpec['cache']>>({
    mode: oneOf('cpu/cache/@mode', ['emulate', 'passthrough', 'disable']),
    level: integer('cpu/cache/@level', { min: 1, max: 3 }),
  }),
  maxphysaddr: group<NonNullable<CpuSpec['maxphysaddr']>>({
    mode: oneOf('cpu/maxphysaddr/@mode', ['emulate', 'passthrough']),
    bits: integer('cpu/maxphysaddr/@bits', { min: 1, max: 64 }),
    limit: integer('cpu/maxphysaddr/@limit', { min: 1, max: 64 }),
  }),
  numa: numaCells('cpu/numa/cell'),
  interconnects: numaInterconnects('cpu/numa/interconnects'),
};

/** What a custom model says when its spec does not. */
const OF_A_MODEL = { mode: 'custom', match: 'exact', check: 'partial', fallback: 'forbid' } as const;

/** `<cpu>`. A string is a mode or the name of a model. */
export const cpu: Field<string | CpuSpec> = {
  paths: Object.values(TABLE as unknown as Record<string, Field<unknown>>).flatMap(({ paths }) => paths),
  items: TABLE as unknown as Record<string, Field<unknown>>,
  schema: {
    anyOf: [
      { type: 'string', pattern: NAME.source, description: `A mode (${MODES.join(', ')}), or the name of a model` },
      object({
        ...schemasOf(TABLE as unknown as Record<string, Field<unknown>>),
        pin: { const: 'never', description: 'Leave host-model to libvirt, which expands it at each start' },
      }),
    ],
  },
  encode(value, where) {
    const { pin, ...spec } = withoutBaseline(cpuSpec(value, where), where);
    if (pin !== undefined && pin !== 'never') throw specInvalid(`${where}.pin`, `${formatValue(pin)} is not 'never'`);
    const complete = spec.model === undefined ? spec : { ...OF_A_MODEL, ...spec };
    if (spec.model !== undefined && complete.mode !== 'custom')
      throw specInvalid(`${where}.model`, `does not go with mode ${complete.mode}`, 'Leave one of them out');
    const { topology } = complete;
    for (const key of OF_EVERY_TOPOLOGY)
      if (topology && topology[key] === undefined) throw specInvalid(`${where}.topology.${key}`, 'is missing');
    return encodeSpec(TABLE, complete, where);
  },
  decode(leaves) {
    const spec = decodeSpec(TABLE, leaves);
    return Object.keys(spec).length > 0 ? spec : undefined;
  },
};

/** A CPU as an object: what a word stands for. */
export function cpuSpec(value: string | CpuSpec, where: string): CpuSpec {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  if (typeof value !== 'string')
    throw specInvalid(where, `${formatValue(value)} is not a CPU`, "Give 'host-model' or an object");
  const mode = MODES.find((each) => each === value);
  if (mode !== undefined) return { mode };
  if (!NAME.test(value))
    throw specInvalid(where, `${formatValue(value)} is not a CPU`, "Give 'host-model' or a model's name");
  return { model: value };
}

/** What a caller says of the CPU, without what `define` writes beside it. */
export function saidCpu(value: string | CpuSpec, where: string): Assignment[] {
  const { pin, ...spec } = withoutBaseline(cpuSpec(value, where), where);
  return encodeSpec(TABLE, spec, where);
}

/** A CPU whose baseline has been put in its place: the hosts are asked at define alone. */
function withoutBaseline({ baseline, ...spec }: CpuSpec, where: string): Omit<CpuSpec, 'baseline'> {
  if (baseline === undefined) return spec;
  throw specInvalid(
    `${where}.baseline`,
    'is asked of the hosts when a domain is defined',
    'Give the CPU that baselineCpu finds',
  );
}

/** The policy of a feature; without one it is required. */
function policy(): Field<CpuFeaturePolicy> {
  const field = oneOf('@policy', POLICIES);
  return { ...field, decode: (leaves) => (leaves.has('@policy') ? field.decode(leaves) : 'require') };
}
