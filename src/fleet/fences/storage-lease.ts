import { setTimeout as sleep } from 'node:timers/promises';
import { AbortedError } from '../../errors.js';
import { checkOptions, PERIOD, TEXT } from '../../options.js';
import { type Beat, readSlots, type Slot } from './lease-file.js';
import { type Fence, type FenceProof, FenceUnprovedError, proofNow } from './proof.js';

/** What `storageLease` takes. */
export interface StorageLeaseOptions {
  /** The file or block device that the hosts write their heartbeats into. */
  readonly file: string;
  /** The host that it is about, by its name in the fleet. */
  readonly host: string;
  /** Milliseconds for which no beat may come. Twice the host's watchdog and one beat more are waited for in any case. */
  readonly timeout: number;
  /** Milliseconds between two readings. Default 1,000. */
  readonly interval?: number | undefined;
  /** Milliseconds that the proof counts: a host that reset itself starts again. Default 120,000. */
  readonly validFor?: number | undefined;
}

const WAY = 'storage-lease';
/** Beats of another host that may be missed before the storage counts as cut off from here. */
const MISSED = 3;

/**
 * Proves by a shared file or block device that a host has reset itself: its heartbeat has stopped for long enough by this
 * machine's clock, its record promises that its watchdog resets it when beats fail, and the heartbeat of another host in the
 * same file went on meanwhile, so that the storage was read as it is. Anything else is `FENCE_UNPROVED`: a beat, a heartbeat
 * without a watchdog, or one that was ended on purpose, a file that nobody else writes.
 *
 * It switches nothing off. What it proves is that everything ended which ran at the last beat, as far as the watchdog works. It
 * does not show that the host stayed off: it starts again after a reset, so start its heartbeat before its libvirt.
 *
 * @example
 * const fence = storageLease({ file: '/srv/shared/fleet.lease', host: 'a', timeout: 90_000 });
 */
export function storageLease(options: StorageLeaseOptions): Fence {
  checkOptions<StorageLeaseOptions>(
    'storageLease',
    options ?? null,
    { file: TEXT, host: TEXT, timeout: PERIOD, interval: PERIOD, validFor: PERIOD },
    { needs: ['file', 'host', 'timeout'] },
  );
  return {
    way: WAY,
    async prove(host, { signal } = {}) {
      if (host !== options.host)
        throw unproved(host, `this lease is of ${options.host}`, 'Give each host a fence of its own');
      try {
        return await observed(options, signal);
      } catch (error) {
        if (signal?.aborted) throw new AbortedError(`the fencing of ${host}`, signal.reason);
        if (error instanceof FenceUnprovedError) throw error;
        const why = `${options.file} could not be read: ${(error as Error).message}`;
        throw unproved(host, why, 'Read it where the storage is there', error);
      }
    },
  };
}

async function observed(options: StorageLeaseOptions, signal: AbortSignal | undefined): Promise<FenceProof> {
  const { file, host, timeout, interval = 1_000, validFor = 120_000 } = options;
  const first = await readSlots(file);
  const last = promising(first, options);
  const wait = Math.max(timeout, 2 * last.watchdog + last.every);
  const begun = performance.now();
  const witnesses = new Witnesses(first, host);
  do {
    await sleep(interval, undefined, signal && { signal });
    const slots = await readSlots(file);
    const now = promising(slots, options);
    if (now.instance !== last.instance || now.count !== last.count)
      throw unproved(host, 'its heartbeat goes on', 'Drain it, or switch it off');
    witnesses.look(slots);
  } while (performance.now() - begun < wait);
  const witness = witnesses.beating(interval);
  if (witness === undefined)
    throw unproved(
      host,
      `no other heartbeat in ${file} went on meanwhile, so it may be a file that no host writes to`,
      'Run the heartbeat of another host in the same file, this one for instance',
    );
  const seconds = (milliseconds: number) => `${Math.round(milliseconds / 100) / 10} s`;
  const says = `no heartbeat for ${seconds(performance.now() - begun)} while that of ${witness} went on; its watchdog resets it within ${seconds(last.watchdog)} of a beat that fails`;
  return proofNow({ host, way: WAY, by: file, says }, validFor);
}

/** The host's record, when it is one that can prove anything once it stops. */
function promising(slots: readonly Slot[], { file, host }: StorageLeaseOptions): Beat & { readonly watchdog: number } {
  const own = slots.filter((slot): slot is Slot & { is: 'beat' } => slot.is === 'beat' && slot.host === host);
  const [beat] = own;
  if (!beat || own.length > 1)
    throw unproved(
      host,
      `${file} has ${own.length === 0 ? 'no heartbeat' : `${own.length} heartbeats`} of it`,
      'Look which slot it writes',
    );
  const { watchdog, stopped } = beat;
  if (stopped)
    throw unproved(
      host,
      'its heartbeat was ended on purpose, and what it runs goes on',
      'Switch it off by another way',
    );
  if (watchdog === null)
    throw unproved(
      host,
      'no watchdog resets it when its heartbeat stops: its guests may run on',
      'Switch it off by another way, and give its heartbeat a watchdog',
    );
  return { ...beat, watchdog };
}

/** The heartbeats of the other hosts, and when each was seen to go on. */
class Witnesses {
  readonly #host: string;
  readonly #seen = new Map<
    string,
    { readonly beat: string; readonly every: number; readonly at: number | undefined }
  >();

  constructor(slots: readonly Slot[], host: string) {
    this.#host = host;
    this.look(slots);
  }

  look(slots: readonly Slot[]): void {
    for (const slot of slots) {
      if (slot.is !== 'beat' || slot.host === this.#host || slot.stopped) continue;
      const before = this.#seen.get(slot.host);
      const beat = `${slot.instance} ${slot.count}`;
      if (before?.beat === beat) continue;
      this.#seen.set(slot.host, { beat, every: slot.every, at: before && performance.now() });
    }
  }

  /** One that was seen to go on until just now. */
  beating(interval: number): string | undefined {
    const now = performance.now();
    return [...this.#seen].find(
      ([, { at, every }]) => at !== undefined && now - at <= MISSED * every + 2 * interval,
    )?.[0];
  }
}

const unproved = (host: string, why: string, remedy: string, cause?: unknown): FenceUnprovedError =>
  new FenceUnprovedError(host, WAY, why, { remedy, ...(cause !== undefined && { cause }) });
