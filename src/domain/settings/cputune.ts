import {
  count,
  type ParamTable,
  paramAt,
  planParams,
  requestOf,
  tableSchema,
  unlessSession,
  wantedParams,
} from './params.js';
import type { Setting } from './setting.js';

/** Shares and bandwidth of the host's CPUs. Periods and quotas in microseconds; `null` removes one. libvirt: `<cputune>`. */
export interface CputuneRequest {
  /** Weight against other domains. libvirt cannot remove it again. Control groups v1: 2 … 262144, v2: 1 … 10000. */
  readonly shares?: number | undefined;
  /** Over which time the quota of each vCPU counts, 1000 … 1000000. */
  readonly period?: number | null | undefined;
  /** What each vCPU may run in a period, from 1000. */
  readonly quota?: number | null | undefined;
  /** The same for the domain as a whole. */
  readonly globalPeriod?: number | null | undefined;
  readonly globalQuota?: number | null | undefined;
  /** The same for QEMU's own threads. */
  readonly emulatorPeriod?: number | null | undefined;
  readonly emulatorQuota?: number | null | undefined;
  /** The same for each IOThread. */
  readonly iothreadPeriod?: number | null | undefined;
  readonly iothreadQuota?: number | null | undefined;
}

// A live 0 is ignored (`if (def && value_ul)`), so the running guest gets what the kernel has by default.
const period = (param: string, path: string, since?: string) => ({
  param,
  path,
  form: count('ullong', { min: 1000, max: 1_000_000 }),
  unset: { config: '0', live: '100000' },
  none: ['0', '100000'],
  ...(since === undefined ? {} : { since }),
});
const quota = (param: string, path: string, since?: string) => ({
  param,
  path,
  form: count('llong', { min: 1000, max: 17_592_186_044_415 }),
  unset: { config: '0', live: '-1' },
  none: ['0', '-1'],
  ...(since === undefined ? {} : { since }),
});

const TABLE: ParamTable<CputuneRequest> = {
  shares: { param: 'cpu_shares', path: 'cputune/shares', form: count('ullong', { min: 1, max: 262_144 }) },
  period: period('vcpu_period', 'cputune/period'),
  quota: quota('vcpu_quota', 'cputune/quota'),
  globalPeriod: period('global_period', 'cputune/global_period', '1.3.3'),
  globalQuota: quota('global_quota', 'cputune/global_quota', '1.3.3'),
  emulatorPeriod: period('emulator_period', 'cputune/emulator_period'),
  emulatorQuota: quota('emulator_quota', 'cputune/emulator_quota'),
  iothreadPeriod: period('iothread_period', 'cputune/iothread_period', '2.2.0'),
  iothreadQuota: quota('iothread_quota', 'cputune/iothread_quota', '2.2.0'),
};

/** Shares and bandwidth in `<cputune>`: virDomainSetSchedulerParametersFlags. */
export const cputune: Setting<CputuneRequest> = {
  name: 'cputune',
  schema: tableSchema(TABLE),
  sideEffects: ['cputune'],
  paths: ['cputune', ...Object.values(TABLE).map(({ path }) => path)],
  read: ({ root }) => requestOf(root, TABLE),
  shown: ({ root }, path) => paramAt(root, TABLE, path),
  plan(value, context, path) {
    const wanted = wantedParams(value, TABLE, context, path);
    const plan = planParams({
      name: 'cputune',
      path,
      table: TABLE,
      canonical: context.canonical.root,
      live: context.live?.root,
      wanted,
      call: (params, flags) => ({ procedure: 'DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS', args: { params, flags } }),
    });
    return unlessSession(plan, context, 'cputune', path, 'qemuDomainSetSchedulerParametersFlags');
  },
};
