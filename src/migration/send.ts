import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, connectAgain, type DomainHandle, LibvirtError } from '../connection/index.js';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { fired } from '../fired.js';
import type { MigrationCalls } from './calls.js';
import { MigrationMonitor } from './monitor.js';
import type { Run } from './run-context.js';

/** Milliseconds between two requests to abort: the first may come before there is anything to abort. */
const AGAIN = 500;

/** The source does not answer, and nothing can be done about it from here: whatever is asked of it would hang as well. */
export class SourceHangsError extends LibvirtCanonicalError {
  constructor(domain: string) {
    super('TIMEOUT', `the source does not give up sending ${domain}`, {
      domain,
      remedy: 'Its QEMU does not answer; look at the host',
    });
  }
}

/** The answer to Perform was lost after post-copy had begun: the guest has left, and is lost unless it is started at the destination. */
export class PostCopyUnansweredError extends LibvirtCanonicalError {
  constructor(domain: string, cause: unknown) {
    super('CONNECTION_LOST', `${domain} was going over before its memory when the source's answer was lost`, {
      domain,
      cause,
      remedy: 'Call recoverMigration() once both hosts answer; end neither side',
    });
  }
}

/** Perform, watched by the policy. True when the guest goes over before its memory: from then on there is no way back. */
export function send(run: Run, calls: Pick<MigrationCalls, 'perform'>): Promise<boolean> {
  return watched(run, () => calls.perform());
}

/**
 * Runs the call that sends memory and disks, watched by the policy, until it ends. Whoever aborts it gets the call's own end,
 * and not that of the abort. When the source's QEMU does not answer, the destination is ended instead, which makes the
 * source give up; when even that does not help nothing can be said (`MIGRATION_UNSETTLED` by the caller's look at both hosts).
 */
export async function watched(run: Run, call: () => Promise<void>): Promise<boolean> {
  const { own, ends, reader, request, audience } = run;
  const dom = reader.handle;
  const stop = new AbortController();
  const signal = AbortSignal.any([audience.signal, stop.signal]);
  let why: string | undefined;
  const monitor = new MigrationMonitor({
    connection: own.watch,
    dom,
    policy: request.resolvedPolicy,
    tell: audience.tell,
    abort: (reason) => {
      why = reason;
      stop.abort();
    },
  });
  const over = new AbortController();
  const sending = call();
  const watching = monitor.run();
  const hung = abortOn(
    signal,
    over.signal,
    { source: own.watch, destination: ends.destination, dom, postCopy: () => monitor.postCopy },
    request.abortTimeout,
  );
  try {
    await Promise.race([sending, hung]);
    return monitor.postCopy;
  } catch (error) {
    if (error instanceof SourceHangsError) throw error;
    // An error of libvirt's own says that the destination has not run.
    if (monitor.postCopy && !(error instanceof LibvirtError)) throw new PostCopyUnansweredError(dom.name, error);
    if (audience.signal.aborted) throw new AbortedError('the migration', audience.signal.reason);
    if (why !== undefined)
      throw new LibvirtCanonicalError('TIMEOUT', `the policy gave up: ${why}`, { domain: dom.name, cause: error });
    throw error;
  } finally {
    over.abort();
    monitor.stop();
    sending.catch(() => {});
    hung.catch(() => {});
    // Not waited for: from the end of sending on the guest stands still.
    watching.catch(() => {});
  }
}

/** Never resolves; rejects when the migration was to end and does not. */
async function abortOn(
  signal: AbortSignal,
  over: AbortSignal,
  {
    source,
    destination,
    dom,
    postCopy,
  }: { source: Connection; destination: Connection; dom: DomainHandle; postCopy: () => boolean },
  timeout: number,
): Promise<never> {
  await fired(AbortSignal.any([signal, over]));
  // From the start of post-copy on the guest needs both hosts: there is nothing to go back to.
  if (!over.aborted && !postCopy()) {
    const end = performance.now() + timeout;
    while (!over.aborted && performance.now() < end) {
      await source.call('DOMAIN_ABORT_JOB', { dom }, { timeout, signal: over }).catch(() => {});
      await sleep(AGAIN, undefined, { signal: over }).catch(() => {});
    }
    if (!over.aborted) {
      const again = await connectAgain(destination, { reconnect: false }).catch(() => undefined);
      await again?.call('DOMAIN_DESTROY', { dom }, { timeout, signal: over }).catch(() => {});
      await again?.close();
      await sleep(timeout, undefined, { signal: over }).catch(() => {});
    }
    if (!over.aborted) throw new SourceHangsError(dom.name);
  }
  return new Promise<never>(() => {});
}
