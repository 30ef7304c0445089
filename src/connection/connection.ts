import { LibvirtCanonicalError } from '../errors.js';
import type { Caller, CallOptions } from './caller.js';
import { LibvirtError } from './errors.js';
import type { SubscribeOptions } from './event-classes.js';
import type { EventRouter } from './events.js';
import { RedefineGuard } from './guard.js';
import type { Closed } from './pending-call.js';
import {
  MANAGED_PROCEDURES,
  type ProcedureArgs,
  type ProcedureName,
  type ProcedureResult,
  procedureOf,
} from './procedures.js';
import type { DomainHandle } from './protocol-types.generated.js';
import type { Rpc } from './rpc.js';
import type { EventName, EventSubscription } from './subscription.js';
import { unwatched } from './unwatched.js';

/** Milliseconds that closing waits for the daemon's answer. */
const CLOSE_TIMEOUT = 1000;

const MANAGED: ReadonlySet<string> = new Set(MANAGED_PROCEDURES);

const NEEDS: Record<'fds' | 'stream', string> = {
  fds: 'passes file descriptors, which Node cannot do without native code',
  stream: 'opens a stream, which this library does not do yet',
};

/** What an opened socket hands to its connection. */
interface Opened {
  readonly rpc: Rpc;
  readonly caller: Caller;
  readonly events: EventRouter;
  readonly closed: Promise<Closed>;
  readonly uri: string;
  readonly libvirtVersion: string;
  readonly hypervisorVersion: string;
  readonly redefine: 'refuse' | 'allow';
  readonly eventCallbacks: boolean;
}

interface Doors {
  create(opened: Opened): Connection;
  define(connection: Connection, xml: string, uuid: string, flags: number, options: CallOptions): Promise<DomainHandle>;
}

/** What the room may do with a connection and its users may not. */
let doors: Doors;

/**
 * One connection to one libvirt daemon, over one socket, single-use: when it is lost, connect again, list again,
 * subscribe again. Made by `connect`.
 */
export class Connection implements AsyncDisposable {
  /** Counts the connections of this process; diagnostic records carry it. */
  readonly id: number;
  /** What was connected to, with defaults and aliases resolved. */
  readonly uri: string;
  /** Version of libvirt, e.g. `9.0.0`. virConnectGetLibVersion. */
  readonly libvirtVersion: string;
  /** Version of QEMU, e.g. `7.2.0`; `0.0.0` if the daemon cannot tell. virConnectGetVersion. */
  readonly hypervisorVersion: string;
  /** Resolves, never rejects, when the connection has ended, and says why. */
  readonly closed: Promise<Closed>;

  readonly #rpc: Rpc;
  readonly #caller: Caller;
  readonly #events: EventRouter;
  readonly #guard: RedefineGuard;
  readonly #eventCallbacks: boolean;
  #closing: Promise<void> | undefined;

  private constructor(opened: Opened) {
    this.id = opened.caller.id;
    this.uri = opened.uri;
    this.libvirtVersion = opened.libvirtVersion;
    this.hypervisorVersion = opened.hypervisorVersion;
    this.closed = opened.closed;
    this.#rpc = opened.rpc;
    this.#caller = opened.caller;
    this.#events = opened.events;
    this.#guard = new RedefineGuard(opened.redefine);
    this.#eventCallbacks = opened.eventCallbacks;
  }

  /**
   * Calls a procedure of libvirt. Calls run in the daemon in parallel and in no order: await what the next one needs.
   *
   * Throws LibvirtError for what libvirt answers; ARGUMENT_INVALID, UNSUPPORTED and REDEFINE_REFUSED before anything is
   * sent; CALL_TIMEOUT, ABORTED, CONNECTION_LOST and CONNECTION_CLOSED, which tell by `sent` whether it may have taken
   * effect. A rejection that nobody awaits does not end the process.
   *
   * @example
   * const { dom } = await connection.call('DOMAIN_LOOKUP_BY_NAME', { name: 'web1' });
   * const { xml } = await connection.call('DOMAIN_GET_XML_DESC', { dom, flags: VIR_DOMAIN_XML_INACTIVE });
   */
  call<P extends ProcedureName>(
    procedure: P,
    args: ProcedureArgs<P>,
    options: CallOptions = {},
  ): Promise<ProcedureResult<P>> {
    return unwatched(() => this.#call(procedure, args, options));
  }

  /**
   * Registers for an event, or for several whose order among each other counts. When the promise resolves the daemon has registered it, so nothing caused afterwards is
   * missed: subscribe first, then call, then wait. List after subscribing to learn the present state.
   *
   * A consumer too slow for its queue (default 1024) gets the oldest events and then one item
   * `{ type: 'overflow', lost }`, after which it must list again.
   *
   * @example
   * await using removed = await connection.subscribe('DEVICE_REMOVED', { domain });
   * for await (const item of removed) if (item.type === 'event') console.log(item.data.devAlias);
   */
  subscribe<E extends EventName>(
    events: E | readonly E[],
    options: SubscribeOptions = {},
  ): Promise<EventSubscription<E>> {
    return unwatched(() => this.#subscribe(typeof events === 'string' ? [events] : events, options));
  }

  /**
   * Tells the daemon and closes the socket. Calls under way end with CONNECTION_LOST (`reason: 'client'`), queued ones
   * with CONNECTION_CLOSED, subscriptions end normally. Never rejects; loss on the way is success.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #call<P extends ProcedureName>(
    procedure: P,
    args: ProcedureArgs<P>,
    options: CallOptions,
  ): Promise<ProcedureResult<P>> {
    if (MANAGED.has(procedure)) {
      throw new LibvirtCanonicalError('UNSUPPORTED', `${procedure} is the connection's own`, {
        remedy: 'Use connect, subscribe and close',
      });
    }
    this.#guard.check(procedure, args ?? {});
    const { needs } = procedureOf(procedure);
    if (needs) throw new LibvirtCanonicalError('UNSUPPORTED', `${procedure} was not sent: it ${NEEDS[needs]}`);
    return this.#caller.call(procedure, args, options);
  }

  async #subscribe<E extends EventName>(
    events: readonly E[],
    options: SubscribeOptions,
  ): Promise<EventSubscription<E>> {
    if (!this.#eventCallbacks) {
      throw new LibvirtCanonicalError(
        'UNSUPPORTED',
        `events need libvirt 1.2.1 or newer, the daemon is ${this.libvirtVersion}`,
      );
    }
    return this.#events.subscribe(events, options);
  }

  async #define(xml: string, uuid: string, flags: number, options: CallOptions): Promise<DomainHandle> {
    this.#guard.spend(uuid);
    try {
      const { dom } = await this.#caller.call(
        'DOMAIN_DEFINE_XML_FLAGS',
        { xml, flags },
        { ...options, subject: { uuid } },
      );
      return dom;
    } catch (error) {
      if (certainlyNotDone(error)) this.#guard.restore(uuid);
      throw error;
    }
  }

  async #close(): Promise<void> {
    if (this.#rpc.closed) return;
    this.#rpc.refuseMore();
    try {
      await this.#caller.call('CONNECT_CLOSE', {}, { urgent: true, timeout: CLOSE_TIMEOUT });
    } catch {
      // The daemon may hang up before its answer is through.
    }
    this.#rpc.end({ reason: 'client' });
  }

  static {
    doors = {
      create: (opened) => new Connection(opened),
      define: (connection, ...rest) => connection.#define(...rest),
    };
  }
}

/** Makes the connection of an opened socket; only open.ts has one. */
export const createConnection = (opened: Opened): Connection => doors.create(opened);

/** The way of define-permit.ts, and of nothing else, past the guard. */
export const defineThrough: Doors['define'] = (...args) => doors.define(...args);

/** Whether a call that failed has surely changed nothing: libvirt refused it, or never saw it. */
function certainlyNotDone(error: unknown): boolean {
  if (error instanceof LibvirtError) return true;
  if (!(error instanceof LibvirtCanonicalError)) return false;
  return error.code === 'ARGUMENT_INVALID' || ('sent' in error && error.sent === false);
}
