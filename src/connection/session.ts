import { LibvirtCanonicalError } from '../errors.js';
import type { Caller, CallOptions, PreparedCall } from './caller.js';
import type { EventRequest, EventRouter } from './events/events.js';
import type { EventName, EventSink } from './events/subscription.js';
import { ignore } from './handled-rejection.js';
import type { Closed, PacketSink } from './pending-call.js';
import type { AnyProcedure, ProcedureResult } from './procedures.js';
import type { Rpc } from './rpc.js';

/** Milliseconds that closing waits for the daemon's answer. */
const CLOSE_TIMEOUT = 1000;

/** What opening a socket leads to. */
export interface Opened {
  readonly rpc: Rpc;
  readonly caller: Caller;
  readonly events: EventRouter;
  readonly uri: string;
  readonly libvirtVersion: string;
  readonly hypervisorVersion: string;
  readonly eventCallbacks: boolean;
}

/** One opened socket, single-use. A connection is a succession of them. Made by `openSession`. */
export class Session {
  readonly uri: string;
  readonly libvirtVersion: string;
  readonly hypervisorVersion: string;
  /** Called once, in the turn in which the socket ends and before any call on it has rejected. */
  onEnd: (closed: Closed) => void = ignore;

  readonly #rpc: Rpc;
  readonly #caller: Caller;
  readonly #events: EventRouter;
  readonly #eventCallbacks: boolean;
  #closing: Promise<void> | undefined;

  constructor(opened: Opened) {
    this.uri = opened.uri;
    this.libvirtVersion = opened.libvirtVersion;
    this.hypervisorVersion = opened.hypervisorVersion;
    this.#rpc = opened.rpc;
    this.#caller = opened.caller;
    this.#events = opened.events;
    this.#eventCallbacks = opened.eventCallbacks;
  }

  /** How it ended, once it has. */
  get closed(): Closed | undefined {
    return this.#rpc.closed;
  }

  send<P extends AnyProcedure>(call: PreparedCall<P>, options: CallOptions): Promise<ProcedureResult<P>> {
    return this.#caller.send(call, options);
  }

  /** Sends a call that opens a stream, whose packets go to `stream`. */
  sendStream<P extends AnyProcedure>(
    call: PreparedCall<P>,
    options: CallOptions,
    stream: PacketSink,
  ): Promise<ProcedureResult<P>> {
    return this.#caller.send(call, { ...options, stream });
  }

  /** Resolves when the socket is closed; then a child behind it is gone too. */
  get released(): Promise<void> {
    return this.#rpc.released;
  }

  /** The socket, for the packets of a stream. */
  get packets(): Pick<Rpc, 'packet' | 'pause' | 'resume'> {
    return this.#rpc;
  }

  /** See EventRouter. Throws UNSUPPORTED where the daemon has no events for each callback. */
  async listen<E extends EventName>(
    request: EventRequest<E>,
    sink: EventSink<E>,
    options: CallOptions,
  ): Promise<() => Promise<void>> {
    if (!this.#eventCallbacks) {
      throw new LibvirtCanonicalError(
        'UNSUPPORTED',
        `events need libvirt 1.2.1 or newer, the daemon is ${this.libvirtVersion}`,
        { remedy: 'Upgrade libvirt; calls work without events' },
      );
    }
    return this.#events.listen(request, sink, options);
  }

  /** Tells the daemon and closes the socket, and waits for the end of a child behind it. Never rejects; loss on the way is success. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (!this.#rpc.closed) await this.#sayGoodbye();
    await this.#rpc.released;
  }

  async #sayGoodbye(): Promise<void> {
    this.#rpc.refuseMore();
    try {
      await this.#caller.call('CONNECT_CLOSE', {}, { urgent: true, timeout: CLOSE_TIMEOUT });
    } catch {
      // The daemon may hang up before its answer is through.
    }
    this.#rpc.end({ reason: 'client' });
  }
}
