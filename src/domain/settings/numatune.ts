import { selectText } from '../../xml/index.js';
import { specInvalid } from '../values.js';
import { cpuset } from './cpuset.js';
import {
  type ParamTable,
  paramAt,
  planParams,
  readParams,
  requestOf,
  tableSchema,
  wantedParams,
  word,
} from './params.js';
import type { Setting } from './setting.js';

/** Which of the host's NUMA nodes the domain's memory comes from. libvirt cannot remove it again. libvirt: `<numatune><memory>`. */
export interface NumatuneRequest {
  /** Of a running domain it is fixed. `restrictive` since libvirt 7.3. */
  readonly mode?: 'strict' | 'preferred' | 'interleave' | 'restrictive' | undefined;
  /** Nodes, such as `'0-1'`; of a running domain only `restrictive` lets them change. */
  readonly nodeset?: string | undefined;
}

const TABLE: ParamTable<NumatuneRequest> = {
  mode: {
    param: 'numa_mode',
    path: 'numatune/memory/@mode',
    form: word(['strict', 'preferred', 'interleave', 'restrictive']),
  },
  nodeset: { param: 'numa_nodeset', path: 'numatune/memory/@nodeset', form: cpuset('a set of nodes') },
};

/** `<numatune><memory>`: virDomainSetNumaParameters. */
export const numatune: Setting<NumatuneRequest> = {
  name: 'numatune',
  schema: tableSchema(TABLE),
  sideEffects: ['numatune'],
  paths: ['numatune', 'numatune/memory'],
  read: ({ root }) => requestOf(root, TABLE),
  shown: ({ root }, path) => paramAt(root, TABLE, path),
  plan(value, context, path) {
    const wanted = wantedParams(value, TABLE, context, path);
    const { canonical, live, session } = context;
    if (wanted.mode !== undefined && { ...readParams(canonical.root, TABLE), ...wanted }.nodeset === undefined)
      throw specInvalid(`${path}.nodeset`, 'is missing', 'A mode needs the nodes it is for (virDomainNumatuneSet)');
    const running = live && selectText(live.root, 'numatune/memory/@mode');
    return planParams({
      name: 'numatune',
      path,
      table: TABLE,
      canonical: canonical.root,
      live: live?.root,
      wanted,
      more: {
        liveObstacle: (key) => {
          if (session) return 'in session mode it is not changed live (qemuDomainSetNumaParameters)';
          if (key === 'mode') return 'the mode of a running domain is fixed (qemuDomainSetNumaParameters)';
          if (running === 'restrictive') return undefined;
          return 'nodes of a running domain change in restrictive mode only (qemuDomainSetNumaParamsLive)';
        },
      },
      call: (params, flags) => ({ procedure: 'DOMAIN_SET_NUMA_PARAMETERS', args: { params, flags } }),
    });
  },
};
