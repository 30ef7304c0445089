import { type Size, specInvalid } from '../values.js';
import {
  amount,
  type ParamTable,
  paramAt,
  planParams,
  readParams,
  requestOf,
  tableSchema,
  unlessSession,
  wantedParams,
} from './params.js';
import type { Setting } from './setting.js';

/** Limits of the host memory that the domain's process may take; `null` removes one. libvirt: `<memtune>`. */
export interface MemtuneRequest {
  /** Above it the domain is killed: leave room for QEMU itself. */
  readonly hardLimit?: Size | null | undefined;
  /** Enforced only when the host is short of memory. */
  readonly softLimit?: Size | null | undefined;
  /** Memory and swap together, at least the hard limit. */
  readonly swapHardLimit?: Size | null | undefined;
}

/** VIR_DOMAIN_MEMORY_PARAM_UNLIMITED: 2^53 - 1 KiB, which the document does not show. */
const UNLIMITED = '9007199254740991';
const limit = (param: string) => ({
  param,
  path: `memtune/${param}`,
  form: amount('KiB', { max: Number.MAX_SAFE_INTEGER - 1 }),
  unset: UNLIMITED,
  none: [UNLIMITED],
});

const TABLE: ParamTable<MemtuneRequest> = {
  hardLimit: limit('hard_limit'),
  softLimit: limit('soft_limit'),
  swapHardLimit: limit('swap_hard_limit'),
};

/** `<memtune>` but for min_guarantee: virDomainSetMemoryParameters. */
export const memtune: Setting<MemtuneRequest> = {
  name: 'memtune',
  schema: tableSchema(TABLE),
  sideEffects: ['memtune'],
  paths: ['memtune', ...Object.values(TABLE).map(({ path }) => path)],
  read: ({ root }) => requestOf(root, TABLE),
  shown: ({ root }, path) => paramAt(root, TABLE, path),
  plan(value, context, path) {
    const wanted = wantedParams(value, TABLE, context, path);
    const { canonical, live } = context;
    for (const root of [canonical.root, ...(live ? [live.root] : [])]) {
      const { hardLimit, swapHardLimit } = { ...readParams(root, TABLE), ...wanted };
      if (swapHardLimit !== undefined && Number(hardLimit ?? UNLIMITED) > Number(swapHardLimit))
        throw specInvalid(path, 'the hard limit is above swapHardLimit', 'Give hardLimit too, at most swapHardLimit');
    }
    const plan = planParams({
      name: 'memtune',
      path,
      table: TABLE,
      canonical: canonical.root,
      live: live?.root,
      wanted,
      call: (params, flags) => ({ procedure: 'DOMAIN_SET_MEMORY_PARAMETERS', args: { params, flags } }),
    });
    return unlessSession(plan, context, 'memtune', path, 'qemuDomainSetMemoryParameters');
  },
};
