import type { MigrationPolicy } from './policy.js';

/** A quantity that is to become smaller, judged where readings can be compared with each other. */
class Falling {
  readonly #boundaries: number;
  readonly #improve: number;
  #readings: number[] = [];

  constructor({ boundaries, improve }: MigrationPolicy['stall']) {
    this.#boundaries = boundaries;
    this.#improve = improve;
  }

  /** Takes what remains at a boundary. True when it stalls: then it is judged anew from there on. */
  stalls(remaining: number): boolean {
    this.#readings = [...this.#readings, remaining].slice(-this.#boundaries);
    const [first] = this.#readings;
    if (this.#readings.length < this.#boundaries || first === undefined) return false;
    if (remaining <= first * (1 - this.#improve)) return false;
    this.#readings = [remaining];
    return true;
  }
}

/** Seconds in which a disk that is copied must have come on. */
const DISK_WINDOW = 10;

/**
 * Whether a migration gets on. Of memory only what remains when a pass over it begins can be compared: in between it falls
 * and rises as a saw tooth. Disks have no passes: of them it is the least that remained within each window of time.
 */
export class StallJudge {
  readonly #memory: Falling;
  readonly #disks: Falling;
  #iteration = 0;
  #window: { until: number; least: number } | undefined;

  constructor({ stall }: MigrationPolicy) {
    this.#memory = new Falling(stall);
    this.#disks = new Falling(stall);
  }

  /** Takes a reading at the time `now` in seconds; tells what stalls. Only the first reading of each pass is judged. */
  read(
    now: number,
    { iteration, memory, disk }: { iteration: number; memory: number; disk: number },
  ): 'memory' | 'disk' | undefined {
    if (iteration > this.#iteration) {
      this.#iteration = iteration;
      return this.#memory.stalls(memory) ? 'memory' : undefined;
    }
    if (iteration > 0 || disk === 0) return undefined;
    if (!this.#window) this.#window = { until: now + DISK_WINDOW, least: disk };
    this.#window.least = Math.min(this.#window.least, disk);
    if (now < this.#window.until) return undefined;
    const { least } = this.#window;
    this.#window = undefined;
    return this.#disks.stalls(least) ? 'disk' : undefined;
  }
}

/** Whether anything is sent at all: by the bytes processed, since libvirt goes on giving the last rate. */
export class SilenceWatch {
  readonly #seconds: number;
  #processed = -1;
  #since = 0;

  constructor({ silence }: MigrationPolicy) {
    this.#seconds = silence;
  }

  /** Takes a reading, undefined when there was none to have; true when nothing was sent for too long. */
  read(now: number, processed: number | undefined): boolean {
    if (this.#processed < 0 || (processed !== undefined && processed !== this.#processed)) {
      this.#processed = processed ?? 0;
      this.#since = now;
    }
    return now - this.#since > this.#seconds;
  }
}
