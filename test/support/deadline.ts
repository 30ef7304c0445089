import { availableParallelism, loadavg } from 'node:os';
import * as assert from 'uvu/assert';
import { type ErrorCode, LibvirtCanonicalError } from '../../src/errors.js';

/**
 * A deadline for what hangs, made longer by what else the machine does: by its load for each core, at most tenfold. A quiet
 * machine gets what was asked for. Whole milliseconds, which child processes insist on.
 */
export function scaled(milliseconds: number): number {
  const load = (loadavg()[0] ?? 0) / availableParallelism();
  return Math.ceil(milliseconds * Math.min(10, Math.max(1, load)));
}

/** Rejects when `pending` does not settle in time, which is `scaled`: uvu has no timeouts, and a hang is to be a failure. */
export async function within<T>(pending: Promise<T>, milliseconds = 30_000, what = 'this'): Promise<T> {
  const deadline = scaled(milliseconds);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${deadline} ms`)), deadline);
  });
  try {
    return await Promise.race([pending, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The library's error that `attempt` ends with; fails when it succeeds or when the code is another one. */
export async function failure<E extends LibvirtCanonicalError = LibvirtCanonicalError>(
  attempt: Promise<unknown> | (() => unknown),
  code: ErrorCode,
  milliseconds?: number,
): Promise<E> {
  let result: unknown;
  try {
    result = await within(Promise.resolve(typeof attempt === 'function' ? attempt() : attempt), milliseconds, code);
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
    assert.is(error.code, code, `${error.code} instead of ${code}: ${error.message}`);
    return error as E;
  }
  return assert.unreachable(`expected ${code}, but it succeeded with ${String(result)}`) as never;
}

/** As {@link failure}, at once. */
export function failureNow(attempt: () => unknown, code: ErrorCode): LibvirtCanonicalError {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
    assert.is(error.code, code, `${error.code} instead of ${code}: ${error.message}`);
    return error;
  }
  return assert.unreachable(`expected ${code}, but it succeeded`) as never;
}
