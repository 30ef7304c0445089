import { formatValue, specInvalid } from '../values.js';

/** A value that JSON has. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * How the volume of a disk was connected, in the caller's own words: driver, portal, host path, by whom. It stands in the
 * domain's document for everybody who may read that, so it must hold no secret; keys that say they are one are refused.
 *
 * @example { driver: 'iscsi', portal: '192.0.2.7:3260', iqn: 'iqn.2016-09.example:data', attachedBy: 'compute-3' }
 */
export type StorageRecord = { readonly [key: string]: JsonValue };

/** Records by id or target of the disk; `null` removes one. A disk that is not named keeps its own. */
export type StorageRequest = Readonly<Record<string, StorageRecord | null>>;

/** Bytes of one record. A domain's document is read and written whole each time. */
const LARGEST = 65_536;
const DEEPEST = 32;
/** Names of values that are secrets. A reference to one (`secret_uuid`, `token_id`) is none. */
const SECRET = /(pass(word|wd|phrase)|secret|token|private[-_]?key|credential|api[-_]?key)s?$/i;

/** A record as text in one form always, ASCII alone; `SPEC_INVALID` naming the path of what no record can hold. */
export function recordJson(record: unknown, path: string): string {
  if (typeof record !== 'object' || record === null || Array.isArray(record))
    throw specInvalid(path, `${formatValue(record)} is not a record`, 'Give an object, or null to remove it');
  const json = JSON.stringify(plain(record, path, 0)).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  if (json.length > LARGEST)
    throw specInvalid(
      path,
      `the record has ${json.length} bytes`,
      `Keep it within ${LARGEST}: it stands in the document`,
    );
  return json;
}

function plain(value: unknown, path: string, depth: number): JsonValue {
  if (depth > DEEPEST) throw specInvalid(path, `it is more than ${DEEPEST} levels deep`);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((each, index) => plain(each, `${path}[${index}]`, depth + 1));
  if (typeof value !== 'object' || ![Object.prototype, null].includes(Object.getPrototypeOf(value)))
    throw specInvalid(
      path,
      `${formatValue(value)} is no JSON`,
      'Give texts, finite numbers, booleans, null, lists and objects',
    );
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => {
        if (SECRET.test(key) && typeof each === 'string' && each !== '')
          throw specInvalid(
            `${path}.${key}`,
            'it looks like a secret, and everybody who may read the domain can read the record',
            'Keep it in a libvirt secret or a key store, and put its name here',
          );
        return [key, plain(each, `${path}.${key}`, depth + 1)];
      }),
  );
}
