import type { CallOptions } from '../caller.js';
import { CallAbortedError } from '../errors.js';
import { onAbort } from '../on-abort.js';
import type { CloseReason } from '../pending-call.js';
import type { Session } from '../session.js';
import { EVENT_CLASSES } from './event-classes.js';
import type { EventRequest } from './events.js';
import { type EventName, EventQueue, type EventSink } from './subscription.js';

const DEFAULT_QUEUE = 1024;

/** A subscription that outlives the socket it was made on: the queue stays, its registrations are made anew. */
export class StandingSubscription<E extends EventName> {
  readonly queue: EventQueue<E>;
  readonly #requests: readonly EventRequest<E>[];
  /** How to leave each registration of the socket in use. */
  #leaves: readonly (() => Promise<void>)[] = [];

  constructor(
    requests: readonly EventRequest<E>[],
    options: {
      readonly signal: AbortSignal | undefined;
      readonly queue: number | undefined;
      onClose(subscription: StandingSubscription<EventName>): void;
    },
  ) {
    const { signal, queue: limit = DEFAULT_QUEUE, onClose } = options;
    this.#requests = requests;
    const events = requests.map(({ event }) => event);
    this.queue = new EventQueue(events, limit, async () => {
      onClose(this as unknown as StandingSubscription<EventName>);
      await this.#leave();
    });
    if (signal) this.queue.onEnd = onAbort(signal, () => void this.queue.close());
  }

  /** Registers for the first time. Throws as a call does. */
  async register(session: Session, options: CallOptions): Promise<void> {
    await this.#listen(session, this.queue, options);
    const [first] = this.#requests;
    if (!first || !options.signal?.aborted) return;
    throw new CallAbortedError(EVENT_CLASSES[first.class].register, true, options.signal.reason);
  }

  /** Registers on a new socket; the gap comes before any event from there. Throws only if the socket is no good. */
  async resume(session: Session, reason: CloseReason, options: CallOptions): Promise<void> {
    let noted = false;
    const note = (): void => {
      if (!noted) this.queue.gap(reason);
      noted = true;
    };
    const sink: EventSink<E> = {
      push: (item) => {
        note();
        this.queue.push(item);
      },
      lose: (count) => {
        note();
        this.queue.lose(count);
      },
    };
    try {
      await this.#listen(session, sink, options);
      note();
    } catch (error) {
      if (session.closed || options.signal?.aborted) throw error;
      // The daemon refuses it now, and says why.
      this.queue.end(error as Error);
    }
  }

  async #listen(session: Session, sink: EventSink<E>, options: CallOptions): Promise<void> {
    const asked = await Promise.allSettled(this.#requests.map((request) => session.listen(request, sink, options)));
    this.#leaves = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const failed = asked.find((each) => each.status === 'rejected');
    // A part of it is nothing; or it was closed while the daemon was being asked.
    if (failed || this.queue.ended) void this.#leave();
    if (failed) throw failed.reason;
  }

  async #leave(): Promise<void> {
    await Promise.all(this.#leaves.map((leave) => leave()));
  }
}
