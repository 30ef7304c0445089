import { LibvirtCanonicalError } from '../errors.js';
import type { Caller } from './caller.js';
import { type Codec, structCodec } from './codec.js';
import { eventChannel, subjectOf } from './diagnostics.js';
import { CallAbortedError, ConnectionLostError } from './errors.js';
import { EVENT_CLASSES, type EventClass, type EventClassRow, FILTERS, type SubscribeOptions } from './event-classes.js';
import { type Message, Program } from './message.js';
import type { AnyProcedure, ProcedureArgs } from './procedures.js';
import { EVENTS } from './protocol-table.generated.js';
import type { Closed } from './rpc.js';
import { type EventMessage, type EventName, EventQueue, type EventSubscription } from './subscription.js';
import { XdrReader } from './xdr.js';

const DEFAULT_QUEUE = 1024;
/** Events kept while registrations are pending; those beyond are counted and the new subscribers told. */
const HELD_MAX = 4096;

interface EventRow {
  readonly name: EventName;
  readonly class: EventClass;
  readonly id: number;
  /** Program and procedure of its message. */
  readonly message: string;
  readonly codec: Codec;
}

const messageKey = (program: number, procedure: number): string => `${program}:${procedure}`;

const ROWS: readonly EventRow[] = (Object.keys(EVENTS) as EventName[]).map((name) => {
  const [eventClass, id, procedure, , fields] = EVENTS[name];
  return {
    name,
    class: eventClass,
    id,
    message: messageKey(eventClass === 'qemuMonitor' ? Program.QEMU : Program.REMOTE, procedure),
    get codec() {
      return structCodec(`callbackID:int ${fields}`);
    },
  };
});
const BY_NAME: ReadonlyMap<string, EventRow> = new Map(ROWS.map((row) => [row.name, row]));
const BY_MESSAGE: ReadonlyMap<string, EventRow> = new Map(ROWS.map((row) => [row.message, row]));

/** Binds callback ids to subscriptions and carries events to them. */
export class EventRouter {
  readonly #caller: Caller;
  /** By event and callback id: each class counts its ids on its own, and 0 is one. */
  readonly #bound = new Map<string, Registration<EventName>>();
  readonly #held: { readonly key: string; readonly data: EventMessage<EventName> }[] = [];
  #heldLost = 0;
  #registering = 0;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async subscribe<E extends EventName>(event: E, options: SubscribeOptions): Promise<EventSubscription<E>> {
    const row = BY_NAME.get(event);
    if (!row) throw new LibvirtCanonicalError('UNSUPPORTED', `${String(event)} is no event of libvirt`);
    const eventClass = EVENT_CLASSES[row.class];
    checkOptions(event, eventClass, options);
    const { signal, queue = DEFAULT_QUEUE } = options;
    const registration: Registration<E> = new Registration(event, queue, signal, () =>
      this.#deregister(eventClass, registration),
    );

    this.#registering++;
    try {
      await this.#caller.call(eventClass.register, eventClass.args(row.id, options) as ProcedureArgs<AnyProcedure>, {
        signal,
        // Here and not after the await: events of the new id may be in the same chunk as this reply.
        onReply: (result) => {
          if (result) {
            registration.key = `${row.name}:${(result as { callbackID: number }).callbackID}`;
            // One that came through after its caller gave up would send events for ever.
            if (registration.abandoned) void this.#deregister(eventClass, registration);
            else this.#bind(registration as unknown as Registration<EventName>);
          }
          this.#settled();
        },
      });
    } catch (error) {
      registration.abandoned = true;
      registration.release();
      // Arguments that cannot be encoded make no request, so no reply will count it down.
      if (error instanceof LibvirtCanonicalError && error.code === 'ARGUMENT_INVALID') this.#settled();
      throw error;
    }
    if (signal?.aborted) {
      await registration.queue.close();
      throw new CallAbortedError(eventClass.register, true, signal.reason);
    }
    return registration.queue;
  }

  /** Takes a message of the daemon. Those of no known event, and late ones after a deregistration, are dropped. */
  deliver(message: Message): void {
    const row = BY_MESSAGE.get(messageKey(message.program, message.procedure));
    if (!row) return;
    const { callbackID, ...data } = row.codec.read(new XdrReader(message.payload)) as { callbackID: number } & object;
    const key = `${row.name}:${callbackID}`;
    const registration = this.#bound.get(key);
    if (registration) {
      this.#hand(registration, data as EventMessage<EventName>);
    } else if (this.#registering > 0) {
      // An event may be faster than the reply that tells its id.
      if (this.#held.length < HELD_MAX) this.#held.push({ key, data: data as EventMessage<EventName> });
      else this.#heldLost++;
    }
  }

  /** Ends every subscription: normally if this program closed the connection, else with CONNECTION_LOST. */
  end(closed: Closed): void {
    const registrations = [...this.#bound.values()];
    this.#bound.clear();
    for (const { queue, release } of registrations) {
      release();
      queue.end(closed.reason === 'client' ? undefined : new ConnectionLostError(closed, true));
    }
  }

  #bind(registration: Registration<EventName>): void {
    const { key, queue } = registration;
    this.#bound.set(key, registration);
    for (const held of this.#held) if (held.key === key) this.#hand(registration, held.data);
    if (this.#heldLost > 0) queue.lose(this.#heldLost);
  }

  #settled(): void {
    this.#registering--;
    if (this.#registering > 0) return;
    this.#held.length = 0;
    this.#heldLost = 0;
  }

  #hand({ queue }: Registration<EventName>, data: EventMessage<EventName>): void {
    queue.push(data);
    if (!eventChannel.hasSubscribers) return;
    const domain = subjectOf(data);
    eventChannel.publish({ connection: this.#caller.id, event: queue.event, ...(domain && { domain }) });
  }

  async #deregister(
    { deregister }: EventClassRow,
    { key, abandoned }: { readonly key: string; readonly abandoned: boolean },
  ): Promise<void> {
    // Not bound any more: the connection has ended, and its registrations with it.
    if (!this.#bound.delete(key) && !abandoned) return;
    const args = { callbackID: Number(key.slice(key.indexOf(':') + 1)) };
    try {
      await this.#caller.call(deregister, args as ProcedureArgs<AnyProcedure>);
    } catch {
      // The connection was lost on the way, or the daemon has forgotten it: either way no more events come.
    }
  }
}

/** One registration with the daemon and the subscription it feeds. */
class Registration<E extends EventName> {
  /** Event and callback id, once the daemon has told it. */
  key = '';
  /** Whether the caller gave up before the reply came. */
  abandoned = false;
  readonly queue: EventQueue<E>;
  /** Lets go of the caller's signal. */
  readonly release: () => void;

  constructor(event: E, limit: number, signal: AbortSignal | undefined, deregister: () => Promise<void>) {
    const onAbort = () => void this.queue.close();
    this.release = () => signal?.removeEventListener('abort', onAbort);
    this.queue = new EventQueue(event, limit, () => {
      this.release();
      return deregister();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  }
}

function checkOptions(event: EventName, eventClass: EventClassRow, options: SubscribeOptions): void {
  const misplaced = FILTERS.find((filter) => options[filter] !== undefined && !eventClass.filters.includes(filter));
  if (misplaced) {
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', `${event} cannot be filtered by ${misplaced}`, {
      path: misplaced,
    });
  }
  const { queue } = options;
  if (queue !== undefined && !(queue >= 1)) {
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', 'queue must be 1 or more', { path: 'queue' });
  }
}
