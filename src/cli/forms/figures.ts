import type { DomainRates, DomainStats, JsonSchema, KnownAddress } from '../../index.js';
import {
  ANYTHING,
  BIG,
  BOOLEAN,
  BYTES,
  byName,
  COUNT,
  form,
  list,
  maybe,
  NUMBER,
  part,
  TEXT,
  UUID,
  words,
} from './form.js';

type Cpu = NonNullable<DomainStats['cpu']>;
type Disk = DomainStats['disks'][number];
type Interface = DomainStats['interfaces'][number];
type DiskRates = DomainRates['disks'][number];
type InterfaceRates = DomainRates['interfaces'][number];

const REQUESTS = maybe(form<NonNullable<Disk['read']>>({ requests: BIG, bytes: maybe(BYTES), time: maybe(BIG) }));
const TRAFFIC = maybe(form<NonNullable<Interface['sent']>>({ bytes: BYTES, packets: BIG, errors: BIG, dropped: BIG }));
const READ_OR_WRITTEN = maybe(
  form<NonNullable<DiskRates['read']>>({ bytes: NUMBER, requests: NUMBER, latency: maybe(NUMBER) }),
);
const SENT_OR_RECEIVED = maybe(form<NonNullable<InterfaceRates['sent']>>({ bytes: NUMBER, packets: NUMBER }));

/** Figures and addresses of guests, by name. */
export const FIGURES: Readonly<Record<string, JsonSchema>> = {
  address: form<KnownAddress>({
    address: TEXT,
    family: words('ipv4', 'ipv6'),
    prefix: COUNT,
    mac: maybe(TEXT),
    interface: TEXT,
    sources: list(words('agent', 'lease', 'arp')),
  }),
  stats: form<DomainStats>({
    name: TEXT,
    uuid: UUID,
    takenAt: { ...NUMBER, description: 'Milliseconds since 1970' },
    state: TEXT,
    reason: TEXT,
    cpu: maybe({ ...form<Cpu>({ time: BIG, user: BIG, system: BIG }), description: 'Nanoseconds' }),
    memory: maybe(
      form<NonNullable<DomainStats['memory']>>({
        current: BYTES,
        maximum: BYTES,
        rss: maybe(BYTES),
        available: maybe(BYTES),
        unused: maybe(BYTES),
        usable: maybe(BYTES),
        diskCaches: maybe(BYTES),
        swappedIn: maybe(BYTES),
        swappedOut: maybe(BYTES),
      }),
    ),
    vcpus: list(
      form<DomainStats['vcpus'][number]>({
        index: COUNT,
        state: words('offline', 'running', 'blocked'),
        time: maybe(BIG),
        wait: maybe(BIG),
        delay: maybe(BIG),
        halted: maybe(BOOLEAN),
      }),
    ),
    interfaces: list(form<Interface>({ name: maybe(TEXT), received: TRAFFIC, sent: TRAFFIC })),
    disks: list(
      form<Disk>({
        target: TEXT,
        path: maybe(TEXT),
        read: REQUESTS,
        written: REQUESTS,
        flushed: REQUESTS,
        capacity: maybe(BYTES),
        allocation: maybe(BYTES),
        physical: maybe(BYTES),
      }),
    ),
    fields: { ...byName(ANYTHING), description: 'All that libvirt told, by its own names' },
  }),
  rates: form<DomainRates & { readonly uuid: string }>({
    uuid: UUID,
    interval: { ...NUMBER, description: 'Milliseconds between the readings; all else is per second' },
    cpu: maybe({ ...NUMBER, description: 'Host CPUs that were taken' }),
    disks: list(form<DiskRates>({ target: TEXT, read: READ_OR_WRITTEN, written: READ_OR_WRITTEN })),
    interfaces: list(form<InterfaceRates>({ name: maybe(TEXT), received: SENT_OR_RECEIVED, sent: SENT_OR_RECEIVED })),
  }),
  statsItem: form<{ readonly stats: unknown[]; readonly rates: unknown[] }>({
    stats: list(part('stats')),
    rates: list(part('rates')),
  }),
};
