import { notify } from '../apply/index.js';

/** How far a long operation is: a copy, a backup, a save, a migration. */
export interface Progress {
  /** What is under way, e.g. `copy of disk root`. */
  readonly what: string;
  /** From 0 to 1. The total can grow while a guest writes, so this can go back. 0 while the total is not known. */
  readonly fraction: number;
  readonly bytes: { readonly done: number; readonly total: number };
  /** Bytes a second over the last seconds; undefined until there are two readings. */
  readonly rate: number | undefined;
  /** Milliseconds left at that rate; undefined while there is no rate, or nothing moves. */
  readonly remaining: number | undefined;
}

/** Options of an operation that takes long. */
export interface ProgressOptions {
  /** What an abort does stands at each operation. */
  readonly signal?: AbortSignal | undefined;
  /** Told how far it is, at least once a second. What it throws is dropped: it cannot end a job halfway. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Milliseconds that a rate looks back: long enough to be steady, short enough to follow a change. */
const WINDOW = 5_000;

/** Makes {@link Progress} of successive readings of (done, total) and tells it to the caller. One for each job. */
export class ProgressMeter {
  readonly #what: string;
  readonly #onProgress: ProgressOptions['onProgress'];
  readonly #now: () => number;
  /** The readings of the last {@link WINDOW}, oldest first. */
  #readings: { readonly at: number; readonly done: number }[] = [];

  /** `now` is a clock in milliseconds. */
  constructor(what: string, { onProgress }: ProgressOptions = {}, now: () => number = () => performance.now()) {
    this.#what = what;
    this.#onProgress = onProgress;
    this.#now = now;
  }

  /** Takes a reading, in bytes, as block jobs and virDomainGetJobStats give them. */
  read(done: number | bigint, total: number | bigint): Progress {
    const bytes = { done: Number(done), total: Number(total) };
    const reading = { at: this.#now(), done: bytes.done };
    // A job that begins anew (another pass over memory, another disk) has no rate yet.
    if (bytes.done < (this.#readings.at(-1)?.done ?? 0)) this.#readings = [];
    // One reading older than the window stays, so that slow polling still has two.
    while ((this.#readings[1]?.at ?? Number.POSITIVE_INFINITY) <= reading.at - WINDOW) this.#readings.shift();
    const [first] = this.#readings;
    this.#readings.push(reading);
    const elapsed = first ? reading.at - first.at : 0;
    const rate = first && elapsed > 0 ? ((reading.done - first.done) / elapsed) * 1000 : undefined;
    const left = Math.max(bytes.total - bytes.done, 0);
    const progress: Progress = {
      what: this.#what,
      fraction: bytes.total > 0 ? Math.min(bytes.done / bytes.total, 1) : 0,
      bytes,
      rate,
      remaining: left === 0 ? 0 : rate ? (left / rate) * 1000 : undefined,
    };
    notify(this.#onProgress, progress);
    return progress;
  }
}
