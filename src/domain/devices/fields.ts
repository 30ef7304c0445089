import { assertXmlText, type Leaves, under } from '../../xml/index.js';
import { BOOLEAN, type JsonSchema, object, SIZE, TEXT, UUID, wholeNumber } from '../json-schema.js';
import { addressLeaves, addressOf, addressText, parseAddress } from '../places/address.js';
import { unknownField } from '../unknown-field.js';
import { bytesOf, bytesOfXml, formatValue, macOf, notOneOf, type Size, specInvalid, uuidOf } from '../values.js';

/** One value in an element: a path of {@link Leaves}' form and what stands there. */
export type Assignment = readonly [path: string, value: string];

/** How one field of a spec stands in XML, both ways. */
export interface Field<T> {
  /** The assignments that say `value`; refuses a bad one with `SPEC_INVALID` naming `where` in the request. */
  encode(value: T, where: string): Assignment[];
  /** The value that leaves hold, undefined when they hold none. */
  decode(leaves: Leaves): T | undefined;
  /** The paths that are the field's alone; removing the field removes these and what lies below. */
  readonly paths: readonly string[];
  /** The fields of a group, by key: an update changes those it names and leaves the others. */
  readonly members?: Readonly<Record<string, Field<unknown>>>;
  /** The fields of one item of a list, or of a value that is set whole, by key. */
  readonly items?: Readonly<Record<string, Field<unknown>>>;
  /** What it takes, for editors and other programs. */
  readonly schema: JsonSchema;
  /** All that it may say, when that is a closed list of words. */
  readonly words?: readonly string[];
}

/** A field for every key of a spec: a key without one does not compile. */
export type FieldTable<Spec> = { readonly [K in keyof Required<Spec>]: Field<NonNullable<Spec[K]>> };

/** Text as it stands. `alongside` are constants that come with it and without which the field is not there. */
export function text(
  path: string,
  options: { pattern?: RegExp; expected?: string; alongside?: Assignment } = {},
): Field<string> {
  const { alongside } = options;
  const { pattern } = options;
  return {
    paths: [path],
    schema: { ...TEXT, ...(pattern && pattern.flags === '' ? { pattern: pattern.source } : {}) },
    encode(value, where) {
      // Only its type is shown: a password given as a number is one all the same.
      if (typeof value !== 'string')
        throw specInvalid(
          where,
          `${value === null ? 'null' : `a ${typeof value}`} is not a text`,
          'Give a non-empty string',
        );
      if (value === '') throw specInvalid(where, 'it is empty', 'Give a non-empty string');
      assertXmlText(value, where, /(^|\/)@[^/]*$/.test(path) ? 'attribute' : 'element');
      if (options.pattern && !options.pattern.test(value)) {
        throw specInvalid(
          where,
          `${formatValue(value)} is not valid here`,
          options.expected && `Give ${options.expected}`,
        );
      }
      return alongside ? [alongside, [path, value]] : [[path, value]];
    },
    decode: (leaves) => (alongside && leaves.get(alongside[0]) !== alongside[1] ? undefined : leaves.get(path)),
  };
}

/** One of a closed list of words. */
export function oneOf<const T extends string>(path: string, words: readonly T[]): Field<T> {
  return {
    paths: [path],
    words,
    schema: { enum: words },
    encode(value, where) {
      if (!words.includes(value)) throw notOneOf(where, value, words);
      return [[path, value]];
    },
    // Another word is one that the spec cannot say.
    decode: (leaves) => words.find((word) => word === leaves.get(path)),
  };
}

/** A whole number in decimal. */
export function integer(
  path: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): Field<number> {
  return {
    paths: [path],
    schema: wholeNumber(min, max),
    encode(value, where) {
      if (!Number.isSafeInteger(value) || value < min || value > max) {
        throw specInvalid(
          where,
          `${formatValue(value)} is not a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? ' up' : ` to ${max}`}`,
        );
      }
      return [[path, String(value)]];
    },
    decode: (leaves) => {
      const value = leaves.get(path);
      return value === undefined ? undefined : Number(value);
    },
  };
}

/** A boolean that XML says with two words, `yes` and `no` unless told otherwise. */
export function flag(path: string, yes = 'yes', no = 'no'): Field<boolean> {
  return {
    paths: [path],
    schema: BOOLEAN,
    encode(value, where) {
      if (typeof value !== 'boolean') throw specInvalid(where, `${formatValue(value)} is not true or false`);
      return [[path, value ? yes : no]];
    },
    decode: (leaves) => {
      const value = leaves.get(path);
      return value === undefined ? undefined : value === yes;
    },
  };
}

/** A boolean that XML says by an empty element that is there or not. */
export function present(path: string): Field<boolean> {
  return {
    paths: [path],
    schema: BOOLEAN,
    encode(value, where) {
      if (typeof value !== 'boolean') throw specInvalid(where, `${formatValue(value)} is not true or false`);
      return value ? [[path, '']] : [];
    },
    decode: (leaves) => ([...leaves.keys()].some((leaf) => under(leaf, path)) ? true : undefined),
  };
}

/** A size in bytes; `path` holds the number and `unit`, when given, the attribute that names its unit. */
export function size(path: string, options: { unitPath?: string; fallback?: string } = {}): Field<Size> {
  const { unitPath, fallback = 'B' } = options;
  return {
    paths: unitPath ? [path, unitPath] : [path],
    schema: SIZE,
    encode(value, where) {
      const bytes = bytesOf(value, where);
      if (!unitPath) {
        const unit = bytesOfXml('1', undefined, fallback);
        if (bytes % unit !== 0n) throw specInvalid(where, `${formatValue(value)} is not a multiple of 1 ${fallback}`);
        return [[path, String(bytes / unit)]];
      }
      return bytes % 1024n === 0n
        ? [
            [unitPath, 'KiB'],
            [path, String(bytes / 1024n)],
          ]
        : [
            [unitPath, 'B'],
            [path, String(bytes)],
          ];
    },
    decode: (leaves) => {
      const value = leaves.get(path);
      if (value === undefined) return undefined;
      const bytes = bytesOfXml(value, unitPath && leaves.get(unitPath), fallback);
      return bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : bytes;
    },
  };
}

/** A MAC address, kept in lower case. */
export function mac(path: string): Field<string> {
  return {
    paths: [path],
    schema: { type: 'string', pattern: '^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$' },
    encode: (value, where) => [[path, macOf(value, where)]],
    decode: (leaves) => leaves.get(path),
  };
}

/** A UUID, kept in lower case with hyphens. */
export function uuid(path: string): Field<string> {
  return {
    paths: [path],
    schema: UUID,
    encode: (value, where) => [[path, uuidOf(value, where)]],
    decode: (leaves) => leaves.get(path),
  };
}

/** What the fields of a table take, by key. */
export function schemasOf(fields: Readonly<Record<string, Field<unknown>>>): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema]));
}

/** The place on a bus, in the form that `devices()` shows. */
export function address(): Field<string> {
  return {
    paths: ['address'],
    schema: { ...TEXT, description: "Place on a bus, such as 'pci 0000:05:00.0'" },
    encode: (value, where) => [...addressLeaves(parseAddress(value, where))],
    decode: (leaves) => {
      const found = addressOf(leaves);
      return found && found.type !== 'other' && found.type !== 'isa' ? addressText(found) : undefined;
    },
  };
}

/** The fields that every device has. */
export const deviceFields = { id: userAlias(), address: address() };

/** The fields of a device that a guest can boot from. */
export const bootableFields = { ...deviceFields, boot: integer('boot/@order', { min: 1 }) };

/** Options of a virtio device's driver that the guest can see. libvirt: attributes of `<driver>`. */
export interface VirtioDriverSpec {
  readonly iommu?: boolean | undefined;
  readonly ats?: boolean | undefined;
  readonly packed?: boolean | undefined;
  readonly pagePerVq?: boolean | undefined;
}

/** The fields of {@link VirtioDriverSpec}, to be spread into a kind's `driver` group. */
export const virtioDriverFields = {
  iommu: flag('driver/@iommu', 'on', 'off'),
  ats: flag('driver/@ats', 'on', 'off'),
  packed: flag('driver/@packed', 'on', 'off'),
  pagePerVq: flag('driver/@page_per_vq', 'on', 'off'),
};

/** Paths of the virtio options, which are guest ABI wherever they stand. */
export const VIRTIO_ABI = ['driver/@iommu', 'driver/@ats', 'driver/@packed', 'driver/@page_per_vq'];

/** The user alias: `id: 'root'` stands as `<alias name='ua-root'/>`. */
export function userAlias(): Field<string> {
  return {
    paths: ['alias'],
    schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' },
    encode(value, where) {
      if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(value)) {
        throw specInvalid(
          where,
          `${formatValue(value)} is not a device id`,
          'Use letters, digits, - and _, at most 64',
        );
      }
      return [['alias/@name', `ua-${value}`]];
    },
    decode: (leaves) => userAliasOf(leaves)?.slice(3),
  };
}

/** The alias when a user gave it, `ua-…`; libvirt's own names do not count. */
export function userAliasOf(leaves: Leaves): string | undefined {
  const name = leaves.get('alias/@name');
  return name?.startsWith('ua-') ? name : undefined;
}

/** Several fields under one key of the spec; refuses keys that the table does not know. */
export function group<G extends object>(fields: FieldTable<G>): Field<G> {
  const members = fields as unknown as Record<string, Field<unknown>>;
  return {
    members,
    schema: object(schemasOf(members)),
    paths: Object.values(members).flatMap((field) => field.paths),
    encode: (value, where) => encodeSpec(fields, value, where),
    decode: (leaves) => {
      const spec = decodeSpec(fields, leaves);
      return Object.keys(spec).length > 0 ? (spec as G) : undefined;
    },
  };
}

/** `true`, said by one constant value, which other fields may replace; never `false`. `otherwise`: what to do then. */
export function constant([path, word]: Assignment, otherwise: string): Field<true> {
  return {
    paths: [],
    schema: { const: true },
    encode(value, where) {
      if (value !== true) throw specInvalid(where, 'must be true', otherwise);
      return [[path, word]];
    },
    decode: (leaves) => (leaves.get(path) === word ? true : undefined),
  };
}

/** A time in milliseconds that XML says in whole seconds. `alongside`: a constant that comes with it. */
export function seconds(path: string, alongside?: Assignment): Field<number> {
  return {
    paths: [path],
    schema: { type: 'integer', minimum: 1000, multipleOf: 1000, description: 'Milliseconds, in whole seconds' },
    encode(value, where) {
      if (!Number.isSafeInteger(value) || value < 1000 || value % 1000 !== 0) {
        throw specInvalid(
          where,
          `${formatValue(value)} is not a number of whole seconds`,
          'Give a multiple of 1000 ms',
        );
      }
      return [...(alongside ? [alongside] : []), [path, String(value / 1000)]];
    },
    decode: (leaves) => {
      const value = leaves.get(path);
      return value === undefined ? undefined : Number(value) * 1000;
    },
  };
}

/**
 * Several fields under one key that make sense only together: given whole, and replaced whole by an update. `alongside`
 * are constants that come with them and without which the value is not there; `required` and `exactlyOne` name members.
 */
export function whole<G extends object>(
  fields: FieldTable<G>,
  rules: {
    alongside?: readonly Assignment[];
    required?: ReadonlyArray<keyof G & string>;
    exactlyOne?: ReadonlyArray<keyof G & string>;
  } = {},
): Field<G> {
  const { alongside = [], required = [], exactlyOne = [] } = rules;
  const items = fields as unknown as Record<string, Field<unknown>>;
  return {
    items,
    schema: {
      ...object(schemasOf(items), required),
      ...(exactlyOne.length > 0 ? { oneOf: exactlyOne.map((name) => ({ required: [name] })) } : {}),
    },
    paths: Object.values(items).flatMap((field) => field.paths),
    encode(value, where) {
      const assignments = encodeSpec(fields, value, where);
      for (const key of required) if (value[key] === undefined) throw specInvalid(`${where}.${key}`, 'is missing');
      if (exactlyOne.length > 0 && exactlyOne.filter((key) => value[key] !== undefined).length !== 1)
        throw specInvalid(where, `needs exactly one of ${exactlyOne.join(', ')}`);
      return [...alongside, ...assignments];
    },
    decode(leaves) {
      if (alongside.some(([path, constant]) => leaves.get(path) !== constant)) return undefined;
      const spec = decodeSpec(fields, leaves);
      const mayBeEmpty = alongside.length > 0 && required.length + exactlyOne.length === 0;
      return mayBeEmpty || Object.keys(spec).length > 0 ? (spec as G) : undefined;
    },
  };
}

/**
 * A list of like elements: `path` is the repeated child, `fields` what one of them holds, by paths relative to it; the
 * path `''` is its own text.
 */
export function list<G extends object>(path: string, fields: FieldTable<G>): Field<readonly G[]> {
  return {
    paths: [path],
    items: fields as unknown as Record<string, Field<unknown>>,
    schema: { type: 'array', items: object(schemasOf(fields as unknown as Record<string, Field<unknown>>)) },
    encode(values, where) {
      if (!Array.isArray(values)) throw specInvalid(where, `${formatValue(values)} is not a list`);
      return values.flatMap((value, index) =>
        encodeSpec(fields, value, `${where}[${index}]`).map((assignment) => below(nth(path, index), assignment)),
      );
    },
    decode(leaves) {
      const items = itemsAt(leaves, path);
      return items.length > 0 ? items.map((item) => decodeSpec(fields, item) as G) : undefined;
    },
  };
}

/** The path of one of several like elements, counted from 0. */
export function nth(path: string, index: number): string {
  return index === 0 ? path : `${path}[${index + 1}]`;
}

/** An assignment within the element at `path`; the path `''` is the element's own text. */
export function below(path: string, [leaf, value]: Assignment): Assignment {
  return [leaf === '' ? path : `${path}/${leaf}`, value];
}

/** The leaves of each of several like elements, by paths relative to it. */
export function itemsAt(leaves: Leaves, path: string): Leaves[] {
  const items: Leaves[] = [];
  for (let index = 0; ; index++) {
    const at = nth(path, index);
    const item: Leaves = new Map();
    for (const [leaf, value] of leaves) {
      if (leaf.startsWith(`${at}/`)) item.set(leaf.slice(at.length + 1), value);
      else if (leaf === at) item.set('', value);
    }
    if (item.size === 0) return items;
    items.push(item);
  }
}

/** All assignments of a spec; `SPEC_UNKNOWN_FIELD` for a key without a field, `SPEC_INVALID` for a bad value. */
export function encodeSpec<Spec extends object>(fields: FieldTable<Spec>, spec: Spec, where: string): Assignment[] {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec))
    throw specInvalid(where, `${formatValue(spec)} is not an object of fields`);
  const assignments: Assignment[] = [];
  for (const [key, value] of Object.entries(spec)) {
    const path = where === '' ? key : `${where}.${key}`;
    if (!Object.hasOwn(fields, key)) throw unknownField(path, key, Object.keys(fields));
    if (value !== undefined) assignments.push(...(fields[key as keyof Spec] as Field<unknown>).encode(value, path));
  }
  return assignments;
}

/** What a spec can say of an element's leaves. Leaves that no field knows are not in it, and not touched either. */
export function decodeSpec<Spec extends object>(fields: FieldTable<Spec>, leaves: Leaves): Partial<Spec> {
  const spec: Record<string, unknown> = {};
  for (const [key, field] of Object.entries<Field<unknown>>(fields as Record<string, Field<unknown>>)) {
    const value = field.decode(leaves);
    if (value !== undefined) spec[key] = value;
  }
  return spec as Partial<Spec>;
}
