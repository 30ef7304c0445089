import { AsyncLocalStorage } from 'node:async_hooks';

/** Chains work on one domain, so that within this process two applies never interleave. Keyed by UUID. */
const tails = new Map<string, Promise<unknown>>();

/** The domains whose turn the running code has: a hook that applies or starts is part of the work that called it. */
const mine = new AsyncLocalStorage<ReadonlySet<string>>();

/** Runs `work` after all work queued before it for the same domain, whether that succeeded or not. */
export async function queued<T>(uuid: string, work: () => Promise<T>): Promise<T> {
  const held = mine.getStore();
  if (held?.has(uuid)) return work();
  const turn = () => mine.run(new Set([...(held ?? []), uuid]), work);
  const before = tails.get(uuid) ?? Promise.resolve();
  const outcome = before.then(turn, turn);
  const settled = outcome.then(
    () => {},
    () => {},
  );
  tails.set(uuid, settled);
  try {
    return await outcome;
  } finally {
    if (tails.get(uuid) === settled) tails.delete(uuid);
  }
}

/** Whether work on the domain is under way, or waits, within this process. */
export function isQueued(uuid: string): boolean {
  return tails.has(uuid);
}

/** Runs `work` as nobody's: begun inside work on a domain, it waits for its turn like any other. */
export function apart<T>(work: () => T): T {
  return mine.run(new Set(), work);
}
