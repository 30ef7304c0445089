import { setTimeout as sleep } from 'node:timers/promises';
import type { DomainAccess } from '../apply/index.js';
import { type CallOptions, LibvirtError } from '../connection/index.js';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { stateOf } from '../power/index.js';

/** Who knows an address: libvirt's own DHCP server, the guest agent, the host's ARP table. In virDomainInterfaceAddressesSource's order. */
const SOURCES = ['lease', 'agent', 'arp'] as const;

/** Who knows an address. */
export type AddressSource = (typeof SOURCES)[number];

/** An address of a running guest. */
export interface GuestAddress {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Length of the network's prefix; 0 where the source does not know it. */
  readonly prefix: number;
  /** Of the interface; undefined where the guest has none for it. */
  readonly mac: string | undefined;
  /** The guest's own name of it from the agent (`eth0`), the host's from the others (`vnet0`). */
  readonly interface: string;
  readonly source: AddressSource;
}

/** Options of `waitForAddress`. */
export interface WaitForAddressOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. Default 120,000: a guest boots in that time. */
  readonly timeout?: number;
  /** Default any but those of the machine itself and link-local ones; an IPv4 address is preferred. */
  readonly family?: 'ipv4' | 'ipv6';
  /** Of the interface that is to have it. Default any. */
  readonly mac?: string;
  /** Whom to ask. Default all: lease, agent, arp. */
  readonly sources?: readonly AddressSource[];
}

/** An address of a running guest, and everyone who knows it. */
export interface KnownAddress extends Omit<GuestAddress, 'source' | 'interface'> {
  /** By the guest's own name where the agent answers (`eth0`), else by the host's (`vnet0`). */
  readonly interface: string;
  /** The first is the surest: the agent saw it in the guest, a lease was handed out, the ARP table may be out of date. */
  readonly sources: readonly AddressSource[];
}

/** Options of `addresses`. */
export interface AddressesOptions extends CallOptions {
  /** Whom to ask. Default all: lease, agent, arp. */
  readonly sources?: readonly AddressSource[];
}

/** From the surest source to the least sure. */
const SUREST = ['agent', 'lease', 'arp'] as const;

/**
 * Returns every address that somebody knows of a running guest, each once. A source that does not answer, such as an agent
 * that is not there, adds none. virDomainInterfaceAddresses.
 */
export async function addressesOf(reader: DomainAccess, options: AddressesOptions = {}): Promise<KnownAddress[]> {
  const { sources = SOURCES, ...call } = options;
  assertSources(sources);
  await assertRuns(reader, call);
  const known = new Map<string, KnownAddress>();
  for (const source of SUREST.filter((each) => sources.includes(each))) {
    for (const { source: by, ...found } of await addressesFrom(reader, source, call, new Map())) {
      const key = `${found.mac ?? found.interface} ${found.address}`;
      const before = known.get(key);
      if (before?.sources.includes(by)) continue;
      const prefix = before?.prefix || found.prefix;
      known.set(key, { ...found, ...before, prefix, sources: [...(before?.sources ?? []), by] });
    }
  }
  return [...known.values()];
}

function assertSources(sources: readonly AddressSource[]): void {
  const other = sources.find((each) => !SOURCES.includes(each));
  if (other === undefined) return;
  throw new LibvirtCanonicalError('ARGUMENT_INVALID', `sources: ${JSON.stringify(other)} is not a source`, {
    path: 'sources',
    remedy: `There are ${SOURCES.join(', ')}`,
  });
}

/** `DOMAIN_STATE` for a domain without a guest. */
async function assertRuns(reader: DomainAccess, call: CallOptions): Promise<void> {
  const { state } = await stateOf(reader, call);
  if (state !== 'shutoff' && state !== 'crashed') return;
  const { name: domain } = reader.handle;
  throw new LibvirtCanonicalError('DOMAIN_STATE', `domain ${domain} is ${state} and has no address`, {
    domain,
    remedy: 'Start it',
  });
}

const WITHIN = 120_000;
const PAUSE = 500;
/** VIR_IP_ADDR_TYPE_IPV6. */
const IPV6 = 1;

/**
 * Waits until a running guest has an address, and returns it. virDomainInterfaceAddresses. Errors: `DOMAIN_STATE` when the
 * domain does not run (any more), `TIMEOUT` with what each source last said, `ABORTED`.
 */
export async function waitForAddress(reader: DomainAccess, options: WaitForAddressOptions = {}): Promise<GuestAddress> {
  const { signal, timeout = WITHIN, sources = SOURCES } = options;
  const { name: domain } = reader.handle;
  assertSources(sources);
  const ends = performance.now() + timeout;
  const said = new Map<AddressSource, string>();
  for (;;) {
    if (signal?.aborted) throw new AbortedError('waiting for an address', signal.reason);
    await assertRuns(reader, { signal });
    for (const source of sources) {
      const found = await addressesFrom(reader, source, { signal }, said);
      const wanted = chosen(found, options);
      if (wanted) return wanted;
    }
    const left = ends - performance.now();
    if (left <= 0) {
      const why = [...said].map(([source, what]) => `${source}: ${what}`).join('; ');
      throw new LibvirtCanonicalError('TIMEOUT', `domain ${domain} had no address within ${timeout} ms (${why})`, {
        domain,
        remedy: 'It needs an interface in a network of libvirt, or the guest agent and its channel',
      });
    }
    await sleep(Math.min(PAUSE, left), undefined, signal && { signal }).catch(() => undefined);
  }
}

/** What one source knows; what it cannot tell now is kept for the message of a timeout. */
async function addressesFrom(
  reader: DomainAccess,
  source: AddressSource,
  call: CallOptions,
  said: Map<AddressSource, string>,
): Promise<GuestAddress[]> {
  const args = { dom: reader.handle, source: SOURCES.indexOf(source), flags: 0 };
  try {
    const { ifaces } = await reader.connection.call('DOMAIN_INTERFACE_ADDRESSES', args, call);
    said.set(source, 'no address');
    return ifaces.flatMap(({ name, hwaddr, addrs }) =>
      addrs.map(({ addr, type, prefix }) => ({
        address: addr,
        family: type === IPV6 ? ('ipv6' as const) : ('ipv4' as const),
        prefix,
        mac: hwaddr?.toLowerCase() || undefined,
        interface: name,
        source,
      })),
    );
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    said.set(source, error.libvirtMessage);
    return [];
  }
}

/** The first address that others can reach, IPv4 before IPv6. */
function chosen(found: readonly GuestAddress[], { family, mac }: WaitForAddressOptions): GuestAddress | undefined {
  const fit = found.filter(
    (each) =>
      (family === undefined || each.family === family) &&
      (mac === undefined || each.mac === mac.toLowerCase()) &&
      !/^(127\.|169\.254\.|::1$|fe80:)/i.test(each.address),
  );
  return fit.find((each) => each.family === 'ipv4') ?? fit[0];
}
