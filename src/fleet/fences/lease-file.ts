import { constants, type FileHandle, open } from 'node:fs/promises';
import { sha256 } from '#platform';

/** Bytes of one slot: no disk has larger sectors. A host writes its own slot and no other. */
export const SLOT = 4096;
/** Slots of one file. */
export const SLOTS = 256;
const MAGIC = 'lvc-heartbeat 1';

/** What a host writes at each beat. */
export interface Beat {
  /** The host's name in the fleet. */
  readonly host: string;
  /** Another one each time that the writer is started. */
  readonly instance: string;
  readonly count: number;
  /** Milliseconds between two beats. */
  readonly every: number;
  /** Milliseconds in which the host's watchdog resets it after the beats have failed; null when nothing does. */
  readonly watchdog: number | null;
  /** It was ended on purpose: what the host runs goes on. */
  readonly stopped: boolean;
}

/** A slot as it is read. `other`: bytes that no heartbeat wrote, or one that was read while it was written. */
export type Slot = { readonly is: 'empty' | 'other' } | ({ readonly is: 'beat' } & Beat);

/** A beat as it is written: with a digest, by which one that is half written is told. */
export function slotBytes(beat: Beat): Buffer {
  const json = JSON.stringify(beat);
  const bytes = Buffer.alloc(SLOT);
  bytes.write(`${MAGIC}\n${sha256(json, 'hex')}\n${json}\n`);
  return bytes;
}

/** Reads what {@link slotBytes} wrote. */
export function readSlot(bytes: Buffer): Slot {
  if (bytes.every((byte) => byte === 0)) return { is: 'empty' };
  const [magic, digest, json = ''] = bytes.toString('utf8').split('\n');
  if (magic !== MAGIC || digest !== sha256(json, 'hex')) return { is: 'other' };
  try {
    const { host, instance, count, every, watchdog, stopped } = JSON.parse(json) as Partial<Beat>;
    const isPeriod = (value: unknown): value is number => typeof value === 'number' && value > 0;
    const whole = typeof host === 'string' && typeof instance === 'string' && Number.isSafeInteger(count);
    if (!whole || !isPeriod(every) || !(watchdog === null || isPeriod(watchdog)) || typeof stopped !== 'boolean')
      return { is: 'other' };
    return { is: 'beat', host, instance, count: count as number, every, watchdog, stopped };
  } catch {
    return { is: 'other' };
  }
}

/**
 * Reads all slots past this machine's cache where the file system can: what another host wrote to a block device does not reach
 * the cache here. Opened anew each time, since NFS asks the server then.
 */
export async function readSlots(file: string): Promise<Slot[]> {
  const bytes = await readDirect(file, SLOT * SLOTS);
  return Array.from({ length: Math.floor(bytes.length / SLOT) }, (_, at) =>
    readSlot(bytes.subarray(at * SLOT, (at + 1) * SLOT)),
  );
}

async function readDirect(file: string, length: number): Promise<Buffer> {
  const { O_RDONLY, O_DIRECT } = constants;
  let handle: FileHandle;
  try {
    handle = await open(file, O_RDONLY | O_DIRECT);
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
    handle = await open(file, O_RDONLY);
  }
  try {
    // The kernel takes no buffer that is not aligned, and only it knows where one is: the first place that it takes is.
    const buffer = Buffer.allocUnsafeSlow(length + SLOT);
    for (let at = 0; ; at += 8) {
      try {
        const { bytesRead } = await handle.read(buffer, at, length, 0);
        return buffer.subarray(at, at + bytesRead);
      } catch (error) {
        if (codeOf(error) !== 'EINVAL' || at >= SLOT) throw error;
      }
    }
  } finally {
    await handle.close();
  }
}

/** Writes one slot, and returns when the storage has it. */
export async function writeSlot(handle: FileHandle, slot: number, beat: Beat): Promise<void> {
  const { bytesWritten } = await handle.write(slotBytes(beat), 0, SLOT, slot * SLOT);
  if (bytesWritten !== SLOT) throw new Error(`${bytesWritten} of ${SLOT} bytes were written`);
}

/** Opens the file for beats; it is never made here, so that a missing mount is no file of its own. */
export const openForBeats = (file: string): Promise<FileHandle> => open(file, constants.O_RDWR | constants.O_DSYNC);

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
