import {
  decodeSpec,
  encodeSpec,
  type Field,
  type FieldTable,
  flag,
  group,
  integer,
  itemsAt,
  list,
  nth,
  oneOf,
  schemasOf,
  size,
} from '../devices/fields.js';
import { object } from '../json-schema.js';
import { formatValue, type Size, specInvalid } from '../values.js';
import { numberKey, numberSet, record } from './forms.js';

/** A NUMA cell of the guest. Its number is its place in the list. libvirt: `<cell>`. */
export interface NumaCellSpec {
  /** vCPUs of the cell, such as `'0-3'`. A cell may have none. */
  readonly cpus?: string | undefined;
  readonly memory: Size;
  /** Is the memory shared with other processes, as vhost-user needs. */
  readonly memAccess?: 'shared' | 'private' | undefined;
  /** Give memory back to the host when the guest stops. libvirt 4.4.0 */
  readonly discard?: boolean | undefined;
  /** Distance to other cells by their number, such as `{ 0: 10, 1: 21 }`. */
  readonly distances?: Readonly<Record<number, number>> | undefined;
  /** Caches at memory's side. libvirt 6.6.0 */
  readonly caches?:
    | ReadonlyArray<{
        readonly level: number;
        readonly associativity: 'none' | 'direct' | 'full';
        readonly policy: 'none' | 'writeback' | 'writethrough';
        readonly size: Size;
        readonly line: Size;
      }>
    | undefined;
}

/** What it costs to reach memory of a cell. libvirt: `<interconnects>`. */
export interface NumaInterconnectsSpec {
  readonly latencies?: ReadonlyArray<NumaPathSpec & { /** Nanoseconds. */ readonly value: number }> | undefined;
  readonly bandwidths?: ReadonlyArray<NumaPathSpec & { /** For each second. */ readonly value: Size }> | undefined;
}

/** From a cell to the memory, or a cache, of another. */
export interface NumaPathSpec {
  readonly initiator: number;
  readonly target: number;
  readonly cache?: number | undefined;
  readonly type: 'access' | 'read' | 'write';
}

type Cache = NonNullable<NumaCellSpec['caches']>[number];
const CELL: FieldTable<NumaCellSpec> = {
  cpus: numberSet('@cpus', 'a set of vCPUs'),
  memory: size('@memory', { unitPath: '@unit', fallback: 'KiB' }),
  memAccess: oneOf('@memAccess', ['shared', 'private']),
  discard: flag('@discard'),
  distances: record(
    'distances/sibling',
    '@id',
    integer('@value', { min: 10, max: 255 }),
    numberKey('a NUMA cell'),
  ) as Field<Readonly<Record<number, number>>>,
  caches: list<Cache>('cache', {
    level: integer('@level', { min: 1 }),
    associativity: oneOf('@associativity', ['none', 'direct', 'full']),
    policy: oneOf('@policy', ['none', 'writeback', 'writethrough']),
    size: size('size/@value', { unitPath: 'size/@unit', fallback: 'KiB' }),
    line: size('line/@value', { unitPath: 'line/@unit', fallback: 'KiB' }),
  }),
};

/** Cells by their order: each is written with its number. */
export function numaCells(path: string): Field<readonly NumaCellSpec[]> {
  const items = CELL as unknown as Record<string, Field<unknown>>;
  return {
    paths: [path],
    items: { ...items, id: integer('@id') as Field<unknown> },
    schema: { type: 'array', minItems: 1, items: object(schemasOf(items), ['memory']) },
    encode(values, where) {
      if (!Array.isArray(values) || values.length === 0)
        throw specInvalid(where, `${formatValue(values)} is not a list of NUMA cells`);
      return values.flatMap((cell, index) => {
        const at = `${where}[${index}]`;
        const assignments = encodeSpec(CELL, cell, at);
        if (cell.memory === undefined) throw specInvalid(`${at}.memory`, 'is missing', 'Every NUMA cell has memory');
        return [['@id', String(index)] as const, ...assignments].map(
          ([leaf, value]) => [`${nth(path, index)}/${leaf}`, value] as const,
        );
      });
    },
    decode(leaves) {
      const cells = itemsAt(leaves, path);
      if (cells.length === 0) return undefined;
      const numbered = cells.map((cell, index) => ({ cell, id: Number(cell.get('@id') ?? index) }));
      return numbered.sort((a, b) => a.id - b.id).map(({ cell }) => decodeSpec(CELL, cell) as NumaCellSpec);
    },
  };
}

const PATH: FieldTable<NumaPathSpec> = {
  initiator: integer('@initiator'),
  target: integer('@target'),
  cache: integer('@cache'),
  type: oneOf('@type', ['access', 'read', 'write']),
};

/** Latencies and bandwidths between cells. */
export function numaInterconnects(path: string): Field<NumaInterconnectsSpec> {
  return group<NumaInterconnectsSpec>({
    latencies: list(`${path}/latency`, { ...PATH, value: integer('@value') }),
    bandwidths: list(`${path}/bandwidth`, {
      ...PATH,
      value: size('@value', { unitPath: '@unit', fallback: 'KiB' }),
    }),
  });
}
