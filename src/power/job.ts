import { setTimeout as sleep } from 'node:timers/promises';
import type { DomainAccess } from '../apply/index.js';
import { paramsToObject } from '../connection/index.js';
import { AbortedError } from '../errors.js';
import { fired } from '../fired.js';
import { ProgressMeter, type ProgressOptions } from './progress.js';

/** Milliseconds between two readings, and between two requests to end a job that has not begun yet. */
const POLL = 500;
const ABORT_AGAIN = 100;

/**
 * Runs a call that is a job of the domain until it ends: tells how far it is (virDomainGetJobStats), and ends it on the
 * signal (virDomainAbortJob). Rejects with ABORTED when it was ended; a job that was faster than the abort resolves.
 */
export async function asJob<T>(
  reader: DomainAccess,
  what: string,
  call: () => Promise<T>,
  options: ProgressOptions,
): Promise<T> {
  const { signal } = options;
  if (signal?.aborted) throw new AbortedError(what, signal.reason);
  const over = new AbortController();
  const running = call();
  const beside = [follow(reader, what, options, over.signal), abortOn(reader, signal, over.signal)];
  try {
    return await running;
  } catch (error) {
    throw signal?.aborted ? new AbortedError(what, signal.reason) : error;
  } finally {
    over.abort();
    await Promise.all(beside);
  }
}

async function follow(reader: DomainAccess, what: string, options: ProgressOptions, over: AbortSignal): Promise<void> {
  if (!options.onProgress) return;
  const meter = new ProgressMeter(what, options);
  const { connection, handle: dom } = reader;
  while (await pause(POLL, over)) {
    // Between begin and end of a job there may be none to read; the call itself tells what went wrong.
    const stats = await connection.call('DOMAIN_GET_JOB_STATS', { dom, flags: 0 }).catch(() => undefined);
    const { data_processed: done, data_total: total } = paramsToObject(stats?.params ?? []);
    if (over.aborted || typeof done !== 'bigint' || typeof total !== 'bigint') continue;
    meter.read(done, total);
  }
}

/** Asks again while the call goes on: the first request can come before the job. */
async function abortOn(reader: DomainAccess, signal: AbortSignal | undefined, over: AbortSignal): Promise<void> {
  if (!signal) return;
  const { connection, handle: dom } = reader;
  await fired(AbortSignal.any([signal, over]));
  while (!over.aborted) {
    await connection.call('DOMAIN_ABORT_JOB', { dom }).catch(() => {});
    await pause(ABORT_AGAIN, over);
  }
}

/** False when `over` fired. */
async function pause(milliseconds: number, over: AbortSignal): Promise<boolean> {
  await sleep(milliseconds, undefined, { signal: over }).catch(() => {});
  return !over.aborted;
}
