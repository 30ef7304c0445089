import {
  assertKnownFields,
  type BusRequirement,
  type Change,
  checkedHead,
  type Device,
  DomainDocument,
  type DomainSpec,
  formatValue,
  isImplicit,
  isKnownKind,
  isLiveOnly,
  isRaisedAtStart,
  type ObservedDomain,
  readDevice,
  requestedDevices,
  SETTINGS,
  type SettingsRequest,
  saidParts,
  specInvalid,
} from '../domain/index.js';
import { buildElement, parseElement, serialize, setAt } from '../xml/index.js';
import { type AttachItem, planAttaches, readRequest } from './attach.js';
import { byBootOrder, type Update, withBootOrders } from './boot-order.js';
import { differences, isRunningState } from './compare-devices.js';
import { planDetaches } from './detaches.js';
import { pluggable } from './device-operations.js';
import { Draft } from './draft.js';
import { finish } from './finish.js';
import { refuseFixedParts } from './fixed-at-define.js';
import { Intent } from './intent.js';
import { assertDistinct, matchDevices, type Pair, type Wanted } from './match.js';
import type { Plan } from './plan.js';
import { isOfRunningGuest } from './running-guest.js';
import { bySetting, planSettings, settingsOf, withDevices } from './settings.js';
import { planStorage } from './storage-plan.js';
import { planInPlace, withLeaves } from './update.js';

/** How `planTowards` may get there. */
export interface TowardsOptions {
  /** A device whose change no update reaches: `refuse` (default), or detach it and attach it anew, at its address if it can be. */
  readonly replace?: 'refuse' | 'allow';
  /** What becomes of an attach or detach that the running guest cannot have now. Default `refuse`. */
  readonly ifNotLive?: 'refuse' | 'next-boot';
  /** Which document loses a device first; see `ChangeRequest`. Default `live-first`. */
  readonly detachOrder?: 'live-first' | 'config-first';
  /** Settings that the desired state has beside what a spec says of them, as in a change request. */
  readonly set?: SettingsRequest;
}

/** A desired state, read: its devices with their place in the request, and what it says outside them. */
interface Desired {
  readonly devices: readonly Wanted[];
  readonly settings: SettingsRequest;
  readonly document: DomainDocument | undefined;
  readonly spec: DomainSpec | undefined;
}

/**
 * Plans the way to a whole desired state, by a three-way comparison of what callers asked for last, what is asked now and
 * the canonical document. What libvirt or somebody else added is kept; what callers asked for and do not ask for any more
 * is detached; a field that is not mentioned stays. Pure, as `planChanges`.
 */
export function planTowards(desired: string | DomainSpec, context: ObservedDomain, options: TowardsOptions = {}): Plan {
  const { replace = 'refuse', ifNotLive = 'refuse', detachOrder = 'live-first', set = {} } = options;
  if (replace !== 'refuse' && replace !== 'allow')
    throw specInvalid('replace', `${formatValue(replace)} is no way to go on`, 'Give refuse or allow');
  assertKnownFields(set, Object.keys(SETTINGS), 'set', 'the request');
  const { canonical, persistent } = context;
  const draft = new Draft(context, { ifNotLive, detachOrder, replace: 'allow' });
  const wanted = read(desired, context);
  if (!persistent) {
    draft.refuse('domain', 'domain', 'it is transient and has no canonical document', "Plan changes of scope: 'live'");
    return finish(draft);
  }
  assertDistinct(wanted.devices, canonical);
  const pairs = matchDevices(wanted.devices, canonical, draft.intent);

  const updates: Update[] = [];
  const replaced: Replacement[] = [];
  const attaches: AttachItem[] = pairs.flatMap(({ desired: device, found, path, running }) => {
    if (found) return [];
    if (isKnownKind(device.kind)) return [{ device: running ? pluggable(device) : device, path }];
    draft.notes.push(`${path} is not a device that this library knows, and the domain has none: it is left out`);
    return [];
  });
  for (const pair of pairs) {
    const { found } = pair;
    if (!found) continue;
    const verdict = judge(draft, { ...pair, found }, replace);
    if ('element' in verdict) replaced.push(verdict);
    if ('update' in verdict) updates.push({ identity: found.identity, run: verdict.update });
    if ('attach' in verdict) attaches.push(verdict.attach);
  }

  const there = new Set(pairs.map(({ found }) => found));
  const gone = canonical.devices.filter(
    (device) =>
      !there.has(device) &&
      draft.intent?.owns(device) &&
      !isImplicit(device, canonical) &&
      !pairs.some(({ found }) => found && isMirrorOf(canonical, found, device)),
  );
  const leaving = [
    ...gone.map((device) => ({ device, path: `not asked for any more: ${device.identity}`, because: NOT_ASKED })),
    ...replaced.map(({ found, path, because }) => ({ device: found, path, because })),
  ];
  const release = planDetaches(draft, leaving, [
    ...attaches.map(({ device }) => device),
    ...replaced.map(({ element }) => readDevice(element)),
  ]);
  for (const { run } of byBootOrder(draft, updates)) run();
  planAttaches(draft, [...replaced.flatMap((each) => anew(draft, each)), ...attaches]);
  release?.();

  const gives = new Set(replaced.map(({ found }) => found));
  planSettings(
    draft,
    withDevices(
      { ...wanted.settings, ...set },
      pairs.filter(({ found }) => found && !gives.has(found)),
    ),
    '',
  );
  planStorage(draft, wanted.spec?.storage, 'storage');
  refuseFixedParts(draft, wanted.document, wanted.spec);
  return finish(draft, (draft.intent ?? new Intent()).towards(askedOf(draft, pairs), draft.detachedForGood));
}

const ALIAS = 'alias/@name';
const NOT_ASKED = 'it was asked for before and is not any more';

function read(desired: string | DomainSpec, there: ObservedDomain): Desired {
  if (typeof desired === 'string') {
    const document = withBootOrders(new DomainDocument(desired), there.canonical);
    if (document.root.nodeName !== 'domain')
      throw specInvalid(
        'the desired state',
        `the XML is a <${document.root.nodeName}>, not a <domain>`,
        'Give domain XML',
      );
    const running = isOfRunningGuest(document);
    const devices = document.devices.map((device, index) => ({
      device,
      path: `devices[${index}] (${device.identity})`,
      running,
    }));
    return { devices, settings: settingsOf(document, there), document, spec: undefined };
  }
  checkedHead(desired, there.canonical.uuid);
  const devices = requestedDevices(desired).map(({ xml, path, unsaid }) => ({
    device: readDevice(parseElement(xml)),
    path,
    unsaid,
  }));
  const { memory, vcpus, title, description } = desired;
  const settings: SettingsRequest = {
    ...settingsOf(new DomainDocument(buildElement('domain', partsForSettings(desired))), there),
    ...(memory === undefined ? {} : { memory }),
    ...(vcpus === undefined ? {} : { vcpus }),
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
  };
  return { devices, settings, document: undefined, spec: desired };
}

/** What a spec says by its parts, but for attributes of memory and vCPUs, whose amounts the spec says elsewhere. */
function partsForSettings(spec: DomainSpec): ReturnType<typeof saidParts> {
  return saidParts(spec).filter(([path]) => !/^(memory|vcpu)\/@/.test(path));
}

type Found = Pair & { readonly found: Device };

/** A device that goes and comes back as `element`. */
export interface Replacement {
  readonly found: Device;
  readonly element: Device['element'];
  readonly path: string;
  readonly because: string;
}

type Verdict =
  | Replacement
  | { readonly update: () => void }
  | { readonly attach: AttachItem }
  | { readonly as: 'it is' | 'refused' };

/** What is to become of one device that is there: nothing, an update in place, or another in its stead. */
function judge(draft: Draft, pair: Found, replace: 'refuse' | 'allow'): Verdict {
  const { desired, found, path, unsaid } = pair;
  const running = draft.context.live?.counterpart(found);
  const isCopied = (change: Change, from: Device) => pair.running && ofRunningGuest(desired, change, from, running);
  // An id is given when a device is made; one that is there without keeps its natural name, and is not replaced for it.
  const wishes = (from: Device) =>
    differences(desired, from).filter(
      (change) =>
        !unsaid?.has(change.path) &&
        !isCopied(change, from) &&
        !(change.path === ALIAS && found.userAlias === undefined),
    );
  const asks = (from: Device) => wishes(from).filter(({ path: leaf }) => !bySetting(from, leaf));
  const changes = asks(found);
  if (desired.userAlias !== undefined && found.userAlias === undefined)
    draft.notes.push(`${found.identity} was made without an id, and goes on without ${desired.userAlias.slice(3)}`);
  if (changes.length === 0) return settled(draft, found, running, path, asks);
  const element = withLeaves(found, wishes(found));
  const fixed =
    changes.find((change) =>
      [...found.kind.identity, 'address', ALIAS].some(
        (leaf) => change.path === leaf || change.path.startsWith(`${leaf}/`),
      ),
    )?.path ?? (staysPut(draft, found, readDevice(element)) ? undefined : 'the bus it is on');
  if (found.kind.updateConfig && fixed === undefined) {
    const order = changes.find((change) => change.path === 'boot/@order')?.to;
    if (order !== undefined) draft.requestedBootOrders.set(found.identity, order);
    return { update: () => inPlace(draft, found, running, path, asks) };
  }
  const what = changes.map((change) => change.path).join(', ');
  const why =
    fixed === undefined
      ? `libvirt has no update of a ${found.kind.element}`
      : `no update reaches ${fixed}, which the device is known by or sits at`;
  if (replace === 'allow') {
    // On another bus, or in a slot of the other sort, it cannot stay where it is.
    if (!desired.address && !staysPut(draft, found, readDevice(element))) setAt(element, 'address', undefined);
    if (desired.userAlias !== undefined) setAt(element, ALIAS, desired.userAlias);
    return { found, element, path, because: `replaced for ${what}: ${why}` };
  }
  draft.refuse(
    found.identity,
    path,
    `${what} would change: ${why}`,
    "Ask for replace: 'allow' to detach it and attach it anew",
  );
  return { as: 'refused' };
}

/**
 * True for a value that libvirt filled in while the guest of the desired document ran: the canonical document has none, or
 * leaves it to libvirt, or the guest that runs now has the same.
 */
function ofRunningGuest(desired: Device, { path, to }: Change, from: Device, running: Device | undefined): boolean {
  if (!isLiveOnly(desired, path)) return false;
  if (isRaisedAtStart(desired.kind, path)) return true;
  const stands = from.leaves.get(path);
  return stands === undefined || stands === '-1' || (to !== undefined && running?.leaves.get(path) === to);
}

/** True for a serial port when `found` is its `<console>`: who asks for the one has the other. */
function isMirrorOf({ mirrors, devices }: DomainDocument, found: Device, device: Device): boolean {
  return mirrors.includes(found) && device === devices.find(({ kind }) => kind.element === 'serial');
}

/** The canonical document is as asked; the running guest may lack the device, or differ from it. */
function settled(
  draft: Draft,
  found: Device,
  running: Device | undefined,
  path: string,
  asks: (from: Device) => Change[],
): Verdict {
  if (!draft.context.live) return { as: 'it is' };
  if (!running) return { attach: { device: readRequest(serialize(found.element), path), path, waits: true } };
  const differs = asks(running).filter((change) => !isRunningState(running, change));
  if (differs.length === 0) return { as: 'it is' };
  if (found.kind.updateConfig) return { update: () => inPlace(draft, found, running, path, asks) };
  draft.notes.push(`${found.identity}: ${differs.map((change) => change.path).join(', ')} waits for the next boot`);
  return { as: 'it is' };
}

function inPlace(
  draft: Draft,
  found: Device,
  running: Device | undefined,
  path: string,
  asks: (from: Device) => Change[],
): void {
  const wanted = (from: Device) => {
    // What libvirt fills in while the guest runs is its own, unless the canonical document is to change there.
    const changes = asks(from).filter((change) => from !== running || !isRunningState(from, change));
    return readDevice(withLeaves(from, changes));
  };
  const scope = running ? 'both' : 'config';
  planInPlace(draft, { canonical: found, live: running, scope, bootPath: `${path}.boot` }, wanted, path);
}

/** True when the device, changed, can be where it is now. */
function staysPut(draft: Draft, before: Device, after: Device): boolean {
  const from = before.kind.bus(before.leaves);
  const to = after.kind.bus(after.leaves);
  if (before.address?.type === 'pci' && from?.type === 'pci' && to?.type === 'pci')
    return from.slot === to.slot || draft.topology.accepts(before.address, to);
  return busText(from) === busText(to);
}

function busText(demand: BusRequirement | undefined): string | undefined {
  return demand?.type === 'drive' ? demand.controller : demand?.type;
}

/** The attach of a device that was detached to be replaced; of one that only goes at the next boot, from then on too. */
export function anew(draft: Draft, { found, element, path }: Replacement): AttachItem[] {
  const operations = draft.operations.filter(
    ({ action, subject }) => action === 'detach' && subject === found.identity,
  );
  if (operations.length === 0) return [];
  const running = draft.context.live?.counterpart(found);
  const only = running && operations.every(({ scope }) => scope === 'config') ? 'config' : undefined;
  return [{ device: readRequest(serialize(element), path), path, only }];
}

/** The devices that the intent is to hold: those that were found as they stand, and the new ones as the plan places them. */
function askedOf(draft: Draft, pairs: readonly Pair[]): Device[] {
  const gone = new Set(draft.detached.map(({ device }) => device.identity));
  const attached = draft.attached.map(({ device }) => device);
  const left = new Set([...gone, ...attached.map(({ identity }) => identity)]);
  const { mirrors } = draft.context.canonical;
  return [
    ...pairs.flatMap(({ found }) => (found && !left.has(found.identity) && !mirrors.includes(found) ? [found] : [])),
    ...attached,
  ];
}
