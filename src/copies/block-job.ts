import { type DomainAccess, nextItem, withTimeout } from '../apply/index.js';
import {
  type EventSubscription,
  LibvirtError,
  VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT,
  VIR_DOMAIN_BLOCK_JOB_CANCELED,
  VIR_DOMAIN_BLOCK_JOB_FAILED,
  VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES,
} from '../connection/index.js';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { type Word, word } from '../events/index.js';
import { isInvalidNow, ProgressMeter, type ProgressOptions } from '../power/index.js';
import { type CopiedDisk, diskOf } from './copy-disks.js';

/** A job that QEMU does on a disk. It goes on without the program that started it, and is found again by the next one. */
export interface BlockJob {
  /** Identity of the disk: `disk root`. */
  readonly disk: string;
  readonly type: Word<'BLOCK_JOB_TYPE'>;
  /** True when both images are the same from now on, so that a copy or an active commit can be finished. */
  readonly ready: boolean;
  /** The image that a copy or commit writes to. */
  readonly file: string | undefined;
  readonly bytes: { readonly done: number; readonly total: number };
}

/** Milliseconds between two looks while no event comes. */
const POLL = 500;
const PATIENT = { timeout: Number.POSITIVE_INFINITY } as const;

/** Every job on a disk of the running domain, whoever started it. virDomainGetBlockJobInfo. */
export async function blockJobs(reader: DomainAccess, signal?: AbortSignal): Promise<BlockJob[]> {
  const documents = await reader.documents({ signal });
  const { live } = documents;
  const disks = live?.devices.filter(({ kind }) => kind.element === 'disk') ?? [];
  const jobs = disks.map((disk) => jobOn(reader, diskOf(documents, disk.leaves.get('target/@dev') ?? ''), signal));
  return (await Promise.all(jobs)).filter((job) => job !== undefined);
}

/** The job on one disk; undefined when there is none, or the domain is off. */
export async function jobOn(
  reader: DomainAccess,
  { identity, target, live }: CopiedDisk,
  signal?: AbortSignal,
): Promise<BlockJob | undefined> {
  const { connection, handle: dom } = reader;
  const flags = VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES;
  try {
    const info = await connection.call('DOMAIN_GET_BLOCK_JOB_INFO', { dom, path: target, flags }, { signal });
    if (info.found === 0) return undefined;
    return {
      disk: identity,
      type: word('BLOCK_JOB_TYPE', info.type),
      // Not cur == end, which is true for a moment before a mirror begins and while it lags behind.
      ready: live?.leaves.get('mirror/@ready') === 'yes',
      file: live?.leaves.get('mirror/source/@file') ?? live?.leaves.get('mirror/source/@dev'),
      bytes: { done: Number(info.cur), total: Number(info.end) },
    };
  } catch (error) {
    if (isInvalidNow(error)) return undefined;
    throw error;
  }
}

/** What to say about a job, and what an end before its time leaves behind. */
export interface JobWords {
  /** `copy of disk root of web`. */
  readonly what: string;
  readonly leaves: string;
}

/** Waits until the mirror of a disk is ready. `JOB_FAILED` when the job ends before, by itself or by somebody else. */
export async function untilReady(
  reader: DomainAccess,
  { target, identity }: CopiedDisk,
  events: EventSubscription<'BLOCK_JOB_2'>,
  { what, leaves }: JobWords,
  options: ProgressOptions,
): Promise<void> {
  const { signal } = options;
  const meter = new ProgressMeter(what, options);
  const next = () => {
    const item = nextItem(events, ({ dst }) => dst === target);
    item.catch(() => {});
    return item;
  };
  let waiting = next();
  let ended: string | undefined;
  for (;;) {
    const job = await jobOn(reader, diskOf(await reader.documents({ signal }), target), signal);
    if (!job)
      throw new LibvirtCanonicalError('JOB_FAILED', `${what} ${ended ?? 'is gone'}`, {
        domain: reader.handle.name,
        device: identity,
        remedy: `${leaves}. The log of the domain may tell why: a full disk, an input error, a shutdown`,
      });
    meter.read(job.bytes.done, job.bytes.total);
    if (job.ready) return;
    const item = await withTimeout(waiting, POLL, what, signal);
    if (!item) continue;
    if (item.type === 'event') ended = ENDINGS[item.data.status] ?? ended;
    waiting = next();
  }
}

const ENDINGS: Readonly<Record<number, string>> = {
  [VIR_DOMAIN_BLOCK_JOB_FAILED]: 'has failed',
  [VIR_DOMAIN_BLOCK_JOB_CANCELED]: 'was cancelled by somebody else',
};

/** `ABORTED` when the caller's signal has fired: asked right before a call that is not to be given up halfway. */
export function assertNotAborted(
  what: string,
  signal: AbortSignal | undefined,
  effect: string = 'nothing was begun',
): void {
  if (signal?.aborted) throw new AbortedError(`${what} (${effect})`, signal.reason);
}

/** Ends a job: `pivot` goes over to the other image, `cancel` stays on this one. virDomainBlockJobAbort, which waits for it. */
export async function endJob(reader: DomainAccess, target: string, how: 'pivot' | 'cancel'): Promise<void> {
  const { connection, handle: dom } = reader;
  const flags = how === 'pivot' ? VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT : 0;
  await connection.call('DOMAIN_BLOCK_JOB_ABORT', { dom, path: target, flags }, PATIENT);
}

/**
 * Runs a job that was just started or found: `work` waits and finishes. Whatever goes wrong, the job is cancelled, so
 * that the disk stays on its image; only when the connection is gone does it go on.
 */
export async function cancelledOnFailure<T>(
  reader: DomainAccess,
  { target }: CopiedDisk,
  { what, leaves }: JobWords,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const documents = await reader.documents().catch(() => undefined);
    if (documents && (await jobOn(reader, diskOf(documents, target)).catch(() => undefined)))
      await endJob(reader, target, 'cancel').catch((cause: unknown) => {
        if (!(cause instanceof LibvirtError)) throw error;
      });
    // An abort that came too late is none: the disk may be on the other image by now.
    if (error instanceof AbortedError)
      throw new AbortedError(`${what} (the job is cancelled; ${leaves})`, signal?.reason);
    throw error;
  }
}
