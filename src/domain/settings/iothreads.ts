import { type Element, select } from '../../xml/index.js';
import type { DomainDocument } from '../document.js';
import { byName, NUMBER, removable } from '../json-schema.js';
import type { MutatorCall, ObservedDomain } from '../operation.js';
import { specInvalid } from '../values.js';
import {
  asObject,
  count,
  type ParamTable,
  paramsFor,
  readParams,
  refusal,
  requestOf,
  tableSchema,
  wantedParams,
} from './params.js';
import type { Setting, SettingPlan } from './setting.js';
import { planSides, type Values } from './sides.js';

/** Parameters of one IOThread; `null` gives one back to QEMU's default. */
export interface IothreadParams {
  /** Longest time of busy polling in nanoseconds, 0 for none. libvirt 9.4, since before nothing shows it. */
  readonly pollMaxNs?: number | null | undefined;
  readonly pollGrow?: number | null | undefined;
  readonly pollShrink?: number | null | undefined;
  /** Threads kept and allowed in the pool. libvirt 8.5. */
  readonly threadPoolMin?: number | null | undefined;
  readonly threadPoolMax?: number | null | undefined;
}

/** IOThreads by id, from 1: `{ 1: {}, 2: { threadPoolMax: 8 }, 3: null }`; `{}` is one without parameters, `null` removes it. */
export type IothreadsRequest = Readonly<Record<number, IothreadParams | null>>;

const INT_MAX = 2 ** 31 - 1;
/** A running guest cannot go back to QEMU's own values by -1 (qemuDomainIOThreadValidate): it gets them by number. */
const TABLE: ParamTable<IothreadParams> = {
  pollMaxNs: { param: 'poll_max_ns', path: 'poll/@max', form: count('ullong', { max: INT_MAX }), since: '9.4.0' },
  pollGrow: { param: 'poll_grow', path: 'poll/@grow', form: count('uint', { max: INT_MAX }), since: '9.4.0' },
  pollShrink: { param: 'poll_shrink', path: 'poll/@shrink', form: count('uint', { max: INT_MAX }), since: '9.4.0' },
  threadPoolMin: {
    param: 'thread_pool_min',
    path: '@thread_pool_min',
    form: count('int', { max: INT_MAX }),
    unset: { config: '-1', live: '0' },
    none: ['0'],
    since: '8.5.0',
  },
  threadPoolMax: {
    param: 'thread_pool_max',
    path: '@thread_pool_max',
    form: count('int', { min: 1, max: INT_MAX }),
    unset: { config: '-1', live: '64' },
    none: ['64'],
    since: '8.5.0',
  },
};

/** `<iothreads>` and `<iothreadids>`: virDomainAddIOThread, virDomainDelIOThread and virDomainSetIOThreadParams. */
export const iothreads: Setting<IothreadsRequest> = {
  name: 'iothreads',
  schema: byName(removable(tableSchema(TABLE)), NUMBER),
  sideEffects: ['iothreads', 'iothreadids', 'cputune/iothreadpin'],
  paths: ['iothreads', 'iothreadids'],
  read(document) {
    const ids = iothreadIds(document);
    if (ids.length === 0) return undefined;
    const paramsOf = (element: Element | undefined) => element && requestOf<IothreadParams>(element, TABLE);
    return Object.fromEntries(ids.map((id) => [id, paramsOf(elementOf(document, id)) ?? {}]));
  },
  shown(document, path, { args }) {
    if (!('iothread_id' in args)) return undefined;
    const values = read(document, String(args.iothread_id));
    return values[
      [...Object.keys(TABLE), 'there'].find((key) => labelOf(String(args.iothread_id), key) === path) ?? ''
    ];
  },
  plan(value, context, path) {
    const plans = Object.entries(asObject(value, path)).map(([id, params]) =>
      planOne(id, params, context, `${path}.${id}`),
    );
    return {
      operations: plans.flatMap(({ operations }) => operations),
      refusals: plans.flatMap(({ refusals }) => refusals),
    };
  },
};

/** Ids of the IOThreads of a document: counted from 1 when it lists none. */
export function iothreadIds(document: DomainDocument): string[] {
  const listed = select(document.root, 'iothreadids/iothread').map((each) => each.getAttribute('id') ?? '');
  const total = Number(document.value('iothreads') ?? listed.length);
  for (let id = 1; listed.length < total; id++) if (!listed.includes(String(id))) listed.push(String(id));
  return listed;
}

function planOne(id: string, asked: unknown, context: ObservedDomain, path: string): SettingPlan {
  if (!/^[1-9]\d{0,8}$/.test(id)) throw specInvalid(path, `${id} is not the id of an IOThread`, 'Ids go from 1 up');
  const { canonical, live } = context;
  if (asked === null) {
    const user = userOf(canonical, id) ?? (live && userOf(live, id));
    if (user) {
      const reason = `${user} uses it (virDomainDriverDelIOThreadCheck)`;
      return refusal({ subject: 'iothreads', path, reason, remedy: 'Detach the device first' });
    }
  }
  const params = asked === null ? {} : wantedParams(asked, TABLE, context, path);
  const now = read(canonical, id);
  const after = { ...now, ...params };
  if (Number(after.threadPoolMin ?? 0) > Number(after.threadPoolMax ?? 0))
    throw specInvalid(`${path}.threadPoolMax`, 'it is less than threadPoolMin, or not set', 'Give one that is as much');
  const common = { name: 'iothreads', canonical: now, live: live && read(live, id) };
  const there = planSides({
    ...common,
    wanted: { there: asked === null ? undefined : 'yes' },
    label: (key) => labelOf(id, key),
    call: (change, _, flags) => addOrDelete(id, change.there !== undefined, flags),
    // The parameters go with the IOThread and come back with it.
    undo: (before, _, flags) => [
      addOrDelete(id, before.there !== undefined, flags),
      ...(asked === null ? restore(id, flags === 1 ? common.live : now, flags) : []),
    ],
  });
  const tuned = planSides({
    ...common,
    wanted: params,
    label: (key) => labelOf(id, key),
    call: (change, side, flags) => setParams(id, change, side, flags),
    permanent: (key) => TABLE[key as keyof typeof TABLE].unset === undefined,
  });
  return { operations: [...there, ...tuned], refusals: [] };
}

function labelOf(id: string, key: string): string {
  const path = TABLE[key as keyof typeof TABLE]?.path;
  return path === undefined ? `iothreadids/iothread ${id}` : `iothreadids/iothread ${id}/${path}`;
}

function read(document: DomainDocument, id: string): Values {
  if (!iothreadIds(document).includes(id)) return {};
  const element = elementOf(document, id);
  return { there: 'yes', ...(element ? readParams(element, TABLE) : {}) };
}

function elementOf({ root }: DomainDocument, id: string): Element | undefined {
  return select(root, 'iothreadids/iothread').find((each) => each.getAttribute('id') === id);
}

function addOrDelete(id: string, add: boolean, flags: number): MutatorCall {
  const args = { iothread_id: Number(id), flags };
  return add ? { procedure: 'DOMAIN_ADD_IOTHREAD', args } : { procedure: 'DOMAIN_DEL_IOTHREAD', args };
}

function setParams(id: string, change: Values, side: Values, flags: number): MutatorCall {
  const params = paramsFor(TABLE, change, side, flags === 1 ? 'live' : 'config');
  return { procedure: 'DOMAIN_SET_IOTHREAD_PARAMS', args: { iothread_id: Number(id), params, flags } };
}

function restore(id: string, had: Values | undefined, flags: number): MutatorCall[] {
  const params = Object.fromEntries(
    Object.entries(had ?? {}).filter(([key, value]) => key !== 'there' && value !== undefined),
  );
  return Object.keys(params).length === 0 ? [] : [setParams(id, params, {}, flags)];
}

/** The device that runs on an IOThread: by attribute, or by a mapping of queues. */
function userOf({ devices }: DomainDocument, id: string): string | undefined {
  const uses = (path: string) =>
    path === 'driver/@iothread' || /^driver\/iothreads\/iothread(\[\d+\])?\/@id$/.test(path);
  return devices.find(({ leaves }) => [...leaves].some(([path, value]) => uses(path) && value === id))?.identity;
}
