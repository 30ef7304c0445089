import { type ProcedureResult, paramsToObject } from '../connection/index.js';

/** What a migration is doing. */
export type MigrationPhase =
  | 'checking'
  | 'preparing'
  | 'proving'
  | 'sending'
  | 'finishing'
  | 'confirming'
  | 'aborting'
  | 'tidying';

/** Something that the policy did. */
export interface PolicyAct {
  readonly did: string;
  readonly why: string;
}

/** How far a migration is. */
export interface MigrationProgress {
  readonly phase: MigrationPhase;
  /** Milliseconds since it began. */
  readonly elapsed: number;
  /** From 0 to 1: what has been sent of memory and disks. Memory that the guest writes meanwhile makes it go back. */
  readonly fraction: number;
  /** Bytes that remain: of memory in this pass over it, and of disks. */
  readonly remaining: { readonly memory: number; readonly disks: number };
  readonly total: { readonly memory: number; readonly disks: number };
  /** Bytes sent so far, passes over the same memory counted each time. */
  readonly processed: number;
  /** Bytes a second; undefined before sending. */
  readonly rate: number | undefined;
  /** Bytes a second that the guest writes; undefined before the second pass. */
  readonly dirtyRate: number | undefined;
  /** The pass over memory, from 1; 0 before. */
  readonly iteration: number;
  /** Milliseconds that the guest would stand still if it went over now, as QEMU estimates them. */
  readonly expectedDowntime: number | undefined;
  /** How far the guest is slowed down, in percent. */
  readonly throttle: number | undefined;
  /** What the policy did at this moment, if anything. */
  readonly policy: readonly PolicyAct[];
}

/** What virDomainGetJobStats tells, as numbers. */
export type JobStats = Readonly<Record<string, number>>;

export function jobStats({ params }: ProcedureResult<'DOMAIN_GET_JOB_STATS'>): JobStats {
  const all = Object.entries(paramsToObject(params)).map(([name, value]) => [name, Number(value)] as const);
  return Object.fromEntries(all.filter(([, value]) => Number.isFinite(value)));
}

/** Bytes sent so far, by which it is told that anything is sent. */
export function processedOf(stats: JobStats): number {
  return (stats.memory_processed ?? 0) + (stats.disk_processed ?? 0);
}

/** Progress of a reading. */
export function progressOf(
  phase: MigrationPhase,
  elapsed: number,
  stats: JobStats,
  policy: readonly PolicyAct[] = [],
): MigrationProgress {
  const total = { memory: stats.memory_total ?? 0, disks: stats.disk_total ?? 0 };
  const remaining = { memory: stats.memory_remaining ?? 0, disks: stats.disk_remaining ?? 0 };
  const all = total.memory + total.disks;
  const { memory_iteration: iteration = 0, memory_dirty_rate: dirty, memory_page_size: page = 4096 } = stats;
  return {
    phase,
    elapsed,
    fraction: all === 0 ? 0 : Math.min(Math.max(1 - (remaining.memory + remaining.disks) / all, 0), 1),
    remaining,
    total,
    processed: processedOf(stats),
    rate: stats.memory_bps || stats.disk_bps || undefined,
    dirtyRate: iteration > 1 && dirty !== undefined ? dirty * page : undefined,
    iteration,
    expectedDowntime: stats.downtime,
    throttle: stats.auto_converge_throttle || undefined,
    policy,
  };
}
