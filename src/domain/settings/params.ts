import gte from 'semver/functions/gte.js';
import { LibvirtCanonicalError } from '../../errors.js';
import { assertXmlText, type Element, selectText } from '../../xml/index.js';
import { type JsonSchema, object, removable, SIZE, TEXT, wholeNumber } from '../json-schema.js';
import type { MutatorCall, ObservedDomain, Refusal, TypedParameter } from '../operation.js';
import { unknownField } from '../unknown-field.js';
import { bytesOf, bytesOfXml, formatBytes, formatValue, notOneOf, type Size, specInvalid } from '../values.js';
import type { SettingPlan } from './setting.js';
import { planSides, type Sides, type Values } from './sides.js';

/** How a value stands in a request, in the document and in a call. */
export interface Form {
  readonly type: TypedParameter['value']['type'];
  /** What a request may say, for editors and other programs. */
  readonly schema: JsonSchema;
  /** The value of a request as the document writes it; refuses a bad one naming `path`. */
  parse(value: unknown, path: string): string;
  /** The value of the document in that same writing. */
  read?(text: string, unit: string | undefined): string;
  /** The value of a request that is written so; the writing itself when left out. */
  value?(text: string): unknown;
  /** The number or word that the call takes. */
  encode?(text: string): number | bigint | boolean | string;
}

/** One field of a setting that libvirt takes as a typed parameter. */
export interface ParamRow {
  /** Name of the typed parameter. */
  readonly param: string;
  /** XPath of the value below the element that holds the setting; also how people read it. */
  readonly path: string;
  readonly form: Form;
  /** What is sent to remove it, from each document; left out when libvirt cannot remove it. */
  readonly unset?: string | { readonly config: string; readonly live: string };
  /** Writings that mean the same as none. */
  readonly none?: readonly string[];
  /** libvirt sets the parameters of one family together: what of them is not named is cleared. */
  readonly family?: string;
  /** First libvirt that knows it. */
  readonly since?: string;
}

/** A row for every key of a request: a key without one does not compile. */
export type ParamTable<Request> = { readonly [K in keyof Required<Request>]: ParamRow };
type Rows = Readonly<Record<string, ParamRow>>;

/** A whole number within bounds. */
export function count(type: 'int' | 'uint' | 'llong' | 'ullong', { min = 0, max = 2 ** 32 - 1 } = {}): Form {
  return {
    type,
    schema: wholeNumber(min, max),
    parse(value, path) {
      if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
        throw specInvalid(path, `${formatValue(value)} is not a whole number from ${min} to ${max}`);
      return String(value);
    },
    value: Number,
  };
}

/** An amount in bytes or KiB, within bounds given in that unit. */
export function amount(unit: 'KiB' | 'B', { min = 1, max = Number.MAX_SAFE_INTEGER } = {}): Form {
  const each = unit === 'KiB' ? 1024n : 1n;
  return {
    type: 'ullong',
    schema: SIZE,
    parse(value, path) {
      const bytes = bytesOf(value as Size, path);
      if (bytes % each !== 0n || bytes / each < BigInt(min) || bytes / each > BigInt(max)) {
        const bounds = `${formatBytes(BigInt(min) * each)} to ${formatBytes(BigInt(max) * each)}`;
        throw specInvalid(
          path,
          `${formatValue(value)} is not within ${bounds}, in whole ${unit === 'B' ? 'bytes' : unit}`,
        );
      }
      return String(bytes / each);
    },
    read: (text, written) => String(bytesOfXml(text, written, unit) / each),
    value: (text) => BigInt(text) * each,
  };
}

/** Text as it stands. */
export const text: Form = {
  type: 'string',
  schema: TEXT,
  parse(value, path) {
    if (typeof value !== 'string' || value === '')
      throw specInvalid(path, `${formatValue(value)} is not a text`, 'Give a non-empty string');
    assertXmlText(value, path);
    return value;
  },
};

/** One of a closed list of words, sent as its place in it. */
export function word(words: readonly string[]): Form {
  return {
    type: 'int',
    schema: { enum: words },
    parse(value, path) {
      if (!words.includes(value as string)) throw notOneOf(path, value, words);
      return value as string;
    },
    encode: (text) => words.indexOf(text),
  };
}

/** What a request may say by the rows of a table; `null` removes one. */
export function tableSchema(table: object): JsonSchema {
  return object(
    Object.fromEntries(Object.entries(table as Rows).map(([key, { form }]) => [key, removable(form.schema)])),
  );
}

/** The values that an element holds, by key of the table; what means none is undefined. */
export function readParams(element: Element, table: object): Values {
  return Object.fromEntries(
    Object.entries(table as Rows).map(([key, { path, form, none }]) => {
      const text = selectText(element, path);
      const value = text === undefined ? undefined : (form.read?.(text, selectText(element, `${path}/@unit`)) ?? text);
      return [key, value !== undefined && none?.includes(value) ? undefined : value];
    }),
  );
}

/** The value that an element has for the row with a path, as the document writes it; what means none is undefined. */
export function paramAt(element: Element | undefined, table: object, path: string): string | undefined {
  const key = Object.keys(table).find((each) => (table as Rows)[each]?.path === path);
  return key === undefined || element === undefined ? undefined : readParams(element, table)[key];
}

/** What an element says, as a request would; undefined when it says nothing. */
export function requestOf<Request>(element: Element, table: ParamTable<Request>): Request | undefined {
  const said = Object.entries(readParams(element, table)).flatMap(([key, text]) => {
    if (text === undefined) return [];
    const { form } = (table as Rows)[key] as ParamRow;
    return [[key, form.value?.(text) ?? text]];
  });
  return said.length === 0 ? undefined : (Object.fromEntries(said) as Request);
}

/** The values that a request names, as the document writes them. `null` removes one. Refuses unknown and too new keys. */
export function wantedParams(value: unknown, table: object, context: ObservedDomain, path: string): Values {
  const rows = table as Rows;
  return Object.fromEntries(
    Object.entries(asObject(value, path, Object.keys(rows))).map(([key, each]) => {
      const { form, since, none } = rows[key] as ParamRow;
      needs(context, since, `${path}.${key}`);
      const text = each === null ? undefined : form.parse(each, `${path}.${key}`);
      return [key, text !== undefined && none?.includes(text) ? undefined : text];
    }),
  );
}

/** The typed parameters that make `change` in a document that holds `side`, whole families together. */
export function paramsFor(table: object, change: Values, side: Values, scope: 'live' | 'config'): TypedParameter[] {
  const rows = table as Rows;
  const families = new Set(Object.keys(change).map((key) => rows[key]?.family));
  families.delete(undefined);
  const after = { ...side, ...change };
  const params: TypedParameter[] = [];
  for (const [key, row] of Object.entries(rows)) {
    if (!(key in change) && !(families.has(row.family) && after[key] !== undefined)) continue;
    const unset = typeof row.unset === 'object' ? row.unset[scope] : row.unset;
    const text = after[key] ?? unset;
    if (text !== undefined) params.push({ field: row.param, value: encoded(row.form, text) });
  }
  return params;
}

function encoded(form: Form, text: string): TypedParameter['value'] {
  const plain = form.encode?.(text) ?? (form.type === 'string' ? text : number(text));
  return { type: form.type, value: plain } as TypedParameter['value'];
}

function number(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

/** A setting whose values are typed parameters of one call. */
export interface ParamSetting {
  readonly name: string;
  readonly path: string;
  readonly table: object;
  /** The elements that hold the values; the domain itself, or one device in each document. */
  readonly canonical: Element;
  readonly live: Element | undefined;
  readonly wanted: Values;
  readonly more?: Partial<Pick<Sides, 'liveObstacle' | 'undo' | 'reason'>>;
  /** Label before the paths, for a device's part. */
  readonly under?: string;
  call(params: readonly TypedParameter[], flags: number): MutatorCall;
}

/** Plans such a setting: what libvirt cannot remove is refused, the rest goes to the documents that differ. */
export function planParams(setting: ParamSetting): SettingPlan {
  const { name, path, table, wanted, under } = setting;
  const rows = table as Rows;
  const canonical = readParams(setting.canonical, table);
  const live = setting.live && readParams(setting.live, table);
  const label = (key: string) => [...(under ? [under] : []), rows[key]?.path ?? key].join('/');
  const refusals: Refusal[] = Object.keys(wanted)
    .filter((key) => wanted[key] === undefined && rows[key]?.unset === undefined)
    .filter((key) => canonical[key] !== undefined || live?.[key] !== undefined)
    .map((key) => ({
      subject: name,
      path: `${path}.${key}`,
      reason: `libvirt cannot remove ${label(key)} once it is set`,
      remedy: 'Set another value',
    }));
  if (refusals.length > 0) return { operations: [], refusals };
  const operations = planSides({
    name,
    canonical,
    live,
    wanted,
    label,
    call: (change, side, flags) => setting.call(paramsFor(table, change, side, flags === 1 ? 'live' : 'config'), flags),
    permanent: (key) => rows[key]?.unset === undefined,
    ...setting.more,
  });
  return { operations, refusals: [] };
}

/** `value` as an object; with `known`, refuses any other key with `SPEC_UNKNOWN_FIELD`. Keys without a value do not count. */
export function asObject(value: unknown, path: string, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw specInvalid(path, `${formatValue(value)} is not an object`);
  for (const key of Object.keys(value)) {
    if (known === undefined || known.includes(key)) continue;
    throw unknownField(`${path}.${key}`, key, known);
  }
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}

/** Refuses what the connected libvirt is too old for, with `UNSUPPORTED` naming both versions. */
export function needs({ versions }: ObservedDomain, since: string | undefined, path: string): void {
  if (since === undefined || gte(versions.libvirt, since)) return;
  throw new LibvirtCanonicalError('UNSUPPORTED', `${path} needs libvirt ${since}, this is ${versions.libvirt}`, {
    path,
    remedy: 'Leave it out, or use a newer libvirt',
  });
}

/** A plan that is one refusal. */
export function refusal(why: Refusal): SettingPlan {
  return { operations: [], refusals: [why] };
}

/** A plan, refused when it has something to do and the daemon runs without the privileges for it. */
export function unlessSession(
  plan: SettingPlan,
  { session }: ObservedDomain,
  name: string,
  path: string,
  source: string,
): SettingPlan {
  if (!session || (plan.operations.length === 0 && plan.refusals.length === 0)) return plan;
  return refusal({
    subject: name,
    path,
    reason: `libvirt has no ${name} in session mode, where it runs without control groups (${source})`,
    remedy: 'Connect to the system daemon (qemu:///system)',
  });
}
