import {
  applies,
  type Change,
  DEVICE_NORMAL,
  type Device,
  type DeviceKind,
  decodeSpec,
  type Field,
  inOrderOf,
  isLiveOnly,
  NOTHING_SAID,
  type NormalizationRule,
  normalize,
  sameAt,
  sameText,
} from '../domain/index.js';
import { type Leaves, leafChanges, under } from '../xml/index.js';

type Members = Readonly<Record<string, Field<unknown>>>;

/**
 * What a desired device says otherwise than a device of a document; what it does not mention does not count, nor does
 * what libvirt writes in other words. Fields are compared by meaning (sizes, hex numbers, addresses), whatever no field
 * knows by its text.
 */
export function differences(desired: Device, found: Device): Change[] {
  const { kind } = found;
  const ordered = inOrderOf(desired.leaves, found.leaves, kind.unordered ?? []);
  const asked = normalize(ordered, found.leaves, rowsOf(kind));
  const differing = differingPaths(found.kind, asked, found.leaves);
  if (differing.length === 0) return [];
  const changes = leafChanges(found.leaves, asked);
  const wanted = changes.filter(
    ({ path, to }) => differing.some((each) => under(path, each)) && (to !== undefined || isListed(asked, path)),
  );
  const given = abandoned(found.kind, asked, found.leaves);
  return [...wanted, ...changes.filter(({ path, to }) => to === undefined && given.some((each) => under(path, each)))];
}

/** A name that libvirt gives to each device of a running domain. */
const OWN_ALIAS: NormalizationRule = {
  path: 'alias',
  asked: /^(?!ua-)/,
  there: 'any',
  source: 'qemuAssignDeviceAliases',
};

const ROWS = new WeakMap<DeviceKind, readonly NormalizationRule[]>();

/** What a kind writes otherwise than asked; what only a running guest has is not asked for by one who copied it. */
function rowsOf(kind: DeviceKind): readonly NormalizationRule[] {
  const known = ROWS.get(kind);
  if (known) return known;
  const running = kind.liveOnly
    .filter(({ persistable }) => !persistable)
    .map(
      ({ path, where }): NormalizationRule => ({ path, ...(where && { where }), there: 'nothing', source: 'liveOnly' }),
    );
  const rows = [...(kind.normal ?? []), ...DEVICE_NORMAL, NOTHING_SAID, OWN_ALIAS, ...running];
  ROWS.set(kind, rows);
  return rows;
}

/** True for a difference that a running guest makes: a value that libvirt fills in, or one that it leaves out. */
export function isRunningState(running: Device, { path, from }: Change): boolean {
  if (isLiveOnly(running, path)) return true;
  const rows = from === undefined ? (running.kind.coldOnly ?? []) : [];
  return rows.some((row) => under(path, row.path) && applies(row.where, running.leaves));
}

/** The paths of alternatives that go because the desired device has another of the same group: a file for a block device. */
function abandoned(kind: DeviceKind, asked: Leaves, stands: Leaves): string[] {
  const fields = kind.fields as unknown as Members;
  const groups = (kind.exclusive ?? []) as readonly string[][];
  if (groups.length === 0) return [];
  const [wanted, there] = [asked, stands].map((leaves) => decodeSpec(kind.fields, leaves)) as [
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  return groups.flatMap((group) => {
    if (!group.some((key) => key in wanted)) return [];
    const kept = new Set(group.filter((key) => key in wanted).flatMap((key) => fields[key]?.paths ?? []));
    return group
      .filter((key) => key in there && !(key in wanted))
      .flatMap((key) => fields[key]?.paths ?? [])
      .filter((path) => !kept.has(path));
  });
}

/** True when the desired device mentions the list that the path lies in, so that a missing item is one taken away. */
function isListed(asked: Leaves, path: string): boolean {
  return path.includes('[') && [...asked.keys()].some((each) => under(path, each.split('/').slice(0, 1).join('/')));
}

/** The paths, of fields or leaves, that the two tell differently. */
function differingPaths({ fields }: DeviceKind, asked: Leaves, there: Leaves): string[] {
  const members = fields as unknown as Members;
  const paths = differingFields(members, decodeSpec(fields, asked), decodeSpec(fields, there));
  for (const path of asked.keys()) {
    if (sameAt(path, asked, there) || isRead(members, path, asked)) continue;
    paths.push(path);
  }
  return paths;
}

function differingFields(
  fields: Members,
  desired: Readonly<Record<string, unknown>>,
  found: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(desired).flatMap(([key, value]) => {
    const field = fields[key];
    const other = found[key];
    if (!field || equal(value, other)) return [];
    if (!field.members) return [...field.paths];
    return differingFields(field.members, value as Record<string, unknown>, (other ?? {}) as Record<string, unknown>);
  });
}

/** True when a field reads what stands at the path, and so has compared it: it would write it again. */
function isRead(fields: Members, path: string, leaves: Leaves): boolean {
  return Object.entries(fields).some(([key, field]) => {
    if (!field.paths.some((each) => under(path, each))) return false;
    const value = field.decode(leaves);
    try {
      return value !== undefined && field.encode(value, key).some(([each]) => each === path);
    } catch {
      // A value that no spec may have is compared as text.
      return false;
    }
  });
}

function equal(a: unknown, b: unknown): boolean {
  if (typeof a === 'string' && typeof b === 'string') return sameText(a, b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  if (Array.isArray(a) && (!Array.isArray(b) || a.length !== b.length)) return false;
  return Object.keys(x).every((key) => equal(x[key], y[key]));
}
