import { setTimeout as sleep } from 'node:timers/promises';
import { LibvirtCanonicalError } from '../errors.js';
import type { CallNumbers, CallOptions, PreparedCall } from './caller.js';
import { type ConnectionRecord, connectionChannel } from './diagnostics.js';
import { CallTimeoutError, ConnectionLostError, lossOf } from './errors.js';
import { EVENT_CLASSES, type SubscribeOptions } from './events/event-classes.js';
import { eventRequest } from './events/events.js';
import { StandingSubscription } from './events/standing-subscription.js';
import type { EventName, EventSubscription } from './events/subscription.js';
import type { ResolvedOptions } from './options.js';
import type { Closed } from './pending-call.js';
import type { AnyProcedure, ProcedureResult } from './procedures.js';
import { isRepeatable } from './repeatable.js';
import type { Session } from './session.js';
import { waitFor } from './wait-for.js';

/** How often a read is sent again after its reply was lost: a reply that takes each socket with it is the read's own fault. */
const REPEATS = 2;
/** Longest that opening a socket again may take, in milliseconds. */
const OPEN_TIMEOUT = 30_000;

/** Opens a socket to the daemon of a connection. One that carries a stream goes unread at times, so it has no keepalive. */
export type Open = (signal: AbortSignal | undefined, use?: 'calls' | 'stream') => Promise<Session>;

/**
 * The sockets of a connection, one after the other. When one is lost the next is opened, subscriptions are registered
 * there, and calls that the daemon never saw are sent; of the others reads are sent again and the rest are told that
 * their outcome is unknown.
 */
export class ReconnectingSession {
  /** Resolves when no further socket will be opened. */
  readonly closed: Promise<Closed>;
  readonly #open: Open;
  readonly #options: ResolvedOptions;
  readonly #numbers: CallNumbers;
  readonly #standing = new Set<StandingSubscription<EventName>>();
  readonly #life = new AbortController();
  /** The socket in use, or the last that was. */
  #session: Session;
  /** When it was opened. */
  #since = performance.now();
  /** Attempts to open since a socket last lived long or carried an answer. */
  #attempt = 0;
  /** While there is no socket: settles when there is one, or none to come. */
  #down: { readonly over: Promise<void>; end(): void } | undefined;
  #reopening: Promise<void> | undefined;
  /** Sockets that carry a stream. */
  readonly #streams = new Set<Session>();
  #ended: Closed | undefined;
  #resolveClosed!: (closed: Closed) => void;

  constructor(first: Session, open: Open, options: ResolvedOptions, numbers: CallNumbers) {
    this.#open = open;
    this.#options = options;
    this.#numbers = numbers;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#session = first;
    this.#adopt(first);
  }

  get session(): Session {
    return this.#session;
  }

  async call<P extends AnyProcedure>(call: PreparedCall<P>, options: CallOptions): Promise<ProcedureResult<P>> {
    const { signal, timeout = this.#options.callTimeout } = options;
    const left = countdown(timeout);
    for (let repeats = 0; ; ) {
      try {
        const session = this.#up ?? (await this.#ready(call, { signal, timeout: left() }));
        const result = await session.send(call, { signal, timeout: left() });
        this.#attempt = 0;
        return result;
      } catch (error) {
        if (error instanceof CallTimeoutError) throw new CallTimeoutError(call.name, timeout, error.sent);
        if (!(error instanceof ConnectionLostError) || error.reason === 'client' || this.#ended) throw error;
        if (error.sent && (!isRepeatable(call.name) || repeats++ >= REPEATS)) throw error;
      }
    }
  }

  /** Opens a socket besides, for one stream. It is closed with the connection, and not when the connection's own is lost. */
  async another(name: AnyProcedure, signal: AbortSignal | undefined): Promise<Session> {
    if (this.#ended) throw lossOf(name, { closed: this.#ended, sent: false });
    const session = await this.#open(
      signal ? AbortSignal.any([signal, this.#life.signal]) : this.#life.signal,
      'stream',
    );
    if (this.#life.signal.aborted) {
      await session.close();
      throw lossOf(name, { closed: this.#ended ?? { reason: 'client' }, sent: false });
    }
    this.#streams.add(session);
    void session.released.then(() => this.#streams.delete(session));
    return session;
  }

  async subscribe<E extends EventName>(events: readonly E[], options: SubscribeOptions): Promise<EventSubscription<E>> {
    const requests = events.map((event) => eventRequest(event, options));
    const [first] = requests;
    if (!first) throw new LibvirtCanonicalError('ARGUMENT_INVALID', 'no event to subscribe to', { path: 'events' });
    const { signal, queue } = options;
    const left = countdown(this.#options.callTimeout);
    const name = EVENT_CLASSES[first.class].register;
    const subscription = new StandingSubscription(requests, {
      signal,
      queue,
      onClose: (it) => this.#standing.delete(it),
    });
    for (;;) {
      const session = this.#up ?? (await this.#ready({ name }, { signal, timeout: left() }));
      try {
        await subscription.register(session, { signal, timeout: left() });
      } catch (error) {
        if (!(error instanceof ConnectionLostError) || error.reason === 'client') throw error;
        continue;
      }
      // Lost between the daemon's answer and here, it was never told of: no gap, simply again.
      if (session.closed) continue;
      this.#standing.add(subscription as unknown as StandingSubscription<EventName>);
      return subscription.queue;
    }
  }

  async close(): Promise<void> {
    this.#life.abort();
    await Promise.all([...this.#streams].map((session) => session.close()));
    if (this.#down) this.#finish({ reason: 'client' });
    await this.#session.close();
    // What was being opened is closed too.
    await this.#reopening;
  }

  /** The socket in use, if there is one. */
  get #up(): Session | undefined {
    return this.#down || this.#ended ? undefined : this.#session;
  }

  /** Waits for a socket. Throws what became of a call that was not sent. */
  async #ready({ name }: { readonly name: AnyProcedure }, { signal, timeout = 0 }: CallOptions): Promise<Session> {
    while (this.#down) await waitFor(this.#down.over, { procedure: name, timeout, signal, sent: false });
    if (this.#ended) throw lossOf(name, { closed: this.#ended, sent: false });
    return this.#session;
  }

  #adopt(session: Session): void {
    this.#session = session;
    this.#since = performance.now();
    session.onEnd = (closed) => this.#lost(closed);
    this.#down?.end();
    this.#down = undefined;
  }

  #lost(closed: Closed): void {
    const { reconnect } = this.#options;
    if (closed.reason === 'client' || !reconnect) {
      this.#finish(closed);
      return;
    }
    this.#publish({ state: 'lost', reason: closed.reason });
    let end = (): void => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#down = { over, end };
    // A daemon that takes each socket and drops it is not to be asked without end.
    if (performance.now() - this.#since >= reconnect.maxDelay) this.#attempt = 0;
    this.#reopening = this.#reopen(closed, reconnect);
  }

  async #reopen(lost: Closed, { attempts, delay, maxDelay }: NonNullable<ResolvedOptions['reconnect']>): Promise<void> {
    const started = performance.now();
    let { error } = lost;
    while (this.#attempt < attempts) {
      const pause = Math.min(delay * 2 ** this.#attempt++, maxDelay);
      try {
        await sleep(pause, undefined, { signal: this.#life.signal });
        const session = await this.#next(lost);
        const { libvirtVersion } = session;
        this.#adopt(session);
        this.#publish({ state: 'restored', libvirtVersion, durationMs: performance.now() - started });
        return;
      } catch (cause) {
        if (this.#ended) return;
        error = cause as Error;
      }
    }
    this.#finish(error ? { reason: lost.reason, error } : { reason: lost.reason });
  }

  /** Opens the next socket and registers the subscriptions there, so that a call that waited misses no event of its own making. */
  async #next({ reason }: Closed): Promise<Session> {
    const { callTimeout } = this.#options;
    const limit = callTimeout > 0 ? Math.min(callTimeout, OPEN_TIMEOUT) : OPEN_TIMEOUT;
    const signal = AbortSignal.any([this.#life.signal, AbortSignal.timeout(limit)]);
    const session = await this.#open(signal);
    try {
      await Promise.all([...this.#standing].map((each) => each.resume(session, reason, { signal, timeout: limit })));
      signal.throwIfAborted();
      if (session.closed) throw new ConnectionLostError(session.closed, true);
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  #finish(closed: Closed): void {
    if (this.#ended) return;
    this.#ended = closed;
    this.#life.abort();
    this.#down?.end();
    this.#down = undefined;
    for (const each of [...this.#standing]) {
      each.queue.end(closed.reason === 'client' ? undefined : new ConnectionLostError(closed, true));
    }
    this.#publish({ state: 'ended', reason: closed.reason });
    this.#resolveClosed(closed);
  }

  #publish(record: Omit<ConnectionRecord, 'connection'>): void {
    if (!connectionChannel.hasSubscribers) return;
    connectionChannel.publish({ connection: this.#numbers.connection, ...record });
  }
}

/** What is left of a deadline, each time it is asked; none stays none. */
function countdown(timeout: number): () => number {
  if (!(timeout > 0 && Number.isFinite(timeout))) return () => timeout;
  const end = performance.now() + timeout;
  return () => Math.max(1, end - performance.now());
}
