import type { Guest } from '../../src/testing/index.js';

/** Between two looks at the consoles, in milliseconds. */
const LOOK = 10;
const LOOP =
  '(n=0; while :; do n=$((n+1)); echo "tick $n" >/dev/ttyS0; sleep 0.05; done) >/dev/null 2>&1 & echo started';

/**
 * A guest that counts on its serial port, watched from outside wherever it runs: how long it was silent at most, and whether a
 * number is missing or came twice. Its own clock would not tell: that stands still with it.
 */
export class Ticker implements Disposable {
  readonly #guests: readonly Guest[];
  readonly #read: number[];
  readonly #timer: NodeJS.Timeout;
  readonly #ticks: Array<{ readonly n: number; readonly at: number }> = [];
  #rest = '';

  private constructor(guests: readonly Guest[]) {
    this.#guests = guests;
    this.#read = guests.map((guest) => guest.consoleLog().length);
    this.#timer = setInterval(() => this.#look(), LOOK);
  }

  /** Starts it in the guest, which runs on the first of the hosts and is seen on each of them. */
  static async start(guests: readonly [Guest, ...Guest[]]): Promise<Ticker> {
    const ticker = new Ticker(guests);
    await guests[0].exec(LOOP);
    return ticker;
  }

  /** The last number that was seen. */
  get last(): number {
    return this.#ticks.at(-1)?.n ?? 0;
  }

  /** The longest silence after the tick with that number, in milliseconds. */
  longestSilence(since: number): number {
    const after = this.#ticks.filter(({ n }) => n >= since);
    return Math.max(...after.slice(1).map(({ at }, before) => at - (after[before]?.at ?? at)));
  }

  /** Numbers that are not the one after the one before. */
  get outOfTurn(): readonly number[] {
    return this.#ticks.filter(({ n }, at) => at > 0 && n !== (this.#ticks[at - 1]?.n ?? 0) + 1).map(({ n }) => n);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    // It runs on one host at a time: what both have written since the last look was written by the one that wrote before, first.
    const grown = this.#guests.map((guest, at) => guest.consoleLog().slice(this.#read[at]));
    const order = grown.map((_, at) => at).sort((a, b) => Number(b === this.#running) - Number(a === this.#running));
    for (const at of order) {
      const text = grown[at] ?? '';
      if (text === '') continue;
      this.#running = at;
      this.#read[at] = (this.#read[at] ?? 0) + text.length;
      const lines = `${this.#rest}${text}`.split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        const n = Number(/tick (\d+)/.exec(line)?.[1] ?? Number.NaN);
        if (Number.isFinite(n)) this.#ticks.push({ n, at: performance.now() });
      }
    }
  }
  #running = 0;
}
