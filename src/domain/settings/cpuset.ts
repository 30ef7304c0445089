import { CPUSET } from '../json-schema.js';
import { formatValue, specInvalid } from '../values.js';
import type { Form } from './params.js';

/** libvirt's bitmaps end at 16384 bits (VIR_DOMAIN_CPUMASK_LEN). */
const LAST = 16_383;

/** The numbers of a set such as `'0-3,8,^2'`, ascending; `SPEC_INVALID` naming `path` when it is none or empty. */
export function numbersOf(value: unknown, path: string, what = 'a set of CPUs'): number[] {
  const problem = () =>
    specInvalid(path, `${formatValue(value)} is not ${what}`, "Give it as '0-3,8'; '^2' leaves one out");
  if (typeof value !== 'string') throw problem();
  const numbers = new Set<number>();
  for (const part of value.split(',')) {
    const match = /^\s*(\^)?(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part);
    const [, without, first, last = first] = match ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!match || from > to || to > LAST || (without && from !== to)) throw problem();
    for (let n = from; n <= to; n++) {
      if (without) numbers.delete(n);
      else numbers.add(n);
    }
  }
  if (numbers.size === 0) throw problem();
  return [...numbers].sort((a, b) => a - b);
}

/** A set as libvirt writes it: `0-3,8`. */
export function setText(numbers: readonly number[]): string {
  const runs: Array<[number, number]> = [];
  for (const n of numbers) {
    const run = runs[runs.length - 1];
    if (run && run[1] === n - 1) run[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** True when two texts are sets of the same numbers. */
export function sameSet(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => (/^[\d\s,^-]*\d[\s\d]*$/.test(text) ? setOrNothing(text) : undefined));
  return x !== undefined && x === y;
}

function setOrNothing(text: string): string | undefined {
  try {
    return setText(numbersOf(text, ''));
  } catch {
    return undefined;
  }
}

/** A set in a call that takes a bitmap: bytes, lowest number in the lowest bit of the first. */
export function bitmapOf(text: string): number[] {
  const numbers = numbersOf(text, 'cpuset');
  const bytes = new Array<number>(Math.floor((numbers[numbers.length - 1] as number) / 8) + 1).fill(0);
  for (const n of numbers) bytes[n >> 3] = (bytes[n >> 3] as number) | (1 << (n & 7));
  return bytes;
}

/** A set of numbers as text, in libvirt's writing. */
export function cpuset(what: string): Form {
  return {
    type: 'string',
    schema: CPUSET,
    parse: (value, path) => setText(numbersOf(value, path, what)),
    read: (text) => setText(numbersOf(text, 'cpuset')),
  };
}
