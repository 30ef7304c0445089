import { BOOLEAN } from '../json-schema.js';
import { formatValue, specInvalid } from '../values.js';
import {
  type Form,
  type ParamRow,
  type ParamTable,
  paramAt,
  planParams,
  refusal,
  requestOf,
  tableSchema,
  wantedParams,
} from './params.js';
import type { Setting } from './setting.js';

/** Names of the events, as libvirt writes them. */
export const EVENTS = [
  'cmt',
  'mbmt',
  'mbml',
  'cpu_cycles',
  'instructions',
  'cache_references',
  'cache_misses',
  'branch_instructions',
  'branch_misses',
  'bus_cycles',
  'stalled_cycles_frontend',
  'stalled_cycles_backend',
  'ref_cpu_cycles',
  'cpu_clock',
  'task_clock',
  'page_faults',
  'context_switches',
  'cpu_migrations',
  'page_faults_min',
  'page_faults_maj',
  'alignment_faults',
  'emulation_faults',
] as const;

/** Hardware and software events that libvirt counts for the domain, on or off. libvirt: `<perf><event>`. */
export type PerfRequest = { readonly [E in (typeof EVENTS)[number]]?: boolean | undefined };

const onOff: Form = {
  type: 'boolean',
  schema: BOOLEAN,
  parse(value, path) {
    if (typeof value !== 'boolean') throw specInvalid(path, `${formatValue(value)} is not true or false`);
    return value ? 'yes' : 'no';
  },
  value: (text) => text === 'yes',
  encode: (text) => text === 'yes',
};
const TABLE: Readonly<Record<string, ParamRow>> = Object.fromEntries(
  EVENTS.map((event) => [
    event,
    // libvirt keeps an event that is switched off as enabled='no', which is as good as none.
    { param: event, path: `perf/event[@name='${event}']/@enabled`, form: onOff, unset: 'no', none: ['no'] },
  ]),
);

/** `<perf>`: virDomainSetPerfEvents. */
export const perf: Setting<PerfRequest> = {
  name: 'perf',
  schema: tableSchema(TABLE),
  sideEffects: ['perf'],
  paths: ['perf'],
  read: ({ root }) => requestOf(root, TABLE as ParamTable<PerfRequest>),
  shown: ({ root }, path) => paramAt(root, TABLE, path),
  plan(value, context, path) {
    const wanted = wantedParams(value, TABLE, context, path);
    const on = Object.keys(wanted).find((event) => wanted[event] === 'yes');
    if (context.session && on !== undefined) {
      return refusal({
        subject: 'perf',
        path: `${path}.${on}`,
        reason:
          'without privileges libvirt may not open the event, and the domain would not start (virPerfEventEnable)',
        remedy: 'Connect to the system daemon (qemu:///system)',
      });
    }
    return planParams({
      name: 'perf',
      path,
      table: TABLE,
      canonical: context.canonical.root,
      live: context.live?.root,
      wanted,
      call: (params, flags) => ({ procedure: 'DOMAIN_SET_PERF_EVENTS', args: { params, flags } }),
    });
  },
};
