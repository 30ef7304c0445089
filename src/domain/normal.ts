import { type Leaves, under } from '../xml/index.js';
import { applies, type NormalRow } from './devices/kind.js';
import { sameSet } from './settings/cpuset.js';
import { bytesOfXml } from './values.js';

/**
 * What is asked, in the words of a document that libvirt wrote: where a row says that libvirt writes it otherwise, and
 * `there` is so, the difference goes.
 */
export function asWritten(asked: Leaves, there: Leaves, rows: readonly NormalRow[]): Leaves {
  if (rows.length === 0) return asked;
  const written: Leaves = new Map();
  const meant: Leaves = new Map([...there, ...asked]);
  for (const [path, value] of asked) {
    const stands = there.get(path);
    const row = rows.find(
      (each) => concerns(each, path, value) && holds(each, asked, meant) && fits(each, value, stands),
    );
    if (!row) written.set(path, value);
    else if (stands !== undefined) written.set(path, stands);
  }
  return written;
}

/** Elements that say something by being there, with nothing in them. */
const FLAGS =
  '(features/.*|readonly|shareable|transient|pmem|nosharepages|locked|hugepages|discard|sha1|sha256|sha384|sha512)';

/** What says nothing is not written: an element without contents, and an attribute without a value. */
export const NOTHING_SAID: NormalRow = {
  path: new RegExp(`^(?!(.*/)?${FLAGS}$)`),
  asked: /^\s*$/,
  there: 'nothing',
  source: 'virXMLFormatElement, virBufferEscapeString',
};

/** The leaves without what libvirt does not write, whatever there is. */
export function withoutUnwritten(asked: Leaves, rows: readonly NormalRow[]): Leaves {
  const unwritten = rows.filter(({ there }) => there === 'nothing');
  const gone = (path: string, value: string) =>
    unwritten.some((row) => concerns(row, path, value) && holds(row, asked, asked));
  return new Map([...asked].filter(([path, value]) => !gone(path, value)));
}

/** True when a row holds for what is asked; `meant` is that with what stays as it is. */
function holds({ where, unless }: NormalRow, asked: Leaves, meant: Leaves): boolean {
  return applies(where, asked) && !unless?.some((each) => applies(each, meant));
}

function concerns({ path: pattern, asked }: NormalRow, path: string, value: string): boolean {
  const about = typeof pattern === 'string' ? under(path, pattern) : pattern.test(path);
  return about && (asked === undefined || asked.test(value));
}

function fits({ asked = /^.*$/s, there }: NormalRow, value: string, stands: string | undefined): boolean {
  if (there === 'nothing') return stands === undefined;
  if (there === 'any') return true;
  return there.some((word) => value.replace(asked, word) === stands);
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

/** True when two texts mean the same: libvirt writes hex digits, MACs and UUIDs in lower case, numbers and sets its own way. */
export function sameText(a: string, b: string): boolean {
  const [x, y] = [a.trim(), b.trim()];
  if (x === y || x.toLowerCase() === y.toLowerCase()) return true;
  if (x === '' || y === '') return false;
  return Number(x) === Number(y) || sameSet(x, y);
}
