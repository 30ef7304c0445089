import { LibvirtCanonicalError } from '../errors.js';
import { type AdminSocket, isAdmin } from './admin.js';
import { type CallOptions, prepare } from './caller.js';
import { checkCallOptions, checkSubscribeOptions } from './check-options.js';
import { LibvirtError } from './errors.js';
import type { SubscribeOptions } from './events/event-classes.js';
import type { EventName, EventSubscription } from './events/subscription.js';
import type { DomainHandle } from './generated/protocol-types.js';
import { RedefineGuard } from './guard.js';
import { withHandledRejection } from './handled-rejection.js';
import type { MigrationProcedure } from './migration-guard.js';
import type { ConnectOptions } from './options.js';
import type { Closed } from './pending-call.js';
import {
  MANAGED_PROCEDURES,
  type ProcedureArgs,
  type ProcedureName,
  type ProcedureResult,
  procedureOf,
} from './procedures.js';
import type { ReconnectingSession } from './reconnecting-session.js';
import { openStream, type ProcedureStream } from './streams/stream.js';
import { DIRECTIONS, isSparse, type StreamProcedure, takesAtMost } from './streams/stream-procedures.js';

const MANAGED: ReadonlySet<string> = new Set(MANAGED_PROCEDURES);

const NEEDS: Record<'fds' | 'stream', string> = {
  fds: 'passes file descriptors, which Node cannot do without native code',
  stream: 'opens a stream',
};

/** What is settled when a connection is made. */
interface ConnectionSettings {
  readonly redefine: 'refuse' | 'allow';
  readonly id: number;
  readonly logDirectory: string | undefined;
  readonly admin: AdminSocket;
  /** Opens another connection to the same daemon with the same options, but for these. */
  readonly another: (options: Pick<ConnectOptions, 'reconnect' | 'callTimeout' | 'signal'>) => Promise<Connection>;
}

interface Internals {
  create(sockets: ReconnectingSession, traits: ConnectionSettings): Connection;
  define(
    connection: Connection,
    xml: string,
    uuid: string,
    flags: number,
    options: CallOptions,
    permit: 'once' | 'again',
  ): Promise<DomainHandle>;
  start(connection: Connection, xml: string, uuid: string, flags: number, options: CallOptions): Promise<DomainHandle>;
  migrate<P extends MigrationProcedure>(
    connection: Connection,
    procedure: P,
    args: ProcedureArgs<P>,
    options: CallOptions,
  ): Promise<ProcedureResult<P>>;
  another(connection: Connection, options: Parameters<ConnectionSettings['another']>[0]): Promise<Connection>;
}

/** What the room may do with a connection and its users may not. */
let internals: Internals;

/**
 * A connection to one libvirt daemon. When its socket is lost, because the daemon was restarted for example, it opens
 * another (`reconnect`): calls that were waiting are sent, reads under way are sent again, subscriptions go on after a
 * `gap`; any other call under way rejects with CONNECTION_LOST and is never repeated. Made by `connect`.
 */
export class Connection implements AsyncDisposable {
  /** Counts the connections of this process; diagnostic records carry it. */
  readonly id: number;
  /** What was connected to, with defaults and aliases resolved. */
  readonly uri: string;
  /** Where the daemon keeps the logs of its domains, as this machine sees it; undefined when that is not known. */
  readonly logDirectory: string | undefined;
  /** Resolves, never rejects, when the connection has ended for good, and says why. */
  readonly closed: Promise<Closed>;

  readonly #sockets: ReconnectingSession;
  readonly #guard: RedefineGuard;
  readonly #admin: AdminSocket;
  readonly #another: ConnectionSettings['another'];
  #closing: Promise<void> | undefined;

  private constructor(
    sockets: ReconnectingSession,
    { redefine, id, logDirectory, admin, another }: ConnectionSettings,
  ) {
    this.id = id;
    this.uri = sockets.session.uri;
    this.logDirectory = logDirectory;
    this.closed = sockets.closed;
    this.#sockets = sockets;
    this.#guard = new RedefineGuard(redefine);
    this.#admin = admin;
    this.#another = another;
    void sockets.closed.then(() => admin.close());
  }

  /** Version of libvirt, e.g. `9.0.0`; another one after a daemon was upgraded and reconnected to. virConnectGetLibVersion. */
  get libvirtVersion(): string {
    return this.#sockets.session.libvirtVersion;
  }

  /** Version of QEMU, e.g. `7.2.0`; `0.0.0` if the daemon cannot tell. Changes as libvirt's does. virConnectGetVersion. */
  get hypervisorVersion(): string {
    return this.#sockets.session.hypervisorVersion;
  }

  /**
   * Calls a procedure of libvirt. Calls run in the daemon in parallel and in no order: await what the next one needs.
   *
   * Throws LibvirtError for what libvirt answers; ARGUMENT_INVALID, UNSUPPORTED and REDEFINE_REFUSED before anything is
   * sent; CALL_TIMEOUT, ABORTED, CONNECTION_LOST and CONNECTION_CLOSED, which tell by `sent` whether it may have taken
   * effect. A rejection that nobody awaits does not end the process.
   *
   * The daemon's admin program, procedures with ADMIN_ before their names, has a socket of its own, opened by the first such
   * call: DAEMON_UNREACHABLE where it is not there or serves another user, UNSUPPORTED for a daemon on another machine.
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
    return withHandledRejection(() => this.#call(procedure, args, options));
  }

  /**
   * Calls a procedure that opens a stream; the type {@link StreamProcedure} lists them. The stream has a socket of its own,
   * so calls and events go on however slowly it is read. It is never taken up again after a loss. The signal ends it also
   * once it is open.
   *
   * Throws as {@link call} does, and what opening a connection throws.
   *
   * @example
   * await using stream = await connection.stream('STORAGE_VOL_DOWNLOAD', { vol, offset: 0n, length: 0n, flags: 0 });
   * for await (const chunk of stream.readable) if (chunk instanceof Uint8Array) bytes += chunk.length;
   */
  stream<P extends StreamProcedure>(
    procedure: P,
    args: ProcedureArgs<P>,
    options: CallOptions = {},
  ): Promise<ProcedureStream<P>> {
    return withHandledRejection(async () => {
      if (!Object.hasOwn(DIRECTIONS, procedure)) {
        throw new LibvirtCanonicalError('UNSUPPORTED', `${procedure} opens no stream`, { remedy: 'Use call' });
      }
      const call = prepare(procedure, args);
      const session = await this.#sockets.another(procedure, options.signal);
      const bounds = { sparse: isSparse(procedure, args), atMost: takesAtMost(procedure, args) };
      return openStream(session, call, options, bounds);
    });
  }

  /**
   * Registers for an event, or for several whose order among each other counts. When the promise resolves the daemon has
   * registered them, so nothing caused afterwards is missed: subscribe first, then call, then wait. List after subscribing to learn the present state.
   *
   * Two items are no events, and after both one must list again: `{ type: 'overflow', lost }` from a consumer too slow for
   * its queue (default 1024), and `{ type: 'gap', reason }` where the connection was lost and is there again.
   *
   * @example
   * await using removed = await connection.subscribe('DEVICE_REMOVED', { domain });
   * for await (const item of removed) if (item.type === 'event') console.log(item.data.devAlias);
   */
  subscribe<E extends EventName>(
    events: E | readonly E[],
    options: SubscribeOptions = {},
  ): Promise<EventSubscription<E>> {
    return withHandledRejection(async () => {
      checkSubscribeOptions(options);
      return this.#sockets.subscribe(typeof events === 'string' ? [events] : events, options);
    });
  }

  /**
   * Tells the daemon and closes the socket. Calls under way end with CONNECTION_LOST (`reason: 'client'`), queued ones
   * with CONNECTION_CLOSED, subscriptions end normally. Never rejects; loss on the way is success.
   */
  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#sockets.close(), this.#admin.close()]).then(() => {});
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
    checkCallOptions(options);
    if (MANAGED.has(procedure)) {
      throw new LibvirtCanonicalError('UNSUPPORTED', `${procedure} is the connection's own`, {
        remedy: 'Use connect, subscribe and close',
      });
    }
    this.#guard.check(procedure, args ?? {});
    const { needs } = procedureOf(procedure);
    if (needs) {
      throw new LibvirtCanonicalError('UNSUPPORTED', `${procedure} was not sent: it ${NEEDS[needs]}`, {
        remedy: needs === 'stream' && procedure in DIRECTIONS ? 'Use `stream` of the connection' : 'Use virsh for it',
      });
    }
    const call = prepare(procedure, args);
    return isAdmin(procedure) ? this.#admin.call(call, options) : this.#sockets.call(call, options);
  }

  async #define(
    xml: string,
    uuid: string,
    flags: number,
    options: CallOptions,
    permit: 'once' | 'again',
  ): Promise<DomainHandle> {
    this.#guard.spend(uuid, permit);
    try {
      const define = prepare('DOMAIN_DEFINE_XML_FLAGS', { xml, flags }, { uuid });
      const { dom } = await this.#sockets.call(define, options);
      return dom;
    } catch (error) {
      if (permit === 'once' && certainlyNotDone(error)) this.#guard.restore(uuid);
      throw error;
    }
  }

  async #startTransient(xml: string, uuid: string, flags: number, options: CallOptions): Promise<DomainHandle> {
    const start = prepare('DOMAIN_CREATE_XML', { xml_desc: xml, flags }, { uuid });
    const { dom } = await this.#sockets.call(start, options);
    return dom;
  }

  static {
    internals = {
      create: (...parts) => new Connection(...parts),
      define: (connection, ...rest) => connection.#define(...rest),
      start: (connection, ...rest) => connection.#startTransient(...rest),
      migrate: (connection, procedure, args, options) => connection.#sockets.call(prepare(procedure, args), options),
      another: (connection, options) => connection.#another(options),
    };
  }
}

/** Makes the connection of a succession of sockets; only connect.ts has one. */
export const createConnection: Internals['create'] = (...parts) => internals.create(...parts);

/** The way of define-permit.ts, and of nothing else, past the guard. */
export const defineThrough: Internals['define'] = (...args) => internals.define(...args);

/** The way of transient-permit.ts, and of nothing else, past the guard. */
export const startThrough: Internals['start'] = (...args) => internals.start(...args);

/** The way of migration-permit.ts, and of nothing else, past the guard. */
export const migrateThrough: Internals['migrate'] = (...args) => internals.migrate(...args);

/**
 * Opens another connection to the same daemon, with the same options but for those given: for work that must not share a
 * socket, such as a migration, which hangs on the socket of its connection.
 */
export const connectAgain: Internals['another'] = (...args) => internals.another(...args);

/** Whether a call that failed has surely changed nothing: libvirt refused it, or never saw it. */
function certainlyNotDone(error: unknown): boolean {
  if (error instanceof LibvirtError) return true;
  if (!(error instanceof LibvirtCanonicalError)) return false;
  return error.code === 'ARGUMENT_INVALID' || ('sent' in error && error.sent === false);
}
