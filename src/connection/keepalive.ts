import { HEADER_SIZE, MessageType, Program, writeHeader } from './wire/message.js';

export const PING = 1;
export const PONG = 2;

/** How to find a dead peer: after `count` unanswered pings, `interval` milliseconds apart, the connection is given up. */
export interface KeepAliveOptions {
  /** Milliseconds of silence before a ping. Default 5000. */
  readonly interval: number;
  /** Unanswered pings before the peer counts as dead. Default 5. */
  readonly count: number;
}

/** A ping or a pong, ready to send. */
export function keepaliveFrame(procedure: typeof PING | typeof PONG): Buffer {
  const frame = Buffer.alloc(HEADER_SIZE);
  writeHeader(frame, Program.KEEPALIVE, procedure, MessageType.MESSAGE, 0);
  return frame;
}

interface KeepAliveActions {
  ping(): void;
  dead(): void;
  /** Whether silence says nothing now: a daemon with too many calls of ours does not read our pings. */
  muted(): boolean;
}

/** Pings a silent peer. Whatever arrives counts as life. */
export class KeepAlive {
  readonly #interval: number;
  readonly #count: number;
  readonly #actions: KeepAliveActions;
  #missed = 0;
  #lastHeard = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor({ interval, count }: KeepAliveOptions, actions: KeepAliveActions) {
    this.#interval = interval;
    this.#count = count;
    this.#actions = actions;
    this.#schedule(interval);
  }

  heard(): void {
    this.#lastHeard = performance.now();
    this.#missed = 0;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(delay: number): void {
    this.#timer = setTimeout(() => this.#tick(), delay);
    this.#timer.unref();
  }

  #tick(): void {
    const silence = performance.now() - this.#lastHeard;
    if (silence < this.#interval) {
      this.#schedule(this.#interval - silence);
      return;
    }
    if (this.#missed >= this.#count) {
      this.#actions.dead();
      return;
    }
    if (!this.#actions.muted()) this.#missed++;
    this.#actions.ping();
    this.#schedule(this.#interval);
  }
}
