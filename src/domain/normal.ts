import { type Leaves, under } from '../xml/index.js';
import { applies, type NormalizationRule, type UnorderedRow } from './devices/kind.js';
import { sameSet } from './settings/cpuset.js';
import { bytesOfXml, isUuid, uuidOf } from './values.js';

/**
 * What is asked, in the words of a document that libvirt wrote: where a row says that libvirt writes it otherwise, and
 * `there` is so, the difference goes.
 */
export function normalize(asked: Leaves, there: Leaves, rows: readonly NormalizationRule[]): Leaves {
  if (rows.length === 0) return asked;
  const written: Leaves = new Map();
  const meant: Leaves = new Map([...there, ...asked]);
  for (const [path, value] of asked) {
    const stands = there.get(path);
    const row = rows.find(
      (each) => concerns(each, path, value) && holds(each, asked, meant) && fits(each, path, asked, there),
    );
    if (!row) written.set(path, value);
    else if (stands !== undefined) written.set(path, stands);
  }
  return written;
}

/** What is asked, with the items of lists without an order where a document has them. */
export function inOrderOf(asked: Leaves, there: Leaves, rows: readonly UnorderedRow[]): Leaves {
  let ordered = asked;
  for (const row of rows) ordered = reordered(ordered, there, row);
  return ordered;
}

function reordered(asked: Leaves, there: Leaves, { path, key, void: nothing, once }: UnorderedRow): Leaves {
  const keyOf = (item: Leaves) => (key === undefined ? JSON.stringify([...item]) : item.get(key));
  const all = itemsOf(asked, path);
  const items =
    once === 'last' ? all.filter((item, at) => !all.slice(at + 1).some((later) => keyOf(later) === keyOf(item))) : all;
  if (items.length === 0) return asked;
  const places = itemsOf(there, path).map(keyOf);
  const free = [...items.keys()].map((n) => n + places.length);
  const ordered: Leaves = new Map([...asked].filter(([each]) => !under(each, path)));
  for (const item of items) {
    const at = places.indexOf(keyOf(item));
    if (at < 0 && nothing && item.get(nothing[0]) === nothing[1]) continue;
    const place = at < 0 ? (free.shift() ?? 0) : at;
    if (at >= 0) places[at] = undefined;
    for (const [below, value] of item) ordered.set(`${path}${place === 0 ? '' : `[${place + 1}]`}/${below}`, value);
  }
  return ordered;
}

/** The items of a list, each by the paths below it. */
function itemsOf(leaves: Leaves, path: string): Leaves[] {
  const items = new Map<number, Leaves>();
  for (const [each, value] of leaves) {
    if (!under(each, path) || each === path) continue;
    const rest = each.slice(path.length);
    const [, nth = '1', below = ''] = /^(?:\[(\d+)\])?\/(.*)$/.exec(rest) ?? [];
    items.set(Number(nth), (items.get(Number(nth)) ?? new Map()).set(below, value));
  }
  return [...items].sort(([a], [b]) => a - b).map(([, item]) => item);
}

/** Elements that say something by being there, with nothing in them. */
const FLAGS =
  '(features/.*|readonly|shareable|transient|pmem|nosharepages|locked|hugepages|discard|sha1|sha256|sha384|sha512)';

/** What says nothing is not written: an element without contents, and an attribute without a value. */
export const NOTHING_SAID: NormalizationRule = {
  path: new RegExp(`^(?!(.*/)?${FLAGS}$)`),
  asked: /^\s*$/,
  there: 'nothing',
  source: 'virXMLFormatElement, virBufferEscapeString',
};

/** The leaves without what libvirt does not write, whatever there is. */
export function withoutUnwritten(asked: Leaves, rows: readonly NormalizationRule[]): Leaves {
  const unwritten = rows.filter(({ there }) => there === 'nothing');
  const gone = (path: string, value: string) =>
    unwritten.some((row) => concerns(row, path, value) && holds(row, asked, asked));
  return new Map([...asked].filter(([path, value]) => !gone(path, value)));
}

/** True when a row holds for what is asked; `meant` is that with what stays as it is. */
function holds({ where, unless }: NormalizationRule, asked: Leaves, meant: Leaves): boolean {
  return applies(where, asked) && !unless?.some((each) => applies(each, meant));
}

function concerns({ path: pattern, asked }: NormalizationRule, path: string, value: string): boolean {
  const about = typeof pattern === 'string' ? under(path, pattern) : pattern.test(path);
  return about && (asked === undefined || asked.test(value));
}

function fits(
  { asked: pattern = /^.*$/s, there: written }: NormalizationRule,
  path: string,
  asked: Leaves,
  there: Leaves,
): boolean {
  const stands = there.get(path);
  if (written === 'nothing') return stands === undefined;
  if (written === 'any') return true;
  if (typeof written === 'function') return written(asked, there, path);
  return written.some((word) => asked.get(path)?.replace(pattern, word) === stands);
}

/** True when two documents say the same at a path: by meaning, as far as it shows in the text. */
export function sameAt(path: string, asked: ReadonlyMap<string, string>, there: ReadonlyMap<string, string>): boolean {
  const [unit, amount] = unitOf(path, asked);
  // A unit says something only with its amount.
  if (path === unit) return amount === undefined || sameAt(amount, asked, there);
  const [a, b] = [asked.get(path), there.get(path)];
  if (a === undefined || b === undefined) return a === b;
  if (unit === undefined) return sameText(a, b);
  const [mine, theirs] = [asked.get(unit), there.get(unit)];
  if (mine === theirs) return sameText(a, b);
  const [x, y] = [mine, theirs].map((given, side) => bytes(path, side === 0 ? a : b, given, theirs === 'KiB'));
  return x !== undefined && x === y;
}

/** Attributes that hold an amount whose unit stands beside them. */
const AMOUNTS = ['@memory', '@size'];

/** The path of the unit that goes with a path, and of the amount, when either is the other's. */
function unitOf(
  path: string,
  leaves: ReadonlyMap<string, string>,
): [unit: string | undefined, amount: string | undefined] {
  const cut = path.lastIndexOf('/');
  const [parent, last] = [path.slice(0, Math.max(cut, 0)), path.slice(cut + 1)];
  if (last === '@unit')
    return [path, [parent, ...AMOUNTS.map((name) => `${parent}/${name}`)].find((each) => leaves.has(each))];
  if (AMOUNTS.includes(last)) return [`${parent}/@unit`, path];
  return last.startsWith('@') ? [undefined, undefined] : [`${path}/@unit`, path];
}

/** Units that libvirt takes an amount without one to be in, where they are not KiB. */
const UNITS: ReadonlyArray<readonly [path: RegExp, unit: string]> = [
  [/^features\/smm\/tseg$/, 'MiB'],
  [/metadata_cache\/max_size$/, 'B'],
];

/** An amount in bytes; libvirt rounds up what it counts in KiB (virDomainParseMemory). */
function bytes(path: string, value: string, given: string | undefined, rounded: boolean): bigint | undefined {
  if (!/^\s*\d+\s*$/.test(value)) return undefined;
  const unit = given ?? UNITS.find(([pattern]) => pattern.test(path))?.[1];
  const exact = bytesOfXml(value, unit, 'KiB');
  return rounded ? ((exact + 1023n) / 1024n) * 1024n : exact;
}

/** An IPv6 address in the one form that URLs have it in; undefined for any other text, one with a zone too. */
function ipv6(text: string): string | undefined {
  if (!/^[\da-f:.]*:[\da-f:.]*$/i.test(text)) return undefined;
  try {
    return new URL(`http://[${text}]`).hostname;
  } catch {
    return undefined;
  }
}

/** True when two texts mean the same: libvirt writes hex digits, MACs and UUIDs in lower case, numbers and sets its own way. */
export function sameText(a: string, b: string): boolean {
  const [x, y] = [a.trim(), b.trim()];
  if (x === y || x.toLowerCase() === y.toLowerCase()) return true;
  if (x === '' || y === '') return false;
  if (isUuid(x) && isUuid(y)) return uuidOf(x, '') === uuidOf(y, '');
  const address = ipv6(x);
  if (address !== undefined && address === ipv6(y)) return true;
  return Number(x) === Number(y) || sameSet(x, y);
}
