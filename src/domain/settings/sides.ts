import { AFFECT, type Change, type MutatorCall, type Operation, setOperation, type UndoStep } from '../operation.js';

/** Values of one document by key, as the document writes them; a key that it does not have is undefined. */
export type Values = Readonly<Record<string, string | undefined>>;

/** A change of named values in both documents, each compared by itself. */
export interface Sides {
  readonly name: string;
  readonly canonical: Values;
  /** What the running guest has; undefined when the domain is shut off. */
  readonly live: Values | undefined;
  /** The keys that are asked for; undefined removes one. */
  readonly wanted: Values;
  /** How people read a key: a path of the document. */
  label?(key: string): string;
  /** The call that makes `change` in a document that holds `side`. */
  call(change: Values, side: Values, flags: number): MutatorCall;
  /** The calls that bring `before` back, where one call in the other direction does not. */
  undo?(before: Values, side: Values, flags: number): readonly MutatorCall[];
  /** Why the running guest cannot have the value now; it waits for the next boot then. */
  liveObstacle?(key: string, value: string | undefined): string | undefined;
  /** True for a key that libvirt cannot remove again: an undo leaves it. */
  permanent?(key: string): boolean;
  /** Why a running guest must cooperate for the change; undefined when it need not. */
  cooperation?(change: Values): string | undefined;
  /** For people, beside what `liveObstacle` says. */
  readonly reason?: string | undefined;
  /** `now` for what the host reads only when it needs it, so that no boot is waited for. */
  readonly takesEffect?: 'now';
}

/**
 * The operations that bring both documents to the wanted values: one call for both where the same call does it, else the
 * running guest first, so that what it refuses is not left in the canonical document either.
 */
export function planSides(sides: Sides): Operation[] {
  const { canonical, live, wanted } = sides;
  const config = differing(wanted, canonical);
  const later = new Set<string>();
  const now = live ? differing(wanted, live) : {};
  for (const key of Object.keys(now)) {
    const why = sides.liveObstacle?.(key, wanted[key]);
    if (why === undefined) continue;
    later.add(why);
    delete now[key];
  }
  const forConfig = Object.keys(config).length > 0;
  const forLive = live !== undefined && Object.keys(now).length > 0;
  const asConfig = () => flagless(sides.call(config, canonical, AFFECT.config));
  if (forConfig && forLive && asConfig() === flagless(sides.call(now, live, AFFECT.live)))
    return [operation(sides, 'both', config)];
  return [
    ...(forLive ? [operation(sides, 'live', now)] : []),
    ...(forConfig ? [operation(sides, 'config', config, [...later])] : []),
  ];
}

function operation(
  sides: Sides,
  scope: 'live' | 'config' | 'both',
  change: Values,
  later: readonly string[] = [],
): Operation {
  const side = scope === 'live' ? (sides.live ?? sides.canonical) : sides.canonical;
  const lasting = Object.keys(change).filter((key) => side[key] === undefined && sides.permanent?.(key));
  const cooperation = scope === 'config' ? undefined : sides.cooperation?.(change);
  const reasons = [
    ...(cooperation === undefined ? [] : [cooperation]),
    ...(sides.reason === undefined ? [] : [sides.reason]),
    ...later,
    ...lasting.map((key) => `libvirt cannot remove ${labelOf(sides, key)} again: undoing leaves it`),
  ];
  return setOperation(
    sides.name,
    scope,
    changesOf(sides, side, change),
    sides.call(change, side, AFFECT[scope]),
    undoSteps(sides, scope, change),
    {
      ...(reasons.length > 0 ? { reason: reasons.join('; ') } : {}),
      guestMustCooperate: cooperation !== undefined,
      ...(sides.takesEffect === undefined ? {} : { takesEffect: sides.takesEffect }),
    },
  );
}

/** The way back: one call for both documents when both were the same, else each gets its own. */
function undoSteps(sides: Sides, scope: 'live' | 'config' | 'both', change: Values): UndoStep[] {
  const stepsFor = (each: 'live' | 'config' | 'both', side: Values): UndoStep[] => {
    const kept = Object.keys(change).filter((key) => side[key] !== undefined || !sides.permanent?.(key));
    if (kept.length === 0) return [];
    const before = Object.fromEntries(kept.map((key) => [key, side[key]]));
    const after = { ...side, ...change };
    const calls = sides.undo?.(before, after, AFFECT[each]) ?? [sides.call(before, after, AFFECT[each])];
    // Only with the last of several calls are the values back.
    const back = changesOf(sides, after, before);
    return calls.map((call, at) => ({ scope: each, changes: at === calls.length - 1 ? back : [], call }));
  };
  const { canonical, live } = sides;
  if (scope !== 'both' || live === undefined)
    return stepsFor(scope, scope === 'live' ? (live ?? canonical) : canonical);
  const config = stepsFor('config', canonical);
  const running = stepsFor('live', live);
  const same = (steps: readonly UndoStep[]) => steps.map(({ call }) => flagless(call)).join();
  return same(config) === same(running) ? stepsFor('both', canonical) : [...running, ...config];
}

function differing(wanted: Values, side: Values): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => value !== side[key]));
}

function changesOf(sides: Sides, from: Values, to: Values): Change[] {
  return Object.entries(to).map(([key, value]) => ({ path: labelOf(sides, key), from: from[key], to: value }));
}

function labelOf(sides: Sides, key: string): string {
  return sides.label?.(key) ?? key;
}

/** A call as text to compare, whichever document it is for. */
function flagless({ procedure, args }: MutatorCall): string {
  const plain = (_: string, each: unknown) => (typeof each === 'bigint' ? String(each) : each);
  return JSON.stringify([procedure, { ...args, flags: 0 }], plain);
}
