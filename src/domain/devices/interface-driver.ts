import {
  type FieldTable,
  flag,
  group,
  integer,
  oneOf,
  text,
  type VirtioDriverSpec,
  virtioDriverFields,
} from './fields.js';

/** How a card is driven. libvirt: `<driver>` of an interface. */
export interface InterfaceDriverSpec extends VirtioDriverSpec {
  /** `vhost` in the kernel or `qemu` for virtio cards; `vfio` for a card of the host. */
  readonly name?: 'vhost' | 'qemu' | 'vfio' | undefined;
  /** Queue pairs. */
  readonly queues?: number | undefined;
  /** Length of each receive queue, a power of two. */
  readonly rxQueueSize?: number | undefined;
  /** Length of each send queue, a power of two (vhost-user, vdpa). */
  readonly txQueueSize?: number | undefined;
  readonly txmode?: 'iothread' | 'timer' | undefined;
  readonly ioeventfd?: boolean | undefined;
  readonly eventIdx?: boolean | undefined;
  /** Receive-side scaling. libvirt 8.3.0 */
  readonly rss?: boolean | undefined;
  /** libvirt 8.3.0 */
  readonly rssHashReport?: boolean | undefined;
  /** Offloads that the host may do for the guest. */
  readonly host?:
    | (Offloads & { readonly gso?: boolean | undefined; readonly mrgRxbuf?: boolean | undefined })
    | undefined;
  /** Offloads that the guest may do. */
  readonly guest?: Offloads | undefined;
}

/** Offloads of a virtio card; each is on unless said otherwise. */
export interface Offloads {
  readonly csum?: boolean | undefined;
  readonly tso4?: boolean | undefined;
  readonly tso6?: boolean | undefined;
  readonly ecn?: boolean | undefined;
  readonly ufo?: boolean | undefined;
}

const switched = (name: string) => flag(`driver/${name}`, 'on', 'off');
const offloads = (side: 'host' | 'guest') => ({
  csum: switched(`${side}/@csum`),
  tso4: switched(`${side}/@tso4`),
  tso6: switched(`${side}/@tso6`),
  ecn: switched(`${side}/@ecn`),
  ufo: switched(`${side}/@ufo`),
});

/** The fields of {@link InterfaceDriverSpec}. */
export const interfaceDriverFields: FieldTable<InterfaceDriverSpec> = {
  name: oneOf('driver/@name', ['vhost', 'qemu', 'vfio']),
  queues: integer('driver/@queues', { min: 1, max: 256 }),
  rxQueueSize: integer('driver/@rx_queue_size', { min: 256, max: 1024 }),
  txQueueSize: integer('driver/@tx_queue_size', { min: 256, max: 1024 }),
  txmode: oneOf('driver/@txmode', ['iothread', 'timer']),
  ioeventfd: switched('@ioeventfd'),
  eventIdx: switched('@event_idx'),
  rss: switched('@rss'),
  rssHashReport: switched('@rss_hash_report'),
  host: group({
    ...offloads('host'),
    gso: switched('host/@gso'),
    mrgRxbuf: switched('host/@mrg_rxbuf'),
  }),
  guest: group<Offloads>(offloads('guest')),
  ...virtioDriverFields,
};

/** What is between QEMU and the network. libvirt: `<backend>`. */
export interface InterfaceBackendSpec {
  /** `passt` instead of SLIRP for `user`. libvirt 9.0.0 */
  readonly type?: 'passt' | undefined;
  /** Log file of passt. */
  readonly logFile?: string | undefined;
  /** Path of the tap device node. */
  readonly tap?: string | undefined;
  /** Path of the vhost device node. */
  readonly vhost?: string | undefined;
}

/** The fields of {@link InterfaceBackendSpec}. */
export const backendField = group<InterfaceBackendSpec>({
  type: oneOf('backend/@type', ['passt']),
  logFile: text('backend/@logFile'),
  tap: text('backend/@tap'),
  vhost: text('backend/@vhost'),
});
