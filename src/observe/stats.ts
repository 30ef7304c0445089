import type { DomainAccess } from '../apply/index.js';
import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  paramsToObject,
  type TypedParamValue,
  VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
  VIR_DOMAIN_STATS_BALLOON,
  VIR_DOMAIN_STATS_BLOCK,
  VIR_DOMAIN_STATS_CPU_TOTAL,
  VIR_DOMAIN_STATS_DIRTYRATE,
  VIR_DOMAIN_STATS_INTERFACE,
  VIR_DOMAIN_STATS_IOTHREAD,
  VIR_DOMAIN_STATS_MEMORY,
  VIR_DOMAIN_STATS_PERF,
  VIR_DOMAIN_STATS_STATE,
  VIR_DOMAIN_STATS_VCPU,
  VIR_DOMAIN_STATS_VM,
} from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type DomainState, type DomainStateReason, stateNamed } from '../power/index.js';

const GROUPS = {
  cpu: VIR_DOMAIN_STATS_CPU_TOTAL,
  memory: VIR_DOMAIN_STATS_BALLOON,
  vcpus: VIR_DOMAIN_STATS_VCPU,
  interfaces: VIR_DOMAIN_STATS_INTERFACE,
  disks: VIR_DOMAIN_STATS_BLOCK,
  perf: VIR_DOMAIN_STATS_PERF,
  iothreads: VIR_DOMAIN_STATS_IOTHREAD,
  bandwidth: VIR_DOMAIN_STATS_MEMORY,
  dirtyRate: VIR_DOMAIN_STATS_DIRTYRATE,
  vm: VIR_DOMAIN_STATS_VM,
} as const;

/** A group of figures that libvirt gathers together. `bandwidth` is of memory, by resctrl; `vm` needs libvirt 8.9. */
export type StatsGroup = keyof typeof GROUPS;

/** Options of `stats`. */
export interface StatsOptions extends CallOptions {
  /** Which figures to read. Default: all that the host has. */
  readonly groups?: readonly StatsGroup[];
  /**
   * True leaves out what a domain that is busy with a job, such as a migration, could only tell after it. Default false:
   * libvirt waits for it, up to 30 seconds.
   */
  readonly nowait?: boolean;
}

/** Requests to a disk since the guest was started. */
export interface RequestStats {
  readonly requests: bigint;
  /** Undefined for flushes. */
  readonly bytes: bigint | undefined;
  /** Nanoseconds that they took, all together. */
  readonly time: bigint | undefined;
}

/** A disk. */
export interface DiskStats {
  /** Its target, e.g. `vda`. */
  readonly target: string;
  /** File or device; undefined for a network disk, or none. */
  readonly path: string | undefined;
  /** Undefined while the guest is off, as are `written` and `flushed`. */
  readonly read: RequestStats | undefined;
  readonly written: RequestStats | undefined;
  readonly flushed: RequestStats | undefined;
  /** What the guest sees, in bytes. */
  readonly capacity: bigint | undefined;
  /** Highest byte that was written, of a running guest; what the image takes of the host when it is off. */
  readonly allocation: bigint | undefined;
  /** Length of the file or device, in bytes. */
  readonly physical: bigint | undefined;
}

/** One direction of an interface since the guest was started, from the guest's side. */
export interface TrafficStats {
  readonly bytes: bigint;
  readonly packets: bigint;
  readonly errors: bigint;
  readonly dropped: bigint;
}

/** An interface. */
export interface InterfaceStats {
  /** The host's name of it, e.g. `vnet0`; undefined for one that has none, as in user mode networking. */
  readonly name: string | undefined;
  /** Undefined when the host counts nothing for it, as is `sent`. */
  readonly received: TrafficStats | undefined;
  readonly sent: TrafficStats | undefined;
}

/** A virtual CPU that the guest has now. */
export interface VcpuStats {
  readonly index: number;
  readonly state: 'offline' | 'running' | 'blocked';
  /** Nanoseconds that it ran. */
  readonly time: bigint | undefined;
  /** Nanoseconds that it waited for I/O. */
  readonly wait: bigint | undefined;
  /** Nanoseconds that it was ready and the host had no CPU for it. */
  readonly delay: bigint | undefined;
  readonly halted: boolean | undefined;
}

/** Memory, in bytes. All below `rss` is what the guest's own balloon driver says, undefined without one or without a period. */
export interface MemoryStats {
  readonly current: bigint;
  readonly maximum: bigint;
  /** What QEMU takes of the host. */
  readonly rss: bigint | undefined;
  readonly available: bigint | undefined;
  readonly unused: bigint | undefined;
  readonly usable: bigint | undefined;
  readonly diskCaches: bigint | undefined;
  readonly swappedIn: bigint | undefined;
  readonly swappedOut: bigint | undefined;
}

/** Figures of a domain at a moment. What libvirt does not tell, or what was not asked for, is undefined or empty. */
export interface DomainStats {
  readonly name: string;
  readonly uuid: string;
  /** When it was read: milliseconds since 1970, never backwards within a process. */
  readonly takenAt: number;
  readonly state: DomainState;
  readonly reason: DomainStateReason;
  /** Nanoseconds of host CPU that the running guest and its QEMU took. */
  readonly cpu: { readonly time: bigint; readonly user: bigint; readonly system: bigint } | undefined;
  readonly memory: MemoryStats | undefined;
  readonly vcpus: readonly VcpuStats[];
  readonly interfaces: readonly InterfaceStats[];
  readonly disks: readonly DiskStats[];
  /** Everything libvirt told, by its own names, e.g. `block.0.rd.bytes`; memory is in KiB there. */
  readonly fields: Readonly<Record<string, TypedParamValue['value']>>;
}

/** Reads the figures of these domains, or of all that there are, in one call. virConnectGetAllDomainStats. */
export async function statsOf(
  connection: Connection,
  doms: readonly DomainHandle[],
  { groups, nowait = false, ...call }: StatsOptions = {},
): Promise<DomainStats[]> {
  const asked = groups?.reduce((bits, group) => bits | GROUPS[group], VIR_DOMAIN_STATS_STATE);
  const args = { doms, stats: asked ?? 0, flags: nowait ? VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT : 0 };
  const { retStats } = await connection.call('CONNECT_GET_ALL_DOMAIN_STATS', args, call);
  const takenAt = performance.timeOrigin + performance.now();
  return retStats.map(({ dom, params }) => named(dom, new Fields(paramsToObject(params)), takenAt));
}

/** Reads the figures of one domain. `DOMAIN_NOT_FOUND` when it is gone. */
export async function statsOfDomain(
  { connection, handle }: DomainAccess,
  options: StatsOptions = {},
): Promise<DomainStats> {
  const [stats] = await statsOf(connection, [handle], options);
  if (stats) return stats;
  // libvirt leaves out a domain that is gone, rather than refusing the call.
  throw new LibvirtCanonicalError('DOMAIN_NOT_FOUND', `there is no domain "${handle.name}" on this host`, {
    domain: handle.name,
  });
}

/** The names of the groups, for the check of options. */
export const STATS_GROUPS = Object.keys(GROUPS) as StatsGroup[];

function named({ name, uuid }: DomainHandle, fields: Fields, takenAt: number): DomainStats {
  const { state, reason } = stateNamed(fields.number('state.state') ?? 0, fields.number('state.reason') ?? 0);
  const off = state === 'shutoff' || state === 'crashed';
  return {
    name,
    uuid,
    takenAt,
    state,
    reason,
    // Of a guest that is off libvirt tells what its own daemon took.
    cpu: off ? undefined : cpuOf(fields),
    memory: memoryOf(fields),
    vcpus: off ? [] : fields.indices('vcpu').map((index) => vcpuOf(fields, index)),
    interfaces: fields.indices('net').map((at) => ({
      name: fields.text(`net.${at}.name`),
      received: trafficOf(fields, `net.${at}.rx`),
      sent: trafficOf(fields, `net.${at}.tx`),
    })),
    disks: fields.indices('block').map((at) => diskOf(fields, `block.${at}`)),
    fields: fields.all,
  };
}

function cpuOf(fields: Fields): DomainStats['cpu'] {
  const time = fields.count('cpu.time');
  if (time === undefined) return undefined;
  return { time, user: fields.count('cpu.user') ?? 0n, system: fields.count('cpu.system') ?? 0n };
}

function memoryOf(fields: Fields): MemoryStats | undefined {
  const bytes = (field: string) => {
    const kib = fields.count(`balloon.${field}`);
    return kib === undefined ? undefined : kib * 1024n;
  };
  const [current, maximum] = [bytes('current'), bytes('maximum')];
  if (current === undefined || maximum === undefined) return undefined;
  return {
    current,
    maximum,
    rss: bytes('rss'),
    available: bytes('available'),
    unused: bytes('unused'),
    usable: bytes('usable'),
    diskCaches: bytes('disk_caches'),
    swappedIn: bytes('swap_in'),
    swappedOut: bytes('swap_out'),
  };
}

function vcpuOf(fields: Fields, index: number): VcpuStats {
  const halted = fields.text(`vcpu.${index}.halted`);
  return {
    index,
    state: (['offline', 'running', 'blocked'] as const)[fields.number(`vcpu.${index}.state`) ?? 0] ?? 'offline',
    time: fields.count(`vcpu.${index}.time`),
    wait: fields.count(`vcpu.${index}.wait`),
    delay: fields.count(`vcpu.${index}.delay`),
    halted: halted === undefined ? undefined : halted === 'yes',
  };
}

function trafficOf(fields: Fields, at: string): TrafficStats | undefined {
  const bytes = fields.count(`${at}.bytes`);
  if (bytes === undefined) return undefined;
  const [packets = 0n, errors = 0n, dropped = 0n] = ['pkts', 'errs', 'drop'].map((each) =>
    fields.count(`${at}.${each}`),
  );
  return { bytes, packets, errors, dropped };
}

function diskOf(fields: Fields, at: string): DiskStats {
  const requests = (which: string): RequestStats | undefined => {
    const count = fields.count(`${at}.${which}.reqs`);
    if (count === undefined) return undefined;
    return {
      requests: count,
      bytes: fields.count(`${at}.${which}.bytes`),
      time: fields.count(`${at}.${which}.times`),
    };
  };
  return {
    target: fields.text(`${at}.name`) ?? '',
    path: fields.text(`${at}.path`),
    read: requests('rd'),
    written: requests('wr'),
    flushed: requests('fl'),
    capacity: fields.count(`${at}.capacity`),
    allocation: fields.count(`${at}.allocation`),
    physical: fields.count(`${at}.physical`),
  };
}

/** libvirt's fields, which differ in type from version to version, by what they are here. */
class Fields {
  readonly all: DomainStats['fields'];
  constructor(all: DomainStats['fields']) {
    this.all = all;
  }

  count(field: string): bigint | undefined {
    const value = this.all[field];
    return typeof value === 'bigint' ? value : typeof value === 'number' ? BigInt(Math.trunc(value)) : undefined;
  }

  number(field: string): number | undefined {
    const value = this.count(field);
    return value === undefined ? undefined : Number(value);
  }

  text(field: string): string | undefined {
    const value = this.all[field];
    return typeof value === 'string' ? value : typeof value === 'boolean' ? (value ? 'yes' : 'no') : undefined;
  }

  /** The numbers after `group`, in order: a list has gaps where a vCPU is not there; `count` tells of those without a field. */
  indices(group: string): number[] {
    const found = new Set<number>();
    for (let at = 0; at < (this.number(`${group}.count`) ?? 0); at++) found.add(at);
    for (const field of Object.keys(this.all)) {
      const [first, index] = field.split('.');
      if (first === group && /^\d+$/.test(index ?? '')) found.add(Number(index));
    }
    return [...found].sort((a, b) => a - b);
  }
}
