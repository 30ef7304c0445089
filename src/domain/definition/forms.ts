import { assertXmlText } from '../../xml/index.js';
import { type Assignment, below, type Field, flag, itemsAt, nth } from '../devices/fields.js';
import { byName, CPUSET, type JsonSchema, wholeNumber } from '../json-schema.js';
import { numbersOf, setText } from '../settings/cpuset.js';
import { formatValue, notOneOf, specInvalid } from '../values.js';

/** `<name state='on'/>`. */
export const state = (path: string): Field<boolean> => flag(`${path}/@state`, 'on', 'off');

/** A set of numbers such as `'0-3,8'`, kept in libvirt's writing. */
export function numberSet(path: string, what: string): Field<string> {
  return {
    paths: [path],
    schema: CPUSET,
    encode: (value, where) => [[path, setText(numbersOf(value, where, what))]],
    decode: (leaves) => leaves.get(path),
  };
}

/** A whole number of any sign, in decimal. */
export function signed(path: string): Field<number> {
  return {
    paths: [path],
    schema: { type: 'integer' },
    encode(value, where) {
      if (!Number.isSafeInteger(value)) throw specInvalid(where, `${formatValue(value)} is not a whole number`);
      return [[path, String(value)]];
    },
    decode(leaves) {
      const value = leaves.get(path);
      return value === undefined ? undefined : Number(value);
    },
  };
}

/** A number that libvirt writes in hexadecimal, of 64 bits at most. */
export function hex(path: string): Field<number | bigint> {
  return {
    paths: [path],
    schema: { ...wholeNumber(0), description: 'A number of at most 64 bits' },
    encode(value, where) {
      const whole = typeof value === 'bigint' || Number.isSafeInteger(value);
      if (!whole || value < 0 || BigInt(value) >= 2n ** 64n)
        throw specInvalid(where, `${formatValue(value)} is not a whole number of at most 64 bits`);
      return [[path, `0x${value.toString(16).padStart(4, '0')}`]];
    },
    decode(leaves) {
      const text = leaves.get(path);
      if (text === undefined || !/^\s*(0x[0-9a-f]+|\d+)\s*$/i.test(text)) return undefined;
      const value = BigInt(text.trim());
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
    },
  };
}

/** What the keys of a {@link record} are. */
export interface KeyForm {
  /** The key as it is written; refuses a bad one naming `where`. */
  written(key: string, where: string): string;
  readonly schema: JsonSchema;
}

/** A key that is one of a closed list of words. */
export function wordKey(words: readonly string[]): KeyForm {
  return {
    schema: { enum: words },
    written(key, where) {
      if (!words.includes(key)) throw notOneOf(where, key, words);
      return key;
    },
  };
}

/** A key that is a number from `min` up. */
export function numberKey(what: string, min: 0 | 1 = 0): KeyForm {
  const pattern = min === 0 ? /^(0|[1-9]\d{0,8})$/ : /^[1-9]\d{0,8}$/;
  return {
    schema: { pattern: pattern.source },
    written(key, where) {
      if (!pattern.test(key))
        throw specInvalid(where, `${formatValue(key)} is not the number of ${what}`, `Numbers go from ${min} up`);
      return key;
    },
  };
}

/** A key that is a text of a certain form. */
export function textKey(pattern: RegExp, what: string): KeyForm {
  return {
    schema: { pattern: pattern.source },
    written(key, where) {
      if (!pattern.test(key)) throw specInvalid(where, `${formatValue(key)} is not ${what}`);
      return key;
    },
  };
}

/** Like elements as an object: `path` is the repeated child, `key` the attribute that tells them apart, `value` what each holds. */
export function record<V>(
  path: string,
  key: string,
  value: Field<V>,
  keyForm: KeyForm,
): Field<Readonly<Record<string, V>>> {
  return {
    paths: [key, ...value.paths].map((leaf) => (leaf === '' ? path : `${path}/${leaf}`)),
    schema: byName(value.schema, keyForm.schema),
    encode(values, where) {
      if (typeof values !== 'object' || values === null || Array.isArray(values))
        throw specInvalid(where, `${formatValue(values)} is not an object`);
      return Object.entries(values)
        .filter(([, each]) => each !== undefined)
        .flatMap(([name, each], index) => {
          const at = `${where}.${name}`;
          const assignments: Assignment[] = [[key, keyForm.written(name, at)], ...value.encode(each, at)];
          return assignments.map((assignment) => below(nth(path, index), assignment));
        });
    },
    decode(leaves) {
      const found: Array<readonly [string, V]> = [];
      for (const item of itemsAt(leaves, path)) {
        const name = item.get(key);
        const read = value.decode(item);
        if (name !== undefined && read !== undefined) found.push([name, read]);
      }
      return found.length > 0 ? Object.fromEntries(found) : undefined;
    },
  };
}

/** Texts of like elements. `leaf` is the attribute that holds each, or `''` for the element's own text. */
export function texts(path: string, leaf = ''): Field<readonly string[]> {
  return {
    paths: [leaf === '' ? path : `${path}/${leaf}`],
    schema: { type: 'array', items: { type: 'string' } },
    encode(values, where) {
      if (!Array.isArray(values)) throw specInvalid(where, `${formatValue(values)} is not a list`);
      return values.map((value, index) => {
        const at = `${where}[${index}]`;
        if (typeof value !== 'string') throw specInvalid(at, `${formatValue(value)} is not a text`);
        assertXmlText(value, at, leaf === '' ? 'element' : 'attribute');
        return below(nth(path, index), [leaf, value]);
      });
    },
    decode(leaves) {
      const found = itemsAt(leaves, path).flatMap((item) => item.get(leaf) ?? []);
      return found.length > 0 ? found : undefined;
    },
  };
}
