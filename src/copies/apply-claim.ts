import { assertNotInterrupted, type Documents, type DomainAccess, entriesIn, Journal } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import type { ObservedDomain } from '../domain/index.js';

/** Milliseconds to wait for other processes that apply to the domain: an unplug takes its time. */
const WAIT = 60_000;

/**
 * Runs work that gives the canonical document something new by another way than a plan, in this process's turn: no apply of
 * another process, planned from what stood there before, is under way. Errors: `APPLY_IN_PROGRESS`, `APPLY_INTERRUPTED`.
 */
export async function withApplyClaim<T>(
  reader: DomainAccess,
  { signal }: CallOptions,
  work: (context: ObservedDomain) => Promise<T>,
): Promise<T> {
  const { persistent } = await reader.context({ signal });
  const { journal, context } = await Journal.claim(reader, persistent, { signal, wait: WAIT });
  let result: T;
  try {
    result = await work(context);
  } catch (error) {
    await journal.end().catch(() => {});
    throw error;
  }
  await journal.end();
  return result;
}

/** `APPLY_INTERRUPTED` when an apply was: asked before long work that ends in a turn, and would end in vain. */
export function assertNoInterruptedApply(reader: DomainAccess, { canonical }: Documents): void {
  assertNotInterrupted(reader, entriesIn(canonical));
}
