import { LibvirtCanonicalError } from '../errors.js';
import { bounded } from './bounded.js';
import type { Caller } from './caller.js';
import { structCodec } from './codec.js';
import { eventChannel, subjectOf } from './diagnostics.js';
import { CallAbortedError, ConnectionLostError } from './errors.js';
import { EVENT_CLASSES, type EventClass, FILTERS, type Filter, type SubscribeOptions } from './event-classes.js';
import { type Message, Program } from './message.js';
import { onAbort } from './on-abort.js';
import type { Closed } from './pending-call.js';
import type { AnyProcedure, ProcedureArgs } from './procedures.js';
import { EVENTS } from './protocol-table.generated.js';
import type { Codec } from './scalars.js';
import {
  type EventItem,
  type EventMessage,
  type EventName,
  EventQueue,
  type EventSubscription,
} from './subscription.js';
import { ignore } from './unwatched.js';
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

/** A registration with the daemon and the subscriptions that share it. */
interface Registration {
  readonly row: EventRow;
  readonly queues: Set<EventQueue<EventName>>;
  /** Settles with the daemon's answer, however late. */
  readonly answered: Promise<unknown>;
  /** Once the daemon has told it. */
  callbackID: number | undefined;
  /** From the end of the last subscription on: settles when the daemon has forgotten it. */
  left: Promise<unknown> | undefined;
}

/**
 * Binds callback ids to subscriptions and carries events to them. The daemon takes one registration of an event and
 * filter from each connection ("event callback already tracked"), so subscriptions to the same share it.
 */
export class EventRouter {
  readonly #caller: Caller;
  /** By event and filter. */
  readonly #registrations = new Map<string, Registration>();
  /** By event and callback id: each class counts its ids on its own, and 0 is one. */
  readonly #bound = new Map<string, Registration>();
  readonly #held: { readonly key: string; readonly data: EventMessage<EventName> }[] = [];
  #heldLost = 0;
  #unanswered = 0;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async subscribe<E extends EventName>(events: readonly E[], options: SubscribeOptions): Promise<EventSubscription<E>> {
    const rows = events.map((event) => {
      const row = BY_NAME.get(event);
      if (!row) throw new LibvirtCanonicalError('UNSUPPORTED', `${String(event)} is no event of libvirt`);
      checkOptions(event, EVENT_CLASSES[row.class].filters, options);
      return row;
    });
    const keys = new Set<string>();
    const queue: EventQueue<E> = new EventQueue(events, options.queue ?? DEFAULT_QUEUE, async () => {
      for (const key of keys) this.#registrations.get(key)?.queues.delete(queue as unknown as EventQueue<EventName>);
      await Promise.all([...keys].map((key) => this.#leaveIfIdle(key)));
    });
    const joined = await Promise.allSettled(rows.map((row) => this.#join(row, queue, keys, options)));
    const failed = joined.find(({ status }) => status === 'rejected');
    if (failed) {
      void queue.close();
      throw (failed as PromiseRejectedResult).reason;
    }
    if (options.signal) queue.onEnd = onAbort(options.signal, () => void queue.close());
    return queue;
  }

  /** Makes the queue one of those that get an event, and registers for it when it is the first. */
  async #join<E extends EventName>(
    row: EventRow,
    queue: EventQueue<E>,
    keys: Set<string>,
    options: SubscribeOptions,
  ): Promise<void> {
    const { register, filters, args } = EVENT_CLASSES[row.class];
    const { signal } = options;
    const bounds = { procedure: register, timeout: this.#caller.timeout, signal };
    const registerArgs = args(row.id, options) as ProcedureArgs<AnyProcedure>;
    const key = [row.name, ...filters.map((filter) => filterKey(options[filter]))].join(' ');

    // The daemon runs calls in no order: a registration sent before its predecessor is gone would be refused.
    for (let left = this.#registrations.get(key)?.left; left; left = this.#registrations.get(key)?.left) {
      await bounded(left, { ...bounds, sent: false });
    }
    if (signal?.aborted) throw new CallAbortedError(register, false, signal.reason);
    const registration = this.#registrations.get(key) ?? this.#register(row, key, registerArgs);
    keys.add(key);
    registration.queues.add(queue as unknown as EventQueue<EventName>);
    await bounded(registration.answered, { ...bounds, sent: true });
    if (signal?.aborted) throw new CallAbortedError(register, true, signal.reason);
  }

  /** Takes a message of the daemon. Those of no known event, and late ones after a deregistration, are dropped. */
  deliver(message: Message): void {
    const row = BY_MESSAGE.get(messageKey(message.program, message.procedure));
    if (!row) return;
    const { callbackID, ...data } = row.codec.read(new XdrReader(message.payload)) as { callbackID: number } & object;
    const key = boundKey(row, callbackID);
    const registration = this.#bound.get(key);
    if (registration) {
      this.#hand(registration, data as EventMessage<EventName>);
    } else if (this.#unanswered > 0) {
      // An event may be faster than the reply that tells its id.
      if (this.#held.length < HELD_MAX) this.#held.push({ key, data: data as EventMessage<EventName> });
      else this.#heldLost++;
    }
  }

  /** Ends every subscription: normally if this program closed the connection, else with CONNECTION_LOST. */
  end(closed: Closed): void {
    this.#bound.clear();
    for (const { queues } of this.#registrations.values()) {
      for (const queue of queues) {
        queue.end(closed.reason === 'client' ? undefined : new ConnectionLostError(closed, true));
      }
    }
  }

  #register(row: EventRow, key: string, args: ProcedureArgs<AnyProcedure>): Registration {
    const { register } = EVENT_CLASSES[row.class];
    this.#unanswered++;
    const answered = this.#caller.call(register, args, {
      timeout: 0,
      // Here and not after an await: events of the new id may be in the same chunk as this reply.
      onResult: (result) => this.#bind(registration, (result as { callbackID: number }).callbackID),
    });
    const registration: Registration = { row, answered, queues: new Set(), callbackID: undefined, left: undefined };
    this.#registrations.set(key, registration);
    answered.then(
      () => {
        this.#answer();
        for (const [other, { row: otherRow }] of this.#registrations) {
          if (otherRow.class === row.class) void this.#leaveIfIdle(other);
        }
      },
      () => {
        this.#answer();
        this.#registrations.delete(key);
      },
    );
    return registration;
  }

  #answer(): void {
    this.#unanswered--;
    if (this.#unanswered > 0) return;
    this.#held.length = 0;
    this.#heldLost = 0;
  }

  #bind(registration: Registration, callbackID: number): void {
    const key = boundKey(registration.row, callbackID);
    registration.callbackID = callbackID;
    this.#bound.set(key, registration);
    for (const held of this.#held) if (held.key === key) this.#hand(registration, held.data);
    if (this.#heldLost > 0) for (const queue of registration.queues) queue.lose(this.#heldLost);
  }

  #hand({ row, queues }: Registration, data: EventMessage<EventName>): void {
    const item = { type: 'event', name: row.name, data } as EventItem<EventName>;
    for (const queue of queues) queue.push(item);
    if (!eventChannel.hasSubscribers) return;
    const domain = subjectOf(data);
    eventChannel.publish({ connection: this.#caller.id, event: row.name, ...(domain && { domain }) });
  }

  /**
   * Deregisters what nobody listens to any more; resolves when the daemon has done it, or does not answer in time.
   * The last registration of a class stays until another takes its place: when a daemon's last callback goes while an
   * event is being queued, that event stays in the queue and later ones no longer wake the dispatcher
   * (virObjectEventStateQueueRemote reads the timer without the lock).
   */
  async #leaveIfIdle(key: string): Promise<void> {
    const registration = this.#registrations.get(key);
    if (!registration) return;
    const { row, queues, callbackID } = registration;
    if (queues.size > 0 || callbackID === undefined) return;
    if (![...this.#bound.values()].some((other) => other !== registration && other.row.class === row.class)) return;
    // Not bound any more: it is leaving already, or the connection has ended and its registrations with it.
    if (!this.#bound.delete(boundKey(row, callbackID))) return;
    const { deregister } = EVENT_CLASSES[row.class];
    const call = this.#caller.call(deregister, { callbackID } as ProcedureArgs<AnyProcedure>, { timeout: 0 });
    // Failed, the connection was lost or the daemon has forgotten it: either way no more events come.
    registration.left = call.catch(ignore).then(() => this.#registrations.delete(key));
    const { timeout } = this.#caller;
    await bounded(registration.left, { procedure: deregister, timeout, sent: true }).catch(ignore);
  }
}

const boundKey = (row: EventRow, callbackID: number): string => `${row.name}:${callbackID}`;

/** What tells one filter of a class from another: libvirt compares UUIDs; node devices have names. */
function filterKey(filter: SubscribeOptions[Filter]): string {
  if (filter === undefined) return '*';
  if (typeof filter === 'string') return filter;
  return 'uuid' in filter ? filter.uuid.toLowerCase().replaceAll('-', '') : filter.name;
}

function checkOptions(event: EventName, filters: readonly Filter[], options: SubscribeOptions): void {
  const misplaced = FILTERS.find((filter) => options[filter] !== undefined && !filters.includes(filter));
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
