import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../errors.js';

/** Milliseconds that the parts of an operation have. What does not end by then is told to end, and counts as failed. */
export interface Timeouts {
  /** One domain to move, beside the limits of the migration's own policy. Default eight hours. */
  readonly move: number;
  /** One domain to be changed, shut down or brought back. Default half an hour. */
  readonly domain: number;
  /** One host to be looked at, planned for or exported. Default two hours. */
  readonly host: number;
}

const HOUR = 3_600_000;
export const TIMEOUTS: Timeouts = { move: 8 * HOUR, domain: HOUR / 2, host: 2 * HOUR };

/** Milliseconds that something has to end once it was told to. */
const GRACE = 30_000;

/**
 * Does something within its time. Afterwards its signal fires; what it still reached counts. Errors: `STEP_TIMEOUT` when it was ended
 * so, or does not even end then.
 */
export async function within<Io extends { readonly signal: AbortSignal }, T>(
  io: Io,
  what: string,
  ms: number,
  work: (io: Io) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([io.signal, late.signal]);
  const done = work({ ...io, signal });
  // When it is given up nobody waits for it any more.
  done.catch(() => undefined);
  try {
    return await Promise.race([done, hangs(what, ms, late, over.signal)]);
  } catch (error) {
    if (!late.signal.aborted || io.signal.aborted || (error as { code?: string }).code !== 'ABORTED') throw error;
    throw timedOut(
      what,
      ms,
      'and was ended',
      'It is as it was before, or finds what it did when it is begun again',
      error,
    );
  } finally {
    over.abort();
  }
}

async function hangs(what: string, ms: number, late: AbortController, over: AbortSignal): Promise<never> {
  await sleep(ms, undefined, { signal: over });
  late.abort(new Error(`it did not end within ${ms / 1_000} s`));
  await sleep(Math.min(GRACE, ms), undefined, { signal: over });
  throw timedOut(what, ms, 'nor when it was told to', 'Look at its host: it may still be under way there');
}

const timedOut = (what: string, ms: number, how: string, remedy: string, cause?: unknown): EngineError =>
  new EngineError('STEP_TIMEOUT', `${what} did not end within ${ms / 1_000} s, ${how}`, remedy, { cause });
