import { LibvirtCanonicalError } from '../errors.js';
import { describe, invalid } from './values.js';

/** The error for a field that a request must not have: `SPEC_UNKNOWN_FIELD` at its path, with the nearest name there is. */
export function unknownField(path: string, key: string, known: readonly string[]): LibvirtCanonicalError {
  const nearest = nearestName(key, known);
  const hint = nearest === undefined ? '' : `Did you mean ${nearest}? `;
  return new LibvirtCanonicalError('SPEC_UNKNOWN_FIELD', `${path}: there is no such field`, {
    path,
    remedy: `${hint}Known here: ${known.join(', ')}`,
  });
}

/** Refuses a value that is not an object, and fields that are not among those known. */
export function refuseUnknownFields(value: object, known: readonly string[], where: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(where || 'the definition', `${describe(value)} is not an object of fields`);
  for (const key of Object.keys(value))
    if (!known.includes(key)) throw unknownField(where ? `${where}.${key}` : key, key, known);
}

/** The name that takes the fewest edits to reach, upper and lower case aside; undefined when none is near. */
export function nearestName(key: string, known: readonly string[]): string | undefined {
  const lengths = (name: string) => Math.abs(name.length - key.length);
  const ranked = known
    .map((name) => ({ name, edits: distance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits || lengths(a.name) - lengths(b.name));
  const [best] = ranked;
  return best && best.edits <= Math.max(1, Math.floor(key.length / 3)) ? best.name : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours from one text to the other. */
function distance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    const above = rows[i - 1] as number[];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row[j] = Math.min(
        (above[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (above[j - 1] as number) + (same ? 0 : 1),
        swapped ? (rows[i - 2]?.[j - 2] as number) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    rows.push(row);
  }
  return rows[from.length]?.[to.length] as number;
}
