import type { EVENTS } from '../generated/protocol-table.js';
import type {
  DomainHandle,
  NetworkHandle,
  NodeDeviceHandle,
  SecretHandle,
  StoragePoolHandle,
} from '../generated/protocol-types.js';
import type { AnyProcedure } from '../procedures.js';

/** Options of a subscription. The filters are the daemon's: what does not match is not sent. Each serves its own class. */
export interface SubscribeOptions {
  /** Only this domain. For domain events and QEMU_MONITOR. */
  readonly domain?: DomainHandle | undefined;
  /** Only this network. For NETWORK_ events. */
  readonly network?: NetworkHandle | undefined;
  /** Only this pool. For STORAGE_POOL_ events. */
  readonly storagePool?: StoragePoolHandle | undefined;
  /** Only this device. For NODE_DEVICE_ events. */
  readonly nodeDevice?: NodeDeviceHandle | undefined;
  /** Only this secret. For SECRET_ events. */
  readonly secret?: SecretHandle | undefined;
  /** Only this event of QEMU's monitor, e.g. `DEVICE_DELETED`. For QEMU_MONITOR. */
  readonly monitorEvent?: string | undefined;
  /** Ends the subscription normally; before the registration is done, `subscribe` rejects with ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Events kept for a slow consumer before they are counted instead. Default 1024. */
  readonly queue?: number | undefined;
}

export type EventClass = (typeof EVENTS)[keyof typeof EVENTS][0];
export type Filter = Exclude<keyof SubscribeOptions, 'signal' | 'queue'>;

/** How the events of a class are registered for. */
export interface EventClassRow {
  readonly register: AnyProcedure;
  readonly deregister: AnyProcedure;
  readonly filters: readonly Filter[];
  /** The arguments of `register`. */
  args(eventID: number, options: SubscribeOptions): object;
}

export const FILTERS: readonly Filter[] = ['domain', 'network', 'storagePool', 'nodeDevice', 'secret', 'monitorEvent'];

export const EVENT_CLASSES: Record<EventClass, EventClassRow> = {
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
