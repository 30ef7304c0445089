import { LibvirtCanonicalError } from '../errors.js';
import type { Caller, CallOptions } from './caller.js';
import { type Codec, structCodec } from './codec.js';
import { eventChannel, subjectOf } from './diagnostics.js';
import { CallAbortedError, ConnectionLostError } from './errors.js';
import { type Message, Program } from './message.js';
import type { AnyProcedure, ProcedureArgs } from './procedures.js';
import { EVENTS } from './protocol-table.generated.js';
import type {
  DomainHandle,
  NetworkHandle,
  NodeDeviceHandle,
  SecretHandle,
  StoragePoolHandle,
} from './protocol-types.generated.js';
import type { Closed } from './rpc.js';
import { type EventMessage, type EventName, EventQueue, type EventSubscription } from './subscription.js';
import { XdrReader } from './xdr.js';

/** Options of a subscription. The filters are the daemon's: what does not match is not sent. Each serves its own class. */
export interface SubscribeOptions {
  /** Only this domain. For domain events and QEMU_MONITOR. */
  readonly domain?: DomainHandle;
  /** Only this network. For NETWORK_ events. */
  readonly network?: NetworkHandle;
  /** Only this pool. For STORAGE_POOL_ events. */
  readonly storagePool?: StoragePoolHandle;
  /** Only this device. For NODE_DEVICE_ events. */
  readonly nodeDevice?: NodeDeviceHandle;
  /** Only this secret. For SECRET_ events. */
  readonly secret?: SecretHandle;
  /** Only this event of QEMU's monitor, e.g. `DEVICE_DELETED`. For QEMU_MONITOR. */
  readonly monitorEvent?: string;
  /** Ends the subscription normally; before the registration is done, `subscribe` rejects with ABORTED. */
  readonly signal?: AbortSignal;
  /** Events kept for a slow consumer before they are counted instead. Default 1024. */
  readonly queue?: number;
}

type EventClass = (typeof EVENTS)[EventName][0];
type Filter = Exclude<keyof SubscribeOptions, 'signal' | 'queue'>;

interface ClassRow {
  readonly register: AnyProcedure;
  readonly deregister: AnyProcedure;
  readonly filters: readonly Filter[];
  args(eventID: number, options: SubscribeOptions): object;
}

const CLASSES: Record<EventClass, ClassRow> = {
  domain: {
    register: 'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY',
    deregister: 'CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY',
    filters: ['domain'],
    args: (eventID, { domain }) => ({ eventID, dom: domain }),
  },
  network: {
    register: 'CONNECT_NETWORK_EVENT_REGISTER_ANY',
    deregister: 'CONNECT_NETWORK_EVENT_DEREGISTER_ANY',
    filters: ['network'],
    args: (eventID, { network }) => ({ eventID, net: network }),
  },
  storagePool: {
    register: 'CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY',
    deregister: 'CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY',
    filters: ['storagePool'],
    args: (eventID, { storagePool }) => ({ eventID, pool: storagePool }),
  },
  nodeDevice: {
    register: 'CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY',
    deregister: 'CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY',
    filters: ['nodeDevice'],
    args: (eventID, { nodeDevice }) => ({ eventID, dev: nodeDevice }),
  },
  secret: {
    register: 'CONNECT_SECRET_EVENT_REGISTER_ANY',
    deregister: 'CONNECT_SECRET_EVENT_DEREGISTER_ANY',
    filters: ['secret'],
    args: (eventID, { secret }) => ({ eventID, secret }),
  },
  qemuMonitor: {
    register: 'QEMU_CONNECT_DOMAIN_MONITOR_EVENT_REGISTER',
    deregister: 'QEMU_CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER',
    filters: ['domain', 'monitorEvent'],
    args: (_, { domain, monitorEvent }) => ({ dom: domain, event: monitorEvent, flags: 0 }),
  },
};

const FILTERS: readonly Filter[] = ['domain', 'network', 'storagePool', 'nodeDevice', 'secret', 'monitorEvent'];
const DEFAULT_QUEUE = 1024;
/** Events kept while registrations are pending; beyond it they are counted and the new subscribers told. */
const HELD_MAX = 4096;

const CALLBACK_ID = 'callbackID:int';

interface EventRow {
  readonly name: EventName;
  readonly class: EventClass;
  readonly id: number;
  readonly codec: Codec;
}

const messageKey = (program: number, procedure: number): string => `${program}:${procedure}`;

/** By program and procedure of the message. */
const ROWS: ReadonlyMap<string, EventRow> = new Map(
  (Object.keys(EVENTS) as EventName[]).map((name) => {
    const [eventClass, id, procedure, , fields] = EVENTS[name];
    const program = eventClass === 'qemuMonitor' ? Program.QEMU : Program.REMOTE;
    const row: EventRow = {
      name,
      class: eventClass,
      id,
      get codec() {
        return structCodec(`${CALLBACK_ID} ${fields}`);
      },
    };
    return [messageKey(program, procedure), row];
  }),
);

interface Held {
  readonly key: string;
  readonly data: EventMessage<EventName>;
}

/** Binds callback ids to subscriptions and carries events to them. */
export class EventRouter {
  readonly #caller: Caller;
  /** By class and callback id: ids are counted for each class on its own, and 0 is one. */
  readonly #bound = new Map<string, EventQueue<EventName>>();
  #held: Held[] = [];
  #heldLost = 0;
  #registering = 0;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async subscribe<E extends EventName>(event: E, options: SubscribeOptions): Promise<EventSubscription<E>> {
    const row = rowOf(event);
    const eventClass = CLASSES[row.class];
    const misplaced = FILTERS.find((filter) => options[filter] !== undefined && !eventClass.filters.includes(filter));
    if (misplaced) {
      throw new LibvirtCanonicalError('ARGUMENT_INVALID', `${event} cannot be filtered by ${misplaced}`, {
        path: misplaced,
      });
    }
    const { signal } = options;
    let key: string | undefined;
    const queue = new EventQueue(event, options.queue ?? DEFAULT_QUEUE, async () => {
      signal?.removeEventListener('abort', stop);
      if (key === undefined) return;
      this.#bound.delete(key);
      await this.#deregister(eventClass, key);
    });
    const stop = () => void queue.close();
    let abandoned = false;
    this.#registering++;
    const call: CallOptions = signal ? { signal } : {};
    try {
      await this.#caller.call(eventClass.register, eventClass.args(row.id, options) as ProcedureArgs<AnyProcedure>, {
        ...call,
        onReply: (result) => {
          this.#registering--;
          if (result) {
            const { callbackID } = result as { callbackID: number };
            key = `${row.class}:${callbackID}`;
            // A registration that came through after its caller gave up would send events for ever.
            if (abandoned) void this.#deregister(eventClass, key);
            else this.#bind(key, queue as unknown as EventQueue<EventName>);
          }
          if (this.#registering === 0) this.#dropHeld();
        },
      });
    } catch (error) {
      abandoned = true;
      // encodeCall throws before there is a request whose reply could count down.
      if (error instanceof LibvirtCanonicalError && error.code === 'ARGUMENT_INVALID') this.#registering--;
      throw error;
    }
    if (signal?.aborted) {
      await queue.close();
      throw new CallAbortedError(eventClass.register, true, signal.reason);
    }
    signal?.addEventListener('abort', stop, { once: true });
    return queue;
  }

  /** Takes a message of the daemon. Those of no known event, and late ones after a deregistration, are dropped. */
  deliver(message: Message): void {
    const row = ROWS.get(messageKey(message.program, message.procedure));
    if (!row) return;
    const { callbackID, ...data } = row.codec.read(new XdrReader(message.payload)) as { callbackID: number } & object;
    const key = `${row.class}:${callbackID}`;
    const queue = this.#bound.get(key);
    if (queue) {
      this.#publish(row.name, data);
      queue.push(data as EventMessage<EventName>);
    } else if (this.#registering > 0) {
      // The event may be faster than the reply that tells its id.
      if (this.#held.length < HELD_MAX) this.#held.push({ key, data: data as EventMessage<EventName> });
      else this.#heldLost++;
    }
  }

  /** Ends every subscription. */
  end(closed: Closed): void {
    for (const queue of this.#bound.values()) {
      queue.end(closed.reason === 'client' ? undefined : new ConnectionLostError(closed, true));
    }
    this.#bound.clear();
    this.#dropHeld();
  }

  #bind(key: string, queue: EventQueue<EventName>): void {
    this.#bound.set(key, queue);
    this.#held = this.#held.filter((held) => {
      if (held.key !== key) return true;
      this.#publish(queue.event, held.data);
      queue.push(held.data);
      return false;
    });
    if (this.#heldLost > 0) queue.lose(this.#heldLost);
  }

  #dropHeld(): void {
    this.#held = [];
    this.#heldLost = 0;
  }

  async #deregister(eventClass: ClassRow, key: string): Promise<void> {
    const args = { callbackID: Number(key.slice(key.indexOf(':') + 1)) };
    try {
      await this.#caller.call(eventClass.deregister, args as ProcedureArgs<AnyProcedure>);
    } catch {
      // Lost connections have no registrations, and for a daemon that refuses there is nothing left to do.
    }
  }

  #publish(event: EventName, data: object): void {
    if (!eventChannel.hasSubscribers) return;
    const domain = subjectOf(data);
    eventChannel.publish({ connection: this.#caller.id, event, ...(domain && { domain }) });
  }
}

function rowOf(event: EventName): EventRow {
  for (const row of ROWS.values()) if (row.name === event) return row;
  throw new LibvirtCanonicalError('UNSUPPORTED', `${String(event)} is no event of libvirt`);
}
