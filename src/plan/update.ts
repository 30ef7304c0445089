import {
  AFFECT,
  addressText,
  applies,
  type Change,
  type Device,
  type DeviceKind,
  encodeSpec,
  type Field,
  type FieldTable,
  formatValue,
  isLiveOnly,
  meantDevice,
  type Operation,
  readDevice,
  type Scope,
  shownChange,
  specInvalid,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { detachedCopy, leafChanges, leaves, removeAll, serialize, setAt, under } from '../xml/index.js';
import { type Draft, duplicate } from './draft.js';
import { noteUnsaidFormat } from './draft-images.js';
import type { DeviceUpdate } from './request.js';
import { findBoth, readSelector } from './select.js';

/** Plans an update of fields in place. */
export function planUpdate(draft: Draft, update: DeviceUpdate, path: string): void {
  const selected = readSelector(update, path, ['set']);
  const asked = draft.scope(`${selected.element ?? 'device'} ${selected.name}`, path);
  if (asked === undefined) return;
  const { canonical } = draft.context;
  const { canonical: inCanonical, live: inLive } = findBoth(draft.context, selected, path);
  const device = (asked === 'live' ? inLive : inCanonical) ?? inLive ?? inCanonical;
  if (!device) {
    throw new LibvirtCanonicalError(
      'DEVICE_NOT_FOUND',
      `${path}: there is no ${selected.element ?? 'device'} ${selected.name}`,
      {
        path,
        domain: canonical.name,
        remedy: `${meantDevice([canonical, draft.context.live], selected.element, selected.name)}devices() lists what there is`,
      },
    );
  }
  const set = update.set as Record<string, unknown>;
  planInPlace(
    draft,
    { canonical: inCanonical, live: inLive, scope: asked, bootPath: `${path}.set.boot` },
    (from) => readDevice(withFields(from, from.kind, set, `${path}.set`)),
    path,
  );
}

/** A device as each document has it, and the documents it is to change in. */
export interface Sides {
  readonly canonical: Device | undefined;
  readonly live: Device | undefined;
  readonly scope: Scope;
  /** Where the request says which boot order it is to get. */
  readonly bootPath: string;
}

/**
 * Plans the way from a device as it is to what `wanted` makes of it, in each document by itself. The canonical document
 * gets its own full element with only the asked change; the running guest gets those of the changes that update-device
 * really makes live, and the rest waits for the next boot.
 */
export function planInPlace(draft: Draft, sides: Sides, wanted: (from: Device) => Device, path: string): void {
  const { canonical: inCanonical, live: inLive, scope: asked } = sides;
  const device = ((asked === 'live' ? inLive : inCanonical) ?? inLive ?? inCanonical) as Device;
  const { identity, kind } = device;
  draft.claim(identity, path);
  draft.requestedBootOrders.delete(identity);
  const inConfig = inCanonical && (draft.temporaryBootOrders.get(identity) ?? inCanonical);
  const config = asked === 'live' || !inConfig ? undefined : { from: inConfig, to: wanted(inConfig) };
  const configChanges = config ? changesOf(config.from, config.to) : [];
  const liveAll = asked === 'config' || !inLive ? [] : changesOf(inLive, wanted(inLive));
  if (configChanges.length === 0 && liveAll.length === 0) {
    draft.notes.push(`${identity} is as asked already`);
    return;
  }
  if (!kind.updateConfig) {
    draft.refuse(
      identity,
      path,
      `libvirt has no update of a ${kind.element}`,
      "Detach it and attach it anew in one request, with replace: 'allow'",
    );
    return;
  }
  if (refuses(draft, device, [...configChanges, ...liveAll], path, sides.bootPath)) return;
  if ([...configChanges, ...liveAll].some((change) => under(change.path, 'source'))) {
    const to = config?.to ?? wanted(inLive as Device);
    draft.resourced.set(identity, { device: to, path });
    noteUnsaidFormat(draft, to, device);
  }
  const order = configChanges.find((change) => change.path === 'boot/@order');
  if (order?.to !== undefined) draft.bootOrders.set(identity, order.to);
  else if (order) draft.bootOrders.delete(identity);

  const verdicts = together(
    liveAll.map((change) => ({ change, ...liveVerdict(draft, inLive as Device, change.path) })),
  );
  const now = verdicts.filter(({ live: word }) => word === 'yes').map(({ change }) => change);
  const later = verdicts.filter(({ live: word }) => word !== 'yes');
  if (later.length > 0 && asked === 'live') {
    draft.refuse(
      identity,
      path,
      laterReason(later),
      "Ask for scope: 'persistent' to have it from the next cold boot on",
    );
    return;
  }

  if (configChanges.length === 0 && now.length === 0) {
    draft.notes.push(
      `${identity} is as asked in the canonical document; ${laterReason(later)}, so it waits for the next boot`,
    );
    return;
  }
  const oneCall =
    !kind.needsSeparateLiveUpdate &&
    config &&
    inLive &&
    later.length === 0 &&
    now.length > 0 &&
    sameChanges(configChanges, now) &&
    agree(config.from, inLive, now);
  if (oneCall) {
    draft.operations.push(updateOperation(config.from, config.to, 'both', configChanges));
    return;
  }
  if (now.length > 0 && inLive) {
    draft.operations.push(updateOperation(inLive, readDevice(withLeaves(inLive, now)), 'live', now));
  }
  if (config && configChanges.length > 0) {
    draft.operations.push(
      updateOperation(
        config.from,
        config.to,
        'config',
        configChanges,
        later.length > 0 ? laterReason(later) : undefined,
      ),
    );
  }
}

function updateOperation(
  from: Device,
  to: Device,
  scope: Scope,
  changes: readonly Change[],
  reason?: string,
): Operation {
  const operation = (element: Device, each: readonly Change[]) =>
    ({
      action: 'update',
      subject: from.identity,
      scope,
      takesEffect: scope === 'config' ? 'next-boot' : 'now',
      guestMustCooperate: false,
      ...(from.address === undefined ? {} : { address: addressText(from.address) }),
      changes: each.map((change) => shownChange(from.kind, change)),
      ...(reason === undefined ? {} : { reason }),
      call: {
        procedure: 'DOMAIN_UPDATE_DEVICE_FLAGS',
        args: { xml: serialize(element.element), flags: AFFECT[scope] },
      },
    }) as const;
  const back = changes.map(({ path, from: before, to: after }) => ({ path, from: after, to: before }));
  return { ...operation(to, changes), inverse: [operation(from, back)] };
}

/** A copy of the device's element with fields of its spec set; null removes one. */
function withFields(device: Device, kind: DeviceKind, set: Record<string, unknown>, where: string) {
  const element = detachedCopy(device.element);
  setFields(element, kind.fields as Members, set, where, (kind.exclusive ?? []) as readonly string[][]);
  kind.check?.(leaves(element), where);
  return element;
}

type Members = Readonly<Record<string, Field<unknown>>>;

function setFields(
  element: Device['element'],
  fields: Members,
  set: Record<string, unknown>,
  where: string,
  exclusive: readonly string[][],
): void {
  if (typeof set !== 'object' || set === null || Array.isArray(set))
    throw specInvalid(where, `${formatValue(set)} is not an object of fields`);
  // Names first, so that an unknown one is refused even when it is to be removed.
  encodeSpec(
    fields as FieldTable<Record<string, unknown>>,
    Object.fromEntries(Object.keys(set).map((key) => [key, undefined])),
    where,
  );
  for (const [key, value] of Object.entries(set)) {
    const field = fields[key] as Field<unknown>;
    if (value === undefined) continue;
    if (value !== null && field.members) {
      setFields(element, field.members, value as Record<string, unknown>, `${where}.${key}`, []);
      continue;
    }
    const assignments = value === null ? [] : field.encode(value, `${where}.${key}`);
    const rivals = value === null ? [] : exclusive.filter((group) => group.includes(key)).flat();
    for (const name of [key, ...rivals]) for (const path of fields[name]?.paths ?? []) removeAll(element, path);
    for (const [path, leaf] of assignments) setAt(element, path, leaf);
  }
}

/** A copy of the device's element with leaves set; one that becomes undefined is removed. */
export function withLeaves(device: Device, changes: readonly Change[]) {
  const element = detachedCopy(device.element);
  for (const { path, to } of changes) setAt(element, path, to);
  return element;
}

/** What changes, but for what libvirt fills in while the guest runs and drops by itself. */
function changesOf(from: Device, to: Device): Change[] {
  return leafChanges(from.leaves, to.leaves).filter(({ path, from: before, to: value }) => {
    // A default that nobody wrote is as asked, said outright or not.
    if (before === undefined && value === 'default') return false;
    return value !== undefined || !isLiveOnly(from, path);
  });
}

/** Changes that no update may make: the device's name, its place, a boot order that is taken or the last one. */
function refuses(draft: Draft, device: Device, changes: readonly Change[], path: string, bootPath: string): boolean {
  const { canonical } = draft.context;
  const { identity, kind } = device;
  const named = changes.find((change) => [...kind.identity, 'address'].some((leaf) => under(change.path, leaf)));
  if (named) {
    draft.refuse(
      identity,
      path,
      `${named.path} is what the device is known by, an update cannot change it`,
      "Detach it and attach it anew in one request, with replace: 'allow'",
    );
    return true;
  }
  const order = changes.find((change) => change.path === 'boot/@order');
  if (!order) return false;
  const others = [...draft.bootOrders].filter(([other]) => other !== identity);
  const holder = others.find(([, taken]) => taken === order.to)?.[0];
  if (holder !== undefined && draft.requestedBootOrders.has(holder))
    useTemporaryBootOrder(draft, holder, `makes room for ${identity}`);
  else if (holder !== undefined) {
    throw duplicate(
      bootPath,
      `boot order ${order.to}`,
      holder,
      'Choose a free number, or give that device another one in the same request',
    );
  }
  if (canonical.hasOsBoot) {
    draft.refuse(
      identity,
      path,
      'the domain keeps its boot order in <os>, which shuts out per-device boot order',
      'No call can change that',
    );
    return true;
  }
  if (order.to === undefined && others.length === 0) {
    draft.refuse(
      identity,
      path,
      'it is the last boot order: without one libvirt writes <os><boot> and refuses per-device boot order from then on',
      'Give another device a boot order first',
    );
    return true;
  }
  return false;
}

/** Moves a device to a boot order that nobody has or wants, out of the way of others and so that there is always one. */
export function useTemporaryBootOrder(draft: Draft, identity: string, because: string): void {
  const device = draft.context.canonical.devices.find((each) => each.identity === identity) as Device;
  const taken = new Set([...draft.bootOrders.values(), ...draft.requestedBootOrders.values()]);
  let free = 1;
  while (taken.has(String(free))) free++;
  const change = { path: 'boot/@order', from: draft.bootOrders.get(identity), to: String(free) };
  const parked = readDevice(withLeaves(device, [change]));
  draft.operations.push(updateOperation(device, parked, 'config', [change], because));
  draft.bootOrders.set(identity, String(free));
  draft.temporaryBootOrders.set(identity, parked);
}

/** Gives a device that waited at a boot order of its own its former state back. */
export function restoreBootOrder(draft: Draft, identity: string, because: string): void {
  const device = draft.context.canonical.devices.find((each) => each.identity === identity) as Device;
  const from = draft.temporaryBootOrders.get(identity) as Device;
  const to = device.leaves.get('boot/@order');
  const change = { path: 'boot/@order', from: draft.bootOrders.get(identity), to };
  draft.operations.push(updateOperation(from, device, 'config', [change], because));
  if (to === undefined) draft.bootOrders.delete(identity);
  else draft.bootOrders.set(identity, to);
  draft.temporaryBootOrders.delete(identity);
}

interface LiveVerdict {
  readonly live: 'yes' | 'refused' | 'ignored';
  readonly source: string;
}

/** What update-device LIVE does with one changed path: the first row of the kind's table that applies, else it is refused. */
function liveVerdict(draft: Draft, device: Device, path: string): LiveVerdict {
  const row = device.kind.updates.find(
    (each) => under(path, each.path) && applies(each.where, device.leaves) && draft.since(each.since),
  );
  return row ?? { live: 'refused', source: 'virDomainUpdateDeviceFlags' };
}

/** `type` says what `source` means: they change together, or not while the guest runs. */
function together<V extends LiveVerdict & { readonly change: Change }>(verdicts: readonly V[]): V[] {
  const retyped = verdicts.find(({ change, live }) => change.path === '@type' && live !== 'yes');
  if (!retyped) return [...verdicts];
  return verdicts.map((each) => (under(each.change.path, 'source') ? { ...each, live: retyped.live } : each));
}

function laterReason(later: ReadonlyArray<LiveVerdict & { readonly change: Change }>): string {
  return later
    .map(({ change, live, source }) => {
      const why =
        live === 'ignored' ? 'a live update says success but ignores it' : 'libvirt refuses to change it live';
      return `${change.path}: ${why} (${source})`;
    })
    .join('; ');
}

function sameChanges(a: readonly Change[], b: readonly Change[]): boolean {
  return (
    a.length === b.length &&
    a.every((change) => b.some((other) => other.path === change.path && other.to === change.to))
  );
}

/** True when the canonical element says nothing but the changes that the running guest does not have already. */
function agree(canonical: Device, live: Device, changes: readonly Change[]): boolean {
  const changed = new Set(changes.map(({ path }) => path));
  return [...canonical.leaves].every(([path, value]) => changed.has(path) || live.leaves.get(path) === value);
}
