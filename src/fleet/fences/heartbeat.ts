import { randomUUID } from 'node:crypto';
import { constants, type FileHandle, open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LibvirtCanonicalError } from '../../errors.js';
import { CALLBACK, checkOptions, group, line, PERIOD, type Rule, SIGNAL, shown, TEXT } from '../../options.js';
import { type Beat, openForBeats, readSlots, SLOT, SLOTS, writeSlot } from './lease-file.js';

/** The watchdog of a host, which resets it when it is not fed in time. */
export interface HeartbeatWatchdog {
  /** `/dev/watchdog0`. Nobody else may have it open. */
  readonly device: string;
  /** Milliseconds after which it resets the host, as it is set. */
  readonly timeout: number;
}

/** What `heartbeat` takes. */
export interface HeartbeatOptions {
  /** A file or block device that all hosts share. It has to exist: `truncate -s 1M`, or a device that was zeroed. */
  readonly file: string;
  /** The host's name in the fleet. */
  readonly host: string;
  /** Its place in the file, 0 to 255, which no other host has. Default 0. */
  readonly slot?: number | undefined;
  /** Milliseconds between two beats. Default 5,000. */
  readonly every?: number | undefined;
  /** Fed after each beat that the storage took, and at no other time. Without it a heartbeat that stops proves nothing. */
  readonly watchdog?: HeartbeatWatchdog | undefined;
  /** Ends it: the stop is written down, and then the watchdog disarmed. */
  readonly signal?: AbortSignal | undefined;
  /** Told each beat; `error` says that the storage did not take it. */
  readonly onBeat?: ((beat: { readonly count: number; readonly error?: unknown }) => void) | undefined;
}

const SLOT_NUMBER: Rule = {
  takes: `a whole number from 0 to ${SLOTS - 1}`,
  fits: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < SLOTS,
};
/** Ends a watchdog's watch, where the driver allows that (Documentation/watchdog/watchdog-api.rst). */
const DISARM = 'V';

/**
 * Writes this host's heartbeat into a shared file or block device until the signal fires, and feeds the host's watchdog with each
 * beat that the storage took: a host that loses its storage, or whose heartbeat dies, is reset by its own hardware. `storageLease`
 * is the fence that reads it. Run it on the host itself, before libvirt is started.
 *
 * A beat that fails is tried again at the next one, and the watchdog is not fed meanwhile. Resolves when it was ended by the
 * signal. Errors: `ARGUMENT_INVALID` when an option is wrong, or when the file cannot be opened, or the slot is another host's.
 *
 * @example
 * await heartbeat({ file: '/srv/shared/fleet.lease', host: 'a', slot: 0, watchdog: { device: '/dev/watchdog0', timeout: 30_000 } });
 */
export async function heartbeat(options: HeartbeatOptions): Promise<void> {
  checkOptions<HeartbeatOptions>(
    'heartbeat',
    options ?? null,
    {
      file: TEXT,
      host: line('a text'),
      slot: SLOT_NUMBER,
      every: PERIOD,
      watchdog: group<HeartbeatWatchdog>({ device: TEXT, timeout: PERIOD }),
      signal: SIGNAL,
      onBeat: CALLBACK,
    },
    { needs: ['file', 'host'] },
  );
  const { file, host, slot = 0, every = 5_000, watchdog, signal } = options;
  if (watchdog) await checkWatchdog(watchdog, every);
  const handle = await opened(file, host, slot);
  const beats = new Beats(handle, slot, { host, instance: randomUUID(), every, onBeat: options.onBeat });
  let dog: FileHandle | undefined;
  try {
    // The promise is written once the watchdog watches, and not before.
    if (!(await beats.beat(null))) throw wrong('file', `${file} did not take the first beat`);
    if (watchdog) {
      // Never made: a plain file would watch nothing.
      dog = await open(watchdog.device, constants.O_WRONLY).catch((error: Error) => {
        throw wrong('watchdog.device', `${watchdog.device} cannot be opened: ${error.message}`);
      });
      await dog.write('\0');
    }
    while (!signal?.aborted) {
      if (await beats.beat(watchdog?.timeout ?? null)) await dog?.write('\0');
      await sleep(every, undefined, signal && { signal }).catch(() => undefined);
    }
    // Disarmed before the stop is on the storage, it would break what it promised there.
    while (!(await beats.stop(watchdog?.timeout ?? null)) && dog) await sleep(Math.min(every, 1_000));
    await dog?.write(DISARM);
  } finally {
    await dog?.close();
    await handle.close();
  }
}

/** Who beats, how often, and who is told. */
type Writer = Pick<Beat, 'host' | 'instance' | 'every'> & Pick<HeartbeatOptions, 'onBeat'>;

/** The beats of one writer. */
class Beats {
  #count = 0;
  readonly #handle: FileHandle;
  readonly #slot: number;
  readonly #of: Writer;

  constructor(handle: FileHandle, slot: number, of: Writer) {
    this.#handle = handle;
    this.#slot = slot;
    this.#of = of;
  }

  beat(watchdog: number | null): Promise<boolean> {
    return this.#write(watchdog, false);
  }

  stop(watchdog: number | null): Promise<boolean> {
    return this.#write(watchdog, true);
  }

  /** Whether the storage took it. */
  async #write(watchdog: number | null, stopped: boolean): Promise<boolean> {
    const { host, instance, every, onBeat } = this.#of;
    const count = ++this.#count;
    let failure: { readonly error: unknown } | undefined;
    try {
      await writeSlot(this.#handle, this.#slot, { host, instance, count, every, watchdog, stopped });
    } catch (error) {
      failure = { error };
    }
    try {
      onBeat?.({ count, ...failure });
    } catch {
      // Whoever listens does not end a host.
    }
    return failure === undefined;
  }
}

async function opened(file: string, host: string, slot: number): Promise<FileHandle> {
  try {
    const there = (await readSlots(file))[slot];
    const takes = there?.is === 'empty' || (there?.is === 'beat' && there.host === host);
    if (takes) return await openForBeats(file);
    if (!there) throw wrong('slot', `${file} ends before slot ${slot}`, `It needs ${(slot + 1) * SLOT} bytes`);
    const holder = there.is === 'beat' ? `the heartbeat of ${shown(there.host)}` : 'something that no heartbeat wrote';
    throw wrong('slot', `slot ${slot} of ${file} has ${holder}`, 'Give each host a slot of its own, zeroed once');
  } catch (error) {
    if (error instanceof LibvirtCanonicalError) throw error;
    throw wrong('file', `${file} cannot be opened: ${(error as Error).message}`, 'Mount it, or make it once');
  }
}

async function checkWatchdog({ device, timeout }: HeartbeatWatchdog, every: number): Promise<void> {
  if (every * 2 > timeout)
    throw wrong('every', `is ${every} ms, and the watchdog resets the host after ${timeout} ms`, 'Beat twice as often');
  const node = basename(device) === 'watchdog' ? 'watchdog0' : basename(device);
  const set = await readFile(`/sys/class/watchdog/${node}/timeout`, 'utf8').catch(() => '');
  if (set !== '' && Number(set) * 1_000 > timeout)
    throw wrong(
      'watchdog.timeout',
      `is ${timeout} ms, and ${device} is set to ${set.trim()} s`,
      'Say what it is set to',
    );
}

const wrong = (path: string, problem: string, remedy?: string): LibvirtCanonicalError =>
  new LibvirtCanonicalError(
    'ARGUMENT_INVALID',
    `heartbeat: ${path}: ${problem}`,
    remedy === undefined ? { path } : { path, remedy },
  );
