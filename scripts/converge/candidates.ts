import type { Element } from '../../src/xml/index.js';
import { type Grammar, namesOf } from '../../test/domain/schema/grammar.js';
import { completed, MACHINES, type Machine, type Part } from './bases.js';
import { type Choices, elementsBelow, Grower } from './grow.js';

/** One document to try: the parts it has beside those of its base. */
export interface Candidate {
  readonly machine: Machine;
  readonly parts: readonly Part[];
  /** The element or elements it is about, such as `disk`. */
  readonly about: string;
  /** What was chosen in the first part, for pairs. */
  readonly grower: Grower;
  readonly choices: Choices;
}

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const all = [...items];
  for (let index = all.length - 1; index > 0; index--) {
    const other = Math.floor(next() * (index + 1));
    [all[index], all[other]] = [all[other] as T, all[index] as T];
  }
  return all;
}

/** Elements of other drivers, or that hold what is listed by itself. */
const LEFT_OUT = new Set([
  'devices',
  'bhyve:commandline',
  'xen:commandline',
  'lxc:namespace',
  'datacenterpath',
  'name',
  'bootloader',
  'bootloader_args',
]);

/** Every element of a domain with one thing in it that the smallest does not have, kind by kind in turn. */
export function* singles(grammar: Grammar, seed: number, only?: readonly string[]): Generator<Candidate> {
  const next = random(seed);
  const lists = [
    ...elementsBelow(grammar, 'domaincontents').map((pattern) => ({ pattern, device: false })),
    ...elementsBelow(grammar, 'devices', 'devices').map((pattern) => ({ pattern, device: true })),
  ]
    .filter(({ pattern }) => isTried(namesOf(pattern)[0] ?? '', only))
    .map(({ pattern, device }) => ofPattern(grammar, pattern, device, next));
  for (let open = lists; open.length > 0; ) {
    const left: typeof lists = [];
    for (const list of open) {
      const { value, done } = list.next();
      if (done) continue;
      yield value;
      left.push(list);
    }
    open = left;
  }
}

function isTried(name: string, only: readonly string[] | undefined): boolean {
  return !LEFT_OUT.has(name) && (only?.includes(name) ?? true);
}

/** What can be chosen is listed at once, and built when its turn comes: a share of it needs no more than a share of the time. */
function* ofPattern(grammar: Grammar, pattern: Element, device: boolean, next: () => number): Generator<Candidate> {
  const grower = new Grower(grammar, pattern);
  const about = grower.name;
  const seen = new Set<string>();
  const all = [...grower.targets()].flatMap((choices) => MACHINES.map((machine) => ({ choices, machine })));
  for (const { choices, machine } of shuffled(all, next)) {
    const built = grower.build(choices);
    if (built === undefined) continue;
    const xml = completed(built);
    if (seen.has(`${machine} ${xml}`) || (about === 'os' && !xml.includes('>hvm<'))) continue;
    seen.add(`${machine} ${xml}`);
    yield { machine, parts: [{ xml, device }], about, grower, choices };
  }
}

/** Two things in one element: what two accepted documents have in it, where they can be had together. */
export function together(a: Candidate, b: Candidate): Candidate | undefined {
  if (a.grower !== b.grower || a.machine !== b.machine) return undefined;
  for (const [key, option] of b.choices) if ((a.choices.get(key) ?? option) !== option) return undefined;
  const choices = new Map([...a.choices, ...b.choices]);
  const built = a.grower.build(choices);
  const [part] = a.parts;
  if (built === undefined || !part) return undefined;
  return { ...a, choices, parts: [{ xml: completed(built), device: part.device }] };
}

/** Elements beside the devices of which a document can have more than one. */
const REPEATED = new Set(['sysinfo', 'seclabel']);

/** Two elements in one document. */
export function beside(a: Candidate, b: Candidate): Candidate | undefined {
  if (a.about === b.about && !a.parts[0]?.device && !REPEATED.has(a.about)) return undefined;
  return {
    ...a,
    parts: [...a.parts, ...b.parts],
    about: a.about === b.about ? `${a.about} twice` : `${a.about} and ${b.about}`,
  };
}

/** Pairs out of what was accepted, without end: half in one element, half beside each other. */
export function* pairs(accepted: readonly Candidate[], seed: number): Generator<Candidate> {
  const next = random(seed ^ 0x5eed);
  const groups = new Map<string, Candidate[]>();
  for (const each of accepted) {
    const key = `${each.machine} ${each.about}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const lists = [...groups.values()];
  const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)] as T;
  const seen = new Set<string>();
  for (let barren = 0; barren < 20_000; barren++) {
    const list = pick(lists);
    const a = pick(list);
    const sort = next();
    const other = sort < 0.8 ? list : pick(lists.filter(([first]) => first?.machine === a.machine));
    const b = pick(other);
    const made = sort < 0.5 ? together(a, b) : beside(a, b);
    const key = made && `${made.machine} ${made.parts.map(({ xml }) => xml).join('')}`;
    if (!made || !key || seen.has(key)) continue;
    seen.add(key);
    barren = 0;
    yield made;
  }
}
