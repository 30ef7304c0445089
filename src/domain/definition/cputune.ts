import { type Field, group, integer, list, oneOf, size } from '../devices/fields.js';
import type { Size } from '../values.js';
import { numberKey, numberSet, record, signed } from './forms.js';

const SCHEDULERS = ['batch', 'idle', 'fifo', 'rr'] as const;

/** A scheduler of the host's kernel. */
export interface SchedulerSpec {
  readonly scheduler: (typeof SCHEDULERS)[number];
  /** Of `fifo` and `rr`. */
  readonly priority?: number | undefined;
}

/**
 * How the host's CPUs serve the guest. libvirt: `<cputune>`. Pins and shares can be changed later, by `set`; schedulers and
 * the allocation of caches and memory bandwidth are fixed at define.
 */
export interface CputuneSpec {
  /** CPUs of the host for each vCPU, such as `{ 0: '0-3' }`. */
  readonly vcpuPin?: Readonly<Record<number, string>> | undefined;
  /** CPUs of the host for QEMU's own threads. */
  readonly emulatorPin?: string | undefined;
  /** CPUs of the host for each IOThread. */
  readonly iothreadPin?: Readonly<Record<number, string>> | undefined;
  readonly shares?: number | undefined;
  readonly period?: number | undefined;
  /** Microseconds in each period; negative for no limit. */
  readonly quota?: number | undefined;
  readonly globalPeriod?: number | undefined;
  readonly globalQuota?: number | undefined;
  readonly emulatorPeriod?: number | undefined;
  readonly emulatorQuota?: number | undefined;
  readonly iothreadPeriod?: number | undefined;
  readonly iothreadQuota?: number | undefined;
  readonly vcpuSched?: ReadonlyArray<SchedulerSpec & { readonly vcpus: string }> | undefined;
  readonly iothreadSched?: ReadonlyArray<SchedulerSpec & { readonly iothreads: string }> | undefined;
  readonly emulatorSched?: SchedulerSpec | undefined;
  /** Parts of the host's caches for vCPUs. */
  readonly cachetune?:
    | ReadonlyArray<{
        readonly vcpus: string;
        readonly caches?:
          | ReadonlyArray<{
              readonly id: number;
              readonly level: number;
              readonly type: 'both' | 'code' | 'data';
              readonly size: Size;
            }>
          | undefined;
        readonly monitors?: ReadonlyArray<{ readonly level: number; readonly vcpus: string }> | undefined;
      }>
    | undefined;
  /** Percent of the host's memory bandwidth for vCPUs, by node. */
  readonly memorytune?:
    | ReadonlyArray<{
        readonly vcpus: string;
        readonly nodes?: Readonly<Record<number, number>> | undefined;
        readonly monitors?: ReadonlyArray<{ readonly vcpus: string }> | undefined;
      }>
    | undefined;
}

const at = (name: string) => `cputune/${name}`;
const cpus = (path: string) => numberSet(path, 'a set of CPUs');
const vcpus = numberSet('@vcpus', 'a set of vCPUs');
const scheduler = (path: string) => ({
  scheduler: oneOf(`${path}@scheduler`, SCHEDULERS),
  priority: integer(`${path}@priority`, { min: 1, max: 99 }),
});
const pins = (name: string, key: string, what: string) =>
  record(at(name), key, cpus('@cpuset'), numberKey(what)) as Field<Readonly<Record<number, string>>>;

/** `<cputune>`. */
export const cputune: Field<CputuneSpec> = group<CputuneSpec>({
  vcpuPin: pins('vcpupin', '@vcpu', 'a vCPU'),
  emulatorPin: cpus(`${at('emulatorpin')}/@cpuset`),
  iothreadPin: pins('iothreadpin', '@iothread', 'an IOThread'),
  shares: integer(at('shares'), { min: 1 }),
  period: integer(at('period'), { min: 1000, max: 1_000_000 }),
  quota: signed(at('quota')),
  globalPeriod: integer(at('global_period'), { min: 1000, max: 1_000_000 }),
  globalQuota: signed(at('global_quota')),
  emulatorPeriod: integer(at('emulator_period'), { min: 1000, max: 1_000_000 }),
  emulatorQuota: signed(at('emulator_quota')),
  iothreadPeriod: integer(at('iothread_period'), { min: 1000, max: 1_000_000 }),
  iothreadQuota: signed(at('iothread_quota')),
  vcpuSched: list(at('vcpusched'), { vcpus, ...scheduler('') }),
  iothreadSched: list(at('iothreadsched'), {
    iothreads: numberSet('@iothreads', 'a set of IOThreads'),
    ...scheduler(''),
  }),
  emulatorSched: group<SchedulerSpec>(scheduler(`${at('emulatorsched')}/`)),
  cachetune: list(at('cachetune'), {
    vcpus,
    caches: list('cache', {
      id: integer('@id'),
      level: integer('@level', { min: 1 }),
      type: oneOf('@type', ['both', 'code', 'data']),
      size: size('@size', { unitPath: '@unit', fallback: 'B' }),
    }),
    monitors: list('monitor', { level: integer('@level', { min: 1 }), vcpus }),
  }),
  memorytune: list(at('memorytune'), {
    vcpus,
    nodes: record('node', '@id', integer('@bandwidth', { min: 1, max: 100 }), numberKey('a node')) as Field<
      Readonly<Record<number, number>>
    >,
    monitors: list('monitor', { vcpus }),
  }),
});
