import { LibvirtCanonicalError } from '../errors.js';
import type { DiskStats, DomainStats, InterfaceStats, RequestStats, TrafficStats } from './stats.js';

/** Per second. */
export interface BytesAndPackets {
  readonly bytes: number;
  readonly packets: number;
}

/** Per second; `latency` is milliseconds for one request, undefined when there was none. */
export interface ReadAndWritten {
  readonly bytes: number;
  readonly requests: number;
  readonly latency: number | undefined;
}

/** What a domain did between two readings. What only one of them has, or what was counted anew between them, is undefined. */
export interface DomainRates {
  /** Milliseconds between the readings. */
  readonly interval: number;
  /** Host CPUs that were taken: 1 is one CPU all the time. */
  readonly cpu: number | undefined;
  readonly disks: ReadonlyArray<{
    readonly target: string;
    readonly read: ReadAndWritten | undefined;
    readonly written: ReadAndWritten | undefined;
  }>;
  readonly interfaces: ReadonlyArray<{
    readonly name: string | undefined;
    readonly received: BytesAndPackets | undefined;
    readonly sent: BytesAndPackets | undefined;
  }>;
}

/**
 * Returns rates from two readings of one domain. Errors: `ARGUMENT_INVALID` for two domains, or readings in the wrong order.
 *
 * @example
 * const before = await domain.stats();
 * await setTimeout(1000);
 * console.log(statsRates(before, await domain.stats()).disks);
 */
export function statsRates(earlier: DomainStats, later: DomainStats): DomainRates {
  const interval = later.takenAt - earlier.takenAt;
  if (earlier.uuid !== later.uuid)
    throw new LibvirtCanonicalError(
      'ARGUMENT_INVALID',
      `statsRates: the readings are of ${earlier.name} and of ${later.name}`,
      { path: 'later', remedy: 'Give two readings of one domain' },
    );
  if (!(interval > 0))
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', 'statsRates: the second reading is not later than the first', {
      path: 'later',
      remedy: 'Give the earlier reading first',
    });
  const seconds = interval / 1000;
  const used = grown(earlier.cpu?.time, later.cpu?.time);
  return {
    interval,
    cpu: used === undefined ? undefined : used / 1e9 / seconds,
    disks: later.disks.map((disk) => diskRates(same(earlier.disks, 'target', disk), disk, seconds)),
    interfaces: later.interfaces.map((each) => interfaceRates(same(earlier.interfaces, 'name', each), each, seconds)),
  };
}

function same<T, Key extends keyof T>(among: readonly T[], key: Key, one: T): T | undefined {
  return one[key] === undefined ? undefined : among.find((each) => each[key] === one[key]);
}

/** How much a counter grew; undefined for one that began anew, as when the guest was started again. */
function grown(before: bigint | undefined, after: bigint | undefined): number | undefined {
  return before === undefined || after === undefined || after < before ? undefined : Number(after - before);
}

function diskRates(before: DiskStats | undefined, after: DiskStats, seconds: number): DomainRates['disks'][number] {
  const rate = (from: RequestStats | undefined, to: RequestStats | undefined): ReadAndWritten | undefined => {
    const [requests, bytes, time] = [
      grown(from?.requests, to?.requests),
      grown(from?.bytes, to?.bytes),
      grown(from?.time, to?.time),
    ];
    if (requests === undefined || bytes === undefined) return undefined;
    const latency = requests === 0 || time === undefined ? undefined : time / 1e6 / requests;
    return { bytes: bytes / seconds, requests: requests / seconds, latency };
  };
  return { target: after.target, read: rate(before?.read, after.read), written: rate(before?.written, after.written) };
}

function interfaceRates(
  before: InterfaceStats | undefined,
  after: InterfaceStats,
  seconds: number,
): DomainRates['interfaces'][number] {
  const rate = (from: TrafficStats | undefined, to: TrafficStats | undefined): BytesAndPackets | undefined => {
    const [bytes, packets] = [grown(from?.bytes, to?.bytes), grown(from?.packets, to?.packets)];
    return bytes === undefined || packets === undefined
      ? undefined
      : { bytes: bytes / seconds, packets: packets / seconds };
  };
  return { name: after.name, received: rate(before?.received, after.received), sent: rate(before?.sent, after.sent) };
}
