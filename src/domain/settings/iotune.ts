import type { IotuneSpec } from '../devices/disk-iotune.js';
import type { Device, DomainDocument } from '../document.js';
import { byName, removable } from '../json-schema.js';
import type { MutatorCall, ObservedDomain, TypedParameter } from '../operation.js';
import { specInvalid } from '../values.js';
import { oneDevice } from './one-device.js';
import {
  asObject,
  type ParamRow,
  type ParamTable,
  paramAt,
  paramsFor,
  planParams,
  readParams,
  refusal,
  requestOf,
  tableSchema,
  text,
  wantedParams,
} from './params.js';
import type { Setting, SettingPlan } from './setting.js';
import type { Values } from './sides.js';
import { assertConsistentLimits, LIMITS, type ThrottleLimits } from './throttle.js';

/**
 * Limits of disks, by target, id or alias: `{ vda: { totalIopsSec: 500 } }`. `null` instead of limits removes them all,
 * and the disk leaves its group. Disks of one `groupName` share their limits.
 */
export type IotuneRequest = Readonly<Record<string, (ThrottleLimits & Pick<IotuneSpec, 'groupName'>) | null>>;

const TABLE: Readonly<Record<string, ParamRow>> = {
  ...Object.fromEntries(Object.entries(LIMITS).map(([key, row]) => [key, { ...row, path: `iotune/${row.path}` }])),
  // Sent as nothing: a disk without limits leaves its group by itself (qemuDomainCheckBlockIoTuneReset).
  groupName: { param: 'group_name', path: 'iotune/group_name', form: text, unset: '', since: '3.0.0' },
};
const LIMIT_KEYS = Object.keys(LIMITS);

/** `<iotune>` of disks: virDomainSetBlockIoTune. */
export const iotune: Setting<IotuneRequest> = {
  name: 'iotune',
  schema: byName(removable(tableSchema(TABLE))),
  sideEffects: ['devices/disk/iotune'],
  paths: ['devices/disk/iotune'],
  ofDevice: {
    kind: 'disk',
    path: 'iotune',
    read: (desired, there) => {
      const limits = requestOf<ThrottleLimits>(desired.element, TABLE as ParamTable<ThrottleLimits>);
      return limits && { [there.leaves.get('target/@dev') as string]: limits };
    },
  },
  shown({ devices }, path, { args }) {
    const disk = devices.find(({ leaves }) => 'disk' in args && leaves.get('target/@dev') === args.disk);
    return paramAt(disk?.element, TABLE, path.slice(path.lastIndexOf('iotune/')));
  },
  plan(value, context, path) {
    const plans = Object.entries(asObject(value, path)).map(([name, limits]) =>
      planDisk(name, limits, context, `${path}.${name}`),
    );
    return {
      operations: plans.flatMap(({ operations }) => operations),
      refusals: plans.flatMap(({ refusals }) => refusals),
    };
  },
};

function planDisk(name: string, limits: unknown, context: ObservedDomain, path: string): SettingPlan {
  const { device, running } = oneDevice('disk', name, context, path);
  const target = device.leaves.get('target/@dev') as string;
  if (device.leaves.get('@type') === 'vhostuser') {
    const reason = 'a vhost-user disk is not throttled by QEMU (qemuDomainDiskBlockIoTuneIsSupported)';
    return refusal({ subject: 'iotune', path, reason, remedy: 'Limit it in the process that serves the disk' });
  }
  const now = readParams(device.element, TABLE);
  const all = Object.fromEntries(Object.keys(TABLE).map((key) => [key, undefined]));
  let wanted = limits === null ? all : wantedParams(limits, TABLE, context, path);
  const joined = wanted.groupName;
  const has = (element: Device['element']) => {
    const values = readParams(element, TABLE);
    return Object.entries(wanted).every(([key, each]) => values[key] === each);
  };
  // A definition may hold limits that no call takes together.
  if (has(device.element) && (!running || has(running.element))) return { operations: [], refusals: [] };
  const group =
    joined === undefined || joined === now.groupName ? undefined : member(context.canonical, joined, device);
  if (group) {
    if (Object.keys(wanted).length > 1)
      throw specInvalid(
        path,
        `the group ${joined} has limits already`,
        'Join it with groupName alone, then change them',
      );
    wanted = { ...all, ...readParams(group.element, TABLE) };
  }
  const after = { ...now, ...wanted };
  assertConsistentLimits(after, path);
  const limited = LIMIT_KEYS.some((key) => after[key] !== undefined);
  if (limited && 'groupName' in wanted && wanted.groupName === undefined && now.groupName !== undefined) {
    const reason = 'a disk leaves its group only by losing all limits (qemuDomainCheckBlockIoTuneReset)';
    return refusal({ subject: 'iotune', path: `${path}.groupName`, reason, remedy: `Set ${name}: null first` });
  }
  if (!limited && joined !== undefined)
    throw specInvalid(`${path}.groupName`, 'a new group needs limits', 'Give at least one limit with it');
  if (!limited && after.groupName !== undefined) wanted = { ...wanted, groupName: undefined };
  const others = context.canonical.devices.filter(
    (other) => other !== device && after.groupName !== undefined && groupOf(other) === after.groupName,
  );
  const call = (params: readonly TypedParameter[], flags: number): MutatorCall => ({
    procedure: 'DOMAIN_SET_BLOCK_IO_TUNE',
    args: { disk: target, params: params.filter(({ value }) => value.value !== ''), flags },
  });
  return planParams({
    name: 'iotune',
    path,
    table: TABLE,
    canonical: device.element,
    live: running?.element,
    wanted,
    under: device.identity,
    more: {
      ...(others.length > 0
        ? { reason: `the group ${after.groupName} limits ${others.map(({ identity }) => identity).join(', ')} too` }
        : {}),
      undo: (before, side, flags) => undo(before, side, flags, call),
    },
    call,
  });
}

/** A disk leaves its group by a call without limits; what it had before comes with a second one. */
function undo(
  before: Values,
  side: Values,
  flags: number,
  call: (params: readonly TypedParameter[], flags: number) => MutatorCall,
): MutatorCall[] {
  const scope = flags === 1 ? 'live' : 'config';
  const whole = { ...side, ...before };
  if (side.groupName === undefined || whole.groupName === side.groupName)
    return [call(paramsFor(TABLE, before, side, scope), flags)];
  const none = Object.fromEntries(LIMIT_KEYS.map((key) => [key, undefined]));
  const reset = call(paramsFor(TABLE, none, {}, scope), flags);
  const had = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
  return Object.keys(had).length === 0 ? [reset] : [reset, call(paramsFor(TABLE, had, {}, scope), flags)];
}

function member(document: DomainDocument, group: string, but: Device): Device | undefined {
  return document.devices.find((device) => device !== but && groupOf(device) === group);
}

function groupOf({ kind, leaves }: Device): string | undefined {
  return kind.element === 'disk' ? leaves.get('iotune/group_name') : undefined;
}
