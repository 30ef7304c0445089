import { onAbort } from './on-abort.js';
import type { Message } from './wire/message.js';

/** Why a connection ended, in the words of virConnectCloseReason. */
export type CloseReason = 'error' | 'eof' | 'keepalive' | 'client';

/** How a connection ended. `closed` of a connection resolves with it. */
export interface Closed {
  readonly reason: CloseReason;
  /** The failure behind the reasons `error` and `keepalive`, where there is one. */
  readonly error?: Error;
}

/** What became of a request. `sent: false` means that the daemon never saw it. */
export type Outcome =
  | { readonly kind: 'ok'; readonly payload: Buffer; readonly sent: true }
  | { readonly kind: 'error'; readonly payload: Buffer; readonly sent: true }
  | { readonly kind: 'timeout'; readonly sent: boolean }
  | { readonly kind: 'aborted'; readonly sent: boolean; readonly reason: unknown }
  | { readonly kind: 'lost'; readonly sent: boolean; readonly closed: Closed };

export interface Request {
  readonly program: number;
  readonly procedure: number;
  /** The whole frame; its serial is filled in when it is sent. */
  readonly frame: Buffer;
  readonly priority: 'high' | 'low';
  /** Milliseconds, time in the queue included; 0 or Infinity for none. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Sent at once, whatever is under way. For CONNECT_CLOSE only. */
  readonly urgent?: boolean;
  /** Gets the payload of a good reply in the turn in which it is parsed, before anything behind it in the same chunk. */
  readonly onReply?: ((payload: Buffer) => void) | undefined;
  /** Gets the packets of the stream that the call opens, from the moment it is sent: they may come before the reply. */
  readonly stream?: PacketSink | undefined;
}

/** Who takes the packets of a stream. */
export interface PacketSink {
  /** The call is on its way; its packets bear this serial. */
  opened(serial: number): void;
  packet(message: Message): void;
}

/** Longest delay a Node timer takes. */
const TIMER_MAX = 0x7fffffff;

/** A request between its making and its outcome. */
export class PendingCall {
  readonly request: Request;
  readonly #resolve: (outcome: Outcome) => void;
  #timer: NodeJS.Timeout | undefined;
  #forgetSignal: (() => void) | undefined;
  sent = false;
  settled = false;

  constructor(request: Request, resolve: (outcome: Outcome) => void) {
    this.request = request;
    this.#resolve = resolve;
  }

  get priority(): 'high' | 'low' {
    return this.request.priority;
  }

  /** Starts the deadline and listens to the caller's signal. */
  watch(): void {
    const { timeout, signal } = this.request;
    if (timeout > 0 && timeout <= TIMER_MAX) {
      this.#timer = setTimeout(() => this.settle({ kind: 'timeout', sent: this.sent }), timeout);
    }
    if (signal) {
      this.#forgetSignal = onAbort(signal, () =>
        this.settle({ kind: 'aborted', sent: this.sent, reason: signal.reason }),
      );
    }
  }

  lose(closed: Closed): void {
    this.settle({ kind: 'lost', sent: this.sent, closed });
  }

  /** The caller learns this outcome; unless it is the reply, the slot and the serial stay taken until that comes. */
  settle(outcome: Outcome): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.#timer);
    this.#forgetSignal?.();
    this.#resolve(outcome);
  }
}
