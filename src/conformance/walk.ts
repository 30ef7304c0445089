/** What an event adds to which pile. */
export type Weight = Readonly<Record<string, number>>;

/**
 * A walk in which every event follows every other, and itself, exactly once: an Eulerian circuit of the complete directed graph.
 * With n events it has n² + 1 steps, and so tries the matrix of event × event on one domain that lives through all of it.
 *
 * `weight` says what an event adds to which pile, such as one disk more; of the circuits that are looked at the one is taken whose
 * piles stay closest to what they were. Pure, and the same for the same arguments.
 */
export function walkOf<Event extends string>(
  events: readonly Event[],
  weight: (event: Event) => Weight = () => ({}),
): { readonly walk: readonly Event[]; readonly least: number; readonly most: number } {
  let best: ReturnType<typeof measured<Event>> | undefined;
  for (let turn = 0; turn < Math.max(1, 40 * events.length); turn++) {
    const found = measured(circuit(events, turn), weight);
    if (!best || found.most - found.least < best.most - best.least) best = found;
  }
  return best as ReturnType<typeof measured<Event>>;
}

/** Hierholzer's algorithm; `turn` seeds the order in which the ways out of each event are taken. */
function circuit<Event extends string>(events: readonly Event[], turn: number): Event[] {
  let seed = turn + 1;
  const next = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const left = new Map(events.map((event) => [event, shuffled(events, next)]));
  const stack: Event[] = events.slice(0, 1);
  const walk: Event[] = [];
  while (stack.length > 0) {
    const to = left.get(stack.at(-1) as Event)?.pop();
    if (to === undefined) walk.push(stack.pop() as Event);
    else stack.push(to);
  }
  return walk.reverse();
}

function shuffled<T>(list: readonly T[], next: (below: number) => number): T[] {
  const all = [...list];
  for (let at = all.length - 1; at > 0; at--) {
    const other = next(at + 1);
    [all[at], all[other]] = [all[other] as T, all[at] as T];
  }
  return all;
}

/** The lowest and the highest that any pile gets, beginning with nothing. */
function measured<Event extends string>(walk: readonly Event[], weight: (event: Event) => Weight) {
  const piles = new Map<string, number>();
  let least = 0;
  let most = 0;
  for (const event of walk)
    for (const [pile, more] of Object.entries(weight(event))) {
      const sum = (piles.get(pile) ?? 0) + more;
      piles.set(pile, sum);
      least = Math.min(least, sum);
      most = Math.max(most, sum);
    }
  return { walk, least, most };
}
