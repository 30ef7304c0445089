import { Fifo } from '../call-queue.js';
import type { Events } from '../generated/protocol-types.js';
import { ignore } from '../handled-rejection.js';
import type { CloseReason } from '../pending-call.js';

/** An event of libvirt: the names of virDomainEventID without VIR_DOMAIN_EVENT_ID_, other classes with their prefix. */
export type EventName = keyof Events;

/** The message of an event. */
export type EventMessage<E extends EventName> = Events[E];

/** What a subscription yields: events, and notices where some are missing. After a notice list again. */
export type EventItem<E extends EventName> =
  | { readonly [N in E]: { readonly type: 'event'; readonly name: N; readonly data: EventMessage<N> } }[E]
  | {
      readonly type: 'overflow';
      /** Events lost at this point, because the consumer was too slow. List again to know the present state. */
      readonly lost: number;
    }
  | {
      /** The connection was lost and is there again: what happened in between is missing at this point. */
      readonly type: 'gap';
      /** How the connection was lost. */
      readonly reason: CloseReason;
    };

/**
 * The events of one or several names, in the order the daemon sent them. Ends normally on `close()`, on the signal and
 * when the connection is closed by this program; throws ConnectionLostError, after what is queued, when it is lost for good.
 * Leaving a `for await` loop closes it.
 */
export interface EventSubscription<E extends EventName> extends AsyncIterableIterator<EventItem<E>>, AsyncDisposable {
  readonly events: readonly E[];
  /** The next item. */
  next(): Promise<IteratorResult<EventItem<E>, undefined>>;
  /** Deregisters and ends the iteration; what is queued is dropped. Never rejects. */
  close(): Promise<void>;
  [Symbol.asyncIterator](): EventSubscription<E>;
  [Symbol.asyncDispose](): Promise<void>;
}

class Waiter<E extends EventName> {
  resolve!: (result: IteratorResult<EventItem<E>, undefined>) => void;
  #reject!: (error: unknown) => void;
  readonly promise = new Promise<IteratorResult<EventItem<E>, undefined>>((resolve, reject) => {
    this.resolve = resolve;
    this.#reject = reject;
  });

  /** A loss that no consumer looks at must not end the process. */
  reject(error: unknown): void {
    this.promise.catch(ignore);
    this.#reject(error);
  }
}

/** Where the events of a registration go. */
export interface EventSink<E extends EventName> {
  push(item: EventItem<E>): void;
  /** Events that could not be kept. */
  lose(count: number): void;
}

/** The queue behind a subscription: the newest events are counted, not stored, while it is full. */
export class EventQueue<E extends EventName> implements EventSubscription<E>, EventSink<E> {
  readonly events: readonly E[];
  readonly #limit: number;
  readonly #onClose: () => Promise<void>;
  /** Wrapped, so that the last can grow. */
  readonly #items = new Fifo<{ item: EventItem<E> }>();
  readonly #waiters = new Fifo<Waiter<E>>();
  /** Called once, when no more events will come. */
  onEnd: () => void = ignore;
  #ended = false;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(events: readonly E[], limit: number, onClose: () => Promise<void>) {
    this.events = events;
    this.#limit = limit;
    this.#onClose = onClose;
  }

  push(item: EventItem<E>): void {
    if (this.#ended) return;
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve({ done: false, value: item });
    else if (this.#items.length < this.#limit) this.#items.push({ item });
    else this.lose(1);
  }

  /** Notes events that could not be kept. */
  lose(count: number): void {
    if (this.#ended) return;
    const waiter = this.#waiters.shift();
    if (waiter) {
      waiter.resolve({ done: false, value: { type: 'overflow', lost: count } });
      return;
    }
    const last = this.#items.last;
    if (last?.item.type === 'overflow') last.item = { type: 'overflow', lost: last.item.lost + count };
    else this.#items.push({ item: { type: 'overflow', lost: count } });
  }

  /** Notes that events may be missing here; a notice that is the newest item already says as much. */
  gap(reason: CloseReason): void {
    if (this.#ended) return;
    const item: EventItem<E> = { type: 'gap', reason };
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve({ done: false, value: item });
    else if (this.#items.last === undefined || this.#items.last.item.type === 'event') this.#items.push({ item });
  }

  /** Whether it takes no more events. */
  get ended(): boolean {
    return this.#ended;
  }

  /** No more events: ends after what is queued, with the failure if there is one. */
  end(failure?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.onEnd();
    for (const waiter of this.#waiters.drain()) this.#finish(waiter);
  }

  next(): Promise<IteratorResult<EventItem<E>, undefined>> {
    const waiter = new Waiter<E>();
    const queued = this.#items.shift();
    if (queued) waiter.resolve({ done: false, value: queued.item });
    else if (this.#ended) this.#finish(waiter);
    else this.#waiters.push(waiter);
    return waiter.promise;
  }

  async return(): Promise<IteratorResult<EventItem<E>, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  close(): Promise<void> {
    this.#failure = undefined;
    this.end();
    this.#items.drain();
    this.#closing ??= this.#onClose();
    return this.#closing;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The failure is thrown once, as an iterator does; afterwards it is at its end. */
  #finish(waiter: Waiter<E>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) waiter.reject(failure);
    else waiter.resolve({ done: true, value: undefined });
  }
}
