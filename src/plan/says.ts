import { applies, type Change, type Device, decodeSpec, type Field } from '../domain/index.js';
import { leafChanges, under } from '../xml/index.js';

type Members = Readonly<Record<string, Field<unknown>>>;

/**
 * What a desired device says otherwise than a device of a document; what it does not mention does not count. Fields are
 * compared by meaning (sizes, hex numbers, addresses), whatever no field knows by its text.
 */
export function says(desired: Device, found: Device): Change[] {
  const differing = differingPaths(desired, found);
  if (differing.length === 0) return [];
  const changes = leafChanges(found.leaves, desired.leaves);
  const wanted = changes.filter(
    ({ path, to }) => differing.some((each) => under(path, each)) && (to !== undefined || isListed(desired, path)),
  );
  const given = abandoned(desired, found);
  return [...wanted, ...changes.filter(({ path, to }) => to === undefined && given.some((each) => under(path, each)))];
}

/** True for a value that libvirt fills in while the guest runs. */
export function runtimeValue(running: Device, path: string): boolean {
  return running.kind.liveOnly.some((row) => under(path, row.path) && applies(row.where, running.leaves));
}

/** The paths of alternatives that go because the desired device has another of the same group: a file for a block device. */
function abandoned(desired: Device, found: Device): string[] {
  const fields = desired.kind.fields as unknown as Members;
  const groups = (desired.kind.exclusive ?? []) as readonly string[][];
  if (groups.length === 0) return [];
  const [wanted, there] = [desired, found].map(({ leaves }) => decodeSpec(desired.kind.fields, leaves)) as [
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
function isListed(desired: Device, path: string): boolean {
  return (
    path.includes('[') && [...desired.leaves.keys()].some((each) => under(path, each.split('/').slice(0, 1).join('/')))
  );
}

/** The paths, of fields or leaves, that the two tell differently. */
function differingPaths(desired: Device, found: Device): string[] {
  const fields = desired.kind.fields as unknown as Members;
  const known = allPaths(fields);
  const paths = differingFields(
    fields,
    decodeSpec(desired.kind.fields, desired.leaves),
    decodeSpec(desired.kind.fields, found.leaves),
  );
  for (const [path, value] of desired.leaves) {
    if (known.some((each) => under(path, each)) || same(value, found.leaves.get(path))) continue;
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

function allPaths(fields: Members): string[] {
  return Object.values(fields).flatMap((field) => field.paths);
}

function equal(a: unknown, b: unknown): boolean {
  if (typeof a === 'string' && typeof b === 'string') return same(a, b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  if (Array.isArray(a) && (!Array.isArray(b) || a.length !== b.length)) return false;
  return Object.keys(x).every((key) => equal(x[key], y[key]));
}

/** libvirt writes hex digits, MACs and UUIDs in lower case, and numbers its own way. */
function same(a: string, b: string | undefined): boolean {
  if (b === undefined) return false;
  if (a.trim() === b.trim() || a.toLowerCase() === b.toLowerCase()) return true;
  return a.trim() !== '' && b.trim() !== '' && Number(a) === Number(b);
}
