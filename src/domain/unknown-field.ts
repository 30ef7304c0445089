import { LibvirtCanonicalError } from '../errors.js';
import { meant } from '../nearest.js';
import { formatValue, specInvalid } from './values.js';

/** The error for a field that a request must not have: `SPEC_UNKNOWN_FIELD` at its path, with the nearest name there is. */
export function unknownField(path: string, key: string, known: readonly string[]): LibvirtCanonicalError {
  return new LibvirtCanonicalError('SPEC_UNKNOWN_FIELD', `${path}: there is no such field`, {
    path,
    remedy: `${meant(key, known)}Known here: ${known.join(', ')}`,
  });
}

/** Refuses a value that is not an object, and fields that are not among those known; `whole` is what it is called at the top. */
export function assertKnownFields(
  value: object,
  known: readonly string[],
  where: string,
  whole = 'the definition',
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw specInvalid(where || whole, `${formatValue(value)} is not an object of fields`);
  for (const key of Object.keys(value))
    if (!known.includes(key)) throw unknownField(where ? `${where}.${key}` : key, key, known);
}
