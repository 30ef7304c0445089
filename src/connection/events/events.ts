import { LibvirtCanonicalError } from '../../errors.js';
import { meant } from '../../nearest.js';
import type { Caller, CallOptions } from '../caller.js';
import { eventChannel, subjectOf } from '../diagnostics.js';
import { CallAbortedError } from '../errors.js';
import { EVENTS } from '../generated/protocol-table.js';
import { ignore } from '../handled-rejection.js';
import type { AnyProcedure, ProcedureArgs } from '../procedures.js';
import { waitFor } from '../wait-for.js';
import { structCodec } from '../wire/codec.js';
import { type Message, Program } from '../wire/message.js';
import type { Codec } from '../wire/scalars.js';
import { XdrReader } from '../wire/xdr.js';
import { EVENT_CLASSES, type EventClass, FILTERS, type Filter, type SubscribeOptions } from './event-classes.js';
import type { EventItem, EventMessage, EventName, EventSink } from './subscription.js';

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

/** What to register for: an event and its filters, checked. */
export interface EventRequest<E extends EventName> {
  readonly event: E;
  readonly class: EventClass;
  /** Tells one event and filter from another. */
  readonly key: string;
  readonly args: ProcedureArgs<AnyProcedure>;
}

/** Checks what a subscription asks for. Throws UNSUPPORTED, ARGUMENT_INVALID. */
export function eventRequest<E extends EventName>(event: E, options: SubscribeOptions): EventRequest<E> {
  const row = BY_NAME.get(event);
  if (!row)
    throw new LibvirtCanonicalError('UNSUPPORTED', `${String(event)} is no event of libvirt`, {
      remedy: `${meant(event, BY_NAME.keys())}The type EventName lists them`,
    });
  const { filters, args } = EVENT_CLASSES[row.class];
  checkOptions(event, filters, options);
  return {
    event,
    class: row.class,
    key: [event, ...filters.map((filter) => filterKey(options[filter]))].join(' '),
    args: args(row.id, options) as ProcedureArgs<AnyProcedure>,
  };
}

/** A registration with the daemon and the sinks that share it. */
interface Registration {
  readonly row: EventRow;
  readonly sinks: Set<EventSink<EventName>>;
  /** Settles with the daemon's answer, however late. */
  readonly answered: Promise<unknown>;
  /** Once the daemon has told it. */
  callbackID: number | undefined;
  /** From the end of the last subscription on: settles when the daemon has forgotten it. */
  left: Promise<unknown> | undefined;
}

/**
 * Binds callback ids to sinks and carries events to them. The daemon takes one registration of an event and filter from
 * each connection ("event callback already tracked"), so sinks of the same share it. One for each socket.
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

  /**
   * Carries the events of a request to a sink, from the daemon's answer on. Returns how to stop that, which resolves when
   * the daemon has forgotten it and never rejects.
   */
  async listen<E extends EventName>(
    { event, class: eventClass, key, args }: EventRequest<E>,
    sink: EventSink<E>,
    options: CallOptions = {},
  ): Promise<() => Promise<void>> {
    const { signal, timeout = this.#caller.timeout } = options;
    const { register } = EVENT_CLASSES[eventClass];
    const bounds = { procedure: register, timeout, signal };
    // The daemon runs calls in no order: a registration sent before its predecessor is gone would be refused.
    for (let left = this.#registrations.get(key)?.left; left; left = this.#registrations.get(key)?.left) {
      await waitFor(left, { ...bounds, sent: false });
    }
    if (signal?.aborted) throw new CallAbortedError(register, false, signal.reason);
    const registration = this.#registrations.get(key) ?? this.#register(BY_NAME.get(event) as EventRow, key, args);
    const entry = sink as unknown as EventSink<EventName>;
    const leave = async (): Promise<void> => {
      registration.sinks.delete(entry);
      await this.#leaveIfIdle(key);
    };
    registration.sinks.add(entry);
    try {
      await waitFor(registration.answered, { ...bounds, sent: true });
    } catch (error) {
      void leave();
      throw error;
    }
    return leave;
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

  /** Forgets everything: the socket has ended, and its registrations with it. */
  end(): void {
    this.#bound.clear();
    this.#registrations.clear();
  }

  #register(row: EventRow, key: string, args: ProcedureArgs<AnyProcedure>): Registration {
    const { register } = EVENT_CLASSES[row.class];
    this.#unanswered++;
    const answered = this.#caller.call(register, args, {
      timeout: 0,
      // Here and not after an await: events of the new id may be in the same chunk as this reply.
      onResult: (result) => this.#bind(registration, (result as { callbackID: number }).callbackID),
    });
    const registration: Registration = { row, answered, sinks: new Set(), callbackID: undefined, left: undefined };
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
    if (this.#heldLost > 0) for (const sink of registration.sinks) sink.lose(this.#heldLost);
  }

  #hand({ row, sinks }: Registration, data: EventMessage<EventName>): void {
    const item = { type: 'event', name: row.name, data } as EventItem<EventName>;
    for (const sink of sinks) sink.push(item);
    if (!eventChannel.hasSubscribers) return;
    const domain = subjectOf(data);
    eventChannel.publish({ connection: this.#caller.connection, event: row.name, ...(domain && { domain }) });
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
    const { row, sinks, callbackID } = registration;
    if (sinks.size > 0 || callbackID === undefined) return;
    if (![...this.#bound.values()].some((other) => other !== registration && other.row.class === row.class)) return;
    // Not bound any more: it is leaving already, or the connection has ended and its registrations with it.
    if (!this.#bound.delete(boundKey(row, callbackID))) return;
    const { deregister } = EVENT_CLASSES[row.class];
    const call = this.#caller.call(deregister, { callbackID } as ProcedureArgs<AnyProcedure>, { timeout: 0 });
    // Failed, the connection was lost or the daemon has forgotten it: either way no more events come.
    registration.left = call.catch(ignore).then(() => this.#registrations.delete(key));
    const { timeout } = this.#caller;
    await waitFor(registration.left, { procedure: deregister, timeout, sent: true }).catch(ignore);
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
