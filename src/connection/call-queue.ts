/** What the queue needs to know of a call. */
export interface Queued {
  readonly priority: 'high' | 'low';
  /** Whether the caller has given up; such a call is dropped instead of sent. */
  readonly settled: boolean;
}

/**
 * The calls waiting for one of the slots of a socket. The daemon stops reading a socket that has five calls unanswered
 * and then sees no keepalive answer either, so the rest waits here. High-priority calls pass low ones; low ones leave
 * the last slot free, so that a domain whose monitor hangs can still be destroyed.
 */
export class CallQueue<T extends Queued> {
  readonly #slots: number;
  readonly #waiting = { high: new Fifo<T>(), low: new Fifo<T>() };
  #busy = 0;
  #busyLow = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Calls sent and not yet answered. */
  get busy(): number {
    return this.#busy;
  }

  add(call: T): void {
    this.#waiting[call.priority].push(call);
  }

  /** The next call that may be sent now; it holds a slot until {@link release}. */
  take(): T | undefined {
    if (this.#busy >= this.#slots) return undefined;
    let call = next(this.#waiting.high);
    if (!call && (this.#busyLow < this.#slots - 1 || this.#slots === 1)) call = next(this.#waiting.low);
    if (!call) return undefined;
    this.#busy++;
    if (call.priority === 'low') this.#busyLow++;
    return call;
  }

  release(call: T): void {
    this.#busy--;
    if (call.priority === 'low') this.#busyLow--;
  }

  /** Removes and returns all calls that were never sent. */
  drain(): T[] {
    return [...this.#waiting.high.drain(), ...this.#waiting.low.drain()];
  }
}

function next<T extends Queued>(fifo: Fifo<T>): T | undefined {
  let call = fifo.shift();
  while (call?.settled) call = fifo.shift();
  return call;
}

/** A queue whose shift does not move the rest. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get last(): T | undefined {
    return this.length > 0 ? this.#items.at(-1) : undefined;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    // A call that was answered holds its request and its answer, and a connection lasts for long.
    this.#items[this.#head++] = undefined;
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  drain(): T[] {
    const items = this.#items.slice(this.#head) as T[];
    this.#items = [];
    this.#head = 0;
    return items;
  }
}
