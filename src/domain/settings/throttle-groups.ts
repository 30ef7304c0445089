import { type Element, select, selectText } from '../../xml/index.js';
import type { DomainDocument } from '../document.js';
import { byName, removable } from '../json-schema.js';
import type { MutatorCall, ObservedDomain } from '../operation.js';
import { asObject, needs, paramsFor, readParams, refusal, requestOf, tableSchema, wantedParams } from './params.js';
import type { Setting, SettingPlan } from './setting.js';
import { planSides, type Values } from './sides.js';
import { assertConsistentLimits, LIMITS, type ThrottleLimits } from './throttle.js';

/** Named limits that disks can share through `<throttlefilters>`; `null` removes a group. libvirt 11.2. */
export type ThrottleGroupsRequest = Readonly<Record<string, ThrottleLimits | null>>;

/** `<throttlegroups>`: virDomainSetThrottleGroup and virDomainDelThrottleGroup. */
export const throttleGroups: Setting<ThrottleGroupsRequest> = {
  name: 'throttleGroups',
  schema: byName(removable(tableSchema(LIMITS))),
  sideEffects: ['throttlegroups'],
  paths: ['throttlegroups'],
  since: '11.2.0',
  read({ root }) {
    const groups = select(root, 'throttlegroups/throttlegroup').map((each) => [
      groupName(each) ?? '',
      requestOf<ThrottleLimits>(each, LIMITS) ?? {},
    ]);
    return groups.length === 0 ? undefined : Object.fromEntries(groups);
  },
  shown(document, path, { args }) {
    if (!('group' in args)) return undefined;
    const values = read(document, args.group);
    return values[Object.keys(values).find((key) => labelOf(args.group, key) === path) ?? ' '];
  },
  plan(value, context, path) {
    needs(context, '11.2.0', path);
    const plans = Object.entries(asObject(value, path)).map(([group, limits]) =>
      planGroup(group, limits, context, `${path}.${group}`),
    );
    return {
      operations: plans.flatMap(({ operations }) => operations),
      refusals: plans.flatMap(({ refusals }) => refusals),
    };
  },
};

function planGroup(group: string, limits: unknown, context: ObservedDomain, path: string): SettingPlan {
  const { canonical, live } = context;
  const now = read(canonical, group);
  if (limits === null) {
    const user = [canonical, ...(live ? [live] : [])]
      .flatMap(({ devices }) => devices)
      .find(({ leaves }) =>
        [...leaves].some(
          ([at, value]) => /^throttlefilters\/throttlefilter(\[\d+\])?\/@group$/.test(at) && value === group,
        ),
      );
    if (user) {
      const reason = `${user.identity} uses the group (virDomainDelThrottleGroup)`;
      return refusal({ subject: 'throttleGroups', path, reason, remedy: 'Detach the disk first' });
    }
  }
  const wanted =
    limits === null
      ? Object.fromEntries(Object.keys({ ...now, ...(live && read(live, group)) }).map((key) => [key, undefined]))
      : { ...wantedParams(limits, LIMITS, context, path), '': 'there' };
  if (limits !== null) assertConsistentLimits({ ...now, ...wanted }, path);
  const operations = planSides({
    name: 'throttleGroups',
    canonical: now,
    live: live && read(live, group),
    wanted,
    label: (key) => labelOf(group, key),
    call: (change, side, flags) => setOrDelete(group, change, side, flags),
  });
  return { operations, refusals: [] };
}

function labelOf(group: string, key: string): string {
  return [`throttlegroups ${group}`, LIMITS[key as keyof typeof LIMITS]?.path].filter(Boolean).join('/');
}

function groupName(group: Element): string | undefined {
  return selectText(group, 'group_name');
}

/** The limits of a group by key, and under `''` whether it is there. */
function read(document: DomainDocument, group: string): Values {
  const element = select(document.root, 'throttlegroups/throttlegroup').find((each) => groupName(each) === group);
  return element ? { ...readParams(element, LIMITS), '': 'there' } : {};
}

/**
 * The whole group in one call, so that nothing depends on what libvirt keeps of the rest. libvirt names a new group by the
 * parameter `group_name`, not by the call's own argument (qemuDomainSetThrottleGroup): without it the group is nameless, and
 * the domain is lost at the daemon's next start.
 */
function setOrDelete(group: string, change: Values, side: Values, flags: number): MutatorCall {
  const there = { ...side, ...change }[''];
  if (there === undefined) return { procedure: 'DOMAIN_DEL_THROTTLE_GROUP', args: { group, flags } };
  const kept = Object.entries(side).filter(([, value]) => value !== undefined);
  const params = paramsFor(LIMITS, { ...Object.fromEntries(kept), ...change }, {}, 'config');
  const name = { field: 'group_name', value: { type: 'string', value: group } } as const;
  return { procedure: 'DOMAIN_SET_THROTTLE_GROUP', args: { group, params: [...params, name], flags } };
}
