import {
  type Device,
  type DomainContext,
  DomainDocument,
  type DomainSpec,
  readDevice,
  requestedDevices,
  SETTINGS,
  type Setting,
  type SettingsRequest,
} from '../domain/index.js';
import { parseElement, serialize, setAt } from '../xml/index.js';
import { planAttach } from './attach.js';
import { detachDevice } from './detach.js';
import { Draft } from './draft.js';
import { refuseElsewhere } from './elsewhere.js';
import { finish } from './finish.js';
import { Intent } from './intent.js';
import { matchDevices } from './match.js';
import type { Plan } from './plan.js';
import { says } from './says.js';
import { planInPlace, withLeaves } from './update.js';

/** How `planTowards` may get there. */
export interface TowardsOptions {
  /** A device whose change no update reaches: `refuse` (default), or detach it and attach it anew, at its address if it can be. */
  readonly replace?: 'refuse' | 'allow';
  /** What becomes of an attach or detach that the running guest cannot have now. Default `refuse`. */
  readonly ifNotLive?: 'refuse' | 'next-boot';
}

/** A desired state, read: its devices with their place in the request, and what it says outside them. */
interface Desired {
  readonly devices: ReadonlyArray<{ readonly device: Device; readonly path: string }>;
  readonly settings: SettingsRequest;
  readonly document: DomainDocument | undefined;
  readonly spec: DomainSpec | undefined;
}

/**
 * Plans the way to a whole desired state, by a three-way comparison of what callers asked for last, what is asked now and
 * the canonical document. What libvirt or somebody else added is kept; what callers asked for and do not ask for any more
 * is detached; a field that is not mentioned stays. Pure, as `planChanges`.
 */
export function planTowards(desired: string | DomainSpec, context: DomainContext, options: TowardsOptions = {}): Plan {
  const draft = new Draft(context, { ifNotLive: options.ifNotLive ?? 'refuse' });
  const wanted = read(desired);
  const { canonical, live } = context;
  const pairs = matchDevices(wanted.devices, canonical);
  const kept = new Set(pairs.map(({ found }) => found));
  for (const device of canonical.devices) {
    if (!kept.has(device) && draft.intent?.owns(device))
      detachDevice(draft, device, live?.counterpart(device), `not asked for any more: ${device.identity}`);
  }
  for (const { desired: device, found } of pairs) {
    const order = device.leaves.get('boot/@order');
    if (found && order !== undefined && order !== found.leaves.get('boot/@order'))
      draft.moving.set(found.identity, order);
  }
  for (const { desired: device, found, path } of pairs) if (found) plan(draft, device, found, path, options);
  for (const { desired: device, found, path } of pairs) if (!found) planAttach(draft, serialize(device.element), path);
  for (const [name, value] of Object.entries(wanted.settings)) {
    const { operations, refusals } = (SETTINGS[name as keyof SettingsRequest] as Setting<unknown>).plan(
      value,
      context,
      name,
    );
    draft.operations.push(...operations);
    draft.refusals.push(...refusals);
  }
  refuseElsewhere(draft, wanted.document, wanted.spec);
  return finish(draft, (draft.intent ?? new Intent()).after(askedOf(draft, pairs), draft.detachedForGood));
}

function read(desired: string | DomainSpec): Desired {
  if (typeof desired === 'string') {
    const document = new DomainDocument(desired);
    const devices = document.devices.map((device, index) => ({
      device,
      path: `devices[${index}] (${device.identity})`,
    }));
    return { devices, settings: settingsOf(document), document, spec: undefined };
  }
  const devices = requestedDevices(desired).map(({ xml, path }) => ({ device: readDevice(parseElement(xml)), path }));
  const { memory, vcpus, title, description } = desired;
  const settings: SettingsRequest = {
    ...(memory === undefined ? {} : { memory }),
    ...(vcpus === undefined ? {} : { vcpus }),
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
  };
  return { devices, settings, document: undefined, spec: desired };
}

/** What a document says that a setting can bring about. */
function settingsOf(document: DomainDocument): SettingsRequest {
  const entries = Object.entries(SETTINGS).flatMap(([name, setting]) => {
    const value = setting.read?.(document);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(entries) as SettingsRequest;
}

/** Plans one device that is there: nothing to do, an update in place, or another in its stead. */
function plan(
  draft: Draft,
  desired: Device,
  found: Device,
  path: string,
  { replace = 'refuse' }: TowardsOptions,
): void {
  const changes = says(desired, found);
  if (changes.length === 0) return;
  const fixed = changes.find((change) =>
    [...found.kind.identity, 'address'].some((leaf) => change.path === leaf || change.path.startsWith(`${leaf}/`)),
  );
  if (found.kind.updateConfig && !fixed) {
    const running = draft.context.live?.counterpart(found);
    const sides = { canonical: found, live: running, scope: running ? 'both' : 'config' } as const;
    planInPlace(draft, sides, (from) => readDevice(withLeaves(from, says(desired, from))), path);
    return;
  }
  const what = changes.map((change) => change.path).join(', ');
  if (replace !== 'allow') {
    const why = fixed
      ? `${fixed.path} is what the device is known by or where it sits`
      : `libvirt has no update of a ${found.kind.element}`;
    draft.refuse(
      found.identity,
      path,
      `${what} would change: ${why}`,
      "Ask for replace: 'allow' to detach it and attach it anew",
    );
    return;
  }
  const refused = draft.refusals.length;
  detachDevice(draft, found, draft.context.live?.counterpart(found), path);
  if (draft.refusals.length > refused) return;
  const element = withLeaves(found, changes);
  const [before, after] = [found.kind.bus(found.leaves), found.kind.bus(readDevice(element).leaves)];
  // On another bus, or on a place of its own choice, it cannot stay where it is.
  if (JSON.stringify(before) !== JSON.stringify(after) && !desired.address) setAt(element, 'address', undefined);
  planAttach(draft, serialize(element), path);
}

/** The devices that the intent is to hold: those that were found as they stand, and the new ones as the plan places them. */
function askedOf(draft: Draft, pairs: ReturnType<typeof matchDevices>): Device[] {
  const gone = new Set(draft.detached.map(({ device }) => device.identity));
  return [
    ...pairs.flatMap(({ found }) => (found && !gone.has(found.identity) ? [found] : [])),
    ...draft.attached.map(({ device }) => device),
  ];
}
