import {
  type Device,
  type DomainDocument,
  type DriftChange,
  defineOnlyRow,
  domainDifferences,
  driftedDevices,
  driftFrom,
  isLiveOnly,
  isSecret,
  type ObservedDomain,
  plainPath,
  REDACTED,
  readDevice,
  SETTINGS,
  type Seal,
  type Setting,
  sealedForm,
  shownChange,
  specInvalid,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { detachedCopy, leafChanges, serialize, setAt, under } from '../xml/index.js';
import { type AttachItem, planAttaches, readRequest } from './attach.js';
import { byBootOrder, type Update } from './boot-order.js';
import { planDetaches, rank } from './detaches.js';
import { Draft } from './draft.js';
import { finish } from './finish.js';
import type { Plan } from './plan.js';
import { bySetting, planSettings, withDevices } from './settings.js';
import { anew, type Replacement } from './towards.js';
import { planInPlace, withLeaves } from './update.js';

/** How `planUndoDrift` may get there. */
export interface UndoDriftOptions {
  /** Subjects of the drift that are to be taken back; all of them when left out. */
  readonly only?: readonly string[];
  /** What becomes of an attach or detach that the running guest cannot have now. Default `refuse`. */
  readonly ifNotLive?: 'refuse' | 'next-boot';
}

/**
 * Plans the way back to a sealed document: what was added goes, what was removed comes back to its place, what was changed
 * gets its values again. What only a definition changes is a refusal, and so is a secret, since a seal holds none. What
 * others keep in metadata is theirs and stays. Pure, as `planChanges`.
 */
export function planUndoDrift(seal: Seal, context: ObservedDomain, options: UndoDriftOptions = {}): Plan {
  const { ifNotLive = 'refuse' } = options;
  const draft = new Draft(context, { ifNotLive });
  const drift = driftFrom(seal, context.canonical, context.versions.libvirt);
  const wanted = chosen(drift, options.only);
  const updates: Update[] = [];
  const leaving: Leaving[] = [];
  const replaced: Replacement[] = [];
  const attaches: AttachItem[] = [];
  const parts: Array<[sealed: Device, found: Device]> = [];
  for (const { sealed, now } of driftedDevices(seal.document, sealedForm(context.canonical))) {
    const { identity: path } = (sealed ?? now) as Device;
    if (!wanted.has(path)) continue;
    const found = now && context.canonical.devices.find(({ identity }) => identity === now.identity);
    if (!found) attaches.push(...again(draft, sealed as Device, path));
    else if (!sealed) leaving.push({ device: found, path, because: 'it was not there when the document was sealed' });
    else {
      const way = back(draft, sealed, found, path);
      if (way && 'element' in way) replaced.push(way);
      else {
        if (way) updates.push(way);
        if (leafChanges(found.leaves, sealed.leaves).some((change) => bySetting(found, change.path)))
          parts.push([sealed, found]);
      }
    }
  }
  leaving.push(...replaced.map(({ found, path, because }) => ({ device: found, path, because })));
  const release = planDetaches(draft, leaving, [
    ...attaches.map(({ device }) => device),
    ...replaced.map(({ element }) => readDevice(element)),
  ]);
  for (const { identity, run } of byBootOrder(draft, updates)) attempt(draft, identity, run);
  const coming = [...replaced.flatMap((each) => anew(draft, each)), ...attaches];
  for (const each of coming.sort((a, b) => rank(b.device) - rank(a.device)))
    attempt(draft, each.path, () => planAttaches(draft, [each]));
  release?.();
  const settings = wanted.has('domain') ? outsideDevices(draft, seal.document) : {};
  for (const [sealed, found] of parts) {
    const [then, now] = [sealed, found].map((desired) => withDevices({}, [{ desired, found, path: '' }])) as Two;
    for (const name of new Set([...Object.keys(then), ...Object.keys(now)])) {
      const value = wish(then[name], now[name]);
      // Several devices can be in one request.
      settings[name] = isObject(value) ? { ...(settings[name] as object | undefined), ...value } : value;
    }
  }
  attempt(draft, 'domain', () => planSettings(draft, settings, ''));
  for (const subject of wanted)
    if (subject.startsWith('metadata ')) draft.notes.push(`${subject} is its owner's and stays as it is`);
  // Where a device of others sat is nothing to remember.
  const gone = draft.detachedForGood.filter((device) => draft.intent?.owns(device));
  return finish(draft, draft.intent?.after(draft.attachedForGood, gone));
}

/** What somebody else has by now, a place or a boot order, is in the way of a restore, and no mistake of the caller's. */
function attempt(draft: Draft, subject: string, plan: () => void): void {
  try {
    plan();
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
    const { message, remedy = '' } = error;
    draft.refuse(
      subject,
      subject,
      message.replace(`. ${remedy}`, ''),
      'Move what is in the way, or leave it out by the option only',
    );
  }
}

type Two = [Record<string, unknown>, Record<string, unknown>];

interface Leaving {
  readonly device: Device;
  readonly path: string;
  readonly because: string;
}

/** The subjects to be taken back. What a newer libvirt added by itself is the machine's own and only goes when it is named. */
function chosen(drift: readonly DriftChange[], only: readonly string[] | undefined): Set<string> {
  for (const [index, subject] of (only ?? []).entries()) {
    if (drift.some((each) => each.subject === subject)) continue;
    throw specInvalid(
      `only[${index}]`,
      `nothing has drifted of ${JSON.stringify(subject)}`,
      'drift() lists the subjects',
    );
  }
  return new Set(only ?? drift.flatMap(({ subject, by }) => (by === 'somebody' ? [subject] : [])));
}

/** The attach of a device that was removed, at its place; none, with a refusal, when it had a secret that no document has. */
function again(draft: Draft, sealed: Device, path: string): AttachItem[] {
  const running = draft.context.live?.counterpart(sealed);
  const element = withItsSecrets(draft, sealed, running, path);
  if (!element) return [];
  return [{ device: readRequest(serialize(element), path), path, only: running ? 'config' : undefined }];
}

/** The way back for a device that differs: an update in place, or another in its stead. */
function back(draft: Draft, sealed: Device, found: Device, path: string): (Update | Replacement) | undefined {
  const running = draft.context.live?.counterpart(found);
  const hidden = (device: Device) => readDevice(withHidden(device));
  const all = leafChanges(hidden(found).leaves, sealed.leaves);
  const changes = all.filter((change) => !bySetting(found, change.path));
  if (changes.length === 0) return undefined;
  const fixed = changes.find((change) => [...found.kind.identity, 'address'].some((leaf) => under(change.path, leaf)));
  if (!found.kind.updateConfig || fixed) {
    const element = withItsSecrets(draft, sealed, found, path);
    if (!element) return undefined;
    const why = fixed ? `no update reaches ${fixed.path}` : `libvirt has no update of a ${found.kind.element}`;
    return { found, element, path, because: `replaced by what was sealed: ${why}` };
  }
  const lost = changes.find(({ path: leaf, to }) => to === REDACTED && isSecret(found.kind, leaf));
  if (lost) {
    refuseSecret(draft, sealed, lost.path, path);
    return undefined;
  }
  const order = changes.find((change) => change.path === 'boot/@order');
  if (order) draft.requestedBootOrders.set(found.identity, order.to);
  const wanted = (from: Device) =>
    readDevice(
      withLeaves(
        from,
        changes.filter((change) => from !== running || !isLiveOnly(from, change.path)),
      ),
    );
  const sides = { canonical: found, live: running, scope: running ? 'both' : 'config', bootPath: path } as const;
  return { identity: found.identity, run: () => planInPlace(draft, sides, wanted, path) };
}

function withHidden(device: Device): Device['element'] {
  const element = detachedCopy(device.element);
  for (const path of device.leaves.keys()) if (isSecret(device.kind, path)) setAt(element, path, REDACTED);
  return element;
}

/** A sealed element with the secrets that a device which is still there has; none, with a refusal, when it lacks one. */
function withItsSecrets(
  draft: Draft,
  sealed: Device,
  holder: Device | undefined,
  path: string,
): Device['element'] | undefined {
  const element = detachedCopy(sealed.element);
  for (const [leaf, value] of sealed.leaves) {
    if (value !== REDACTED || !isSecret(sealed.kind, leaf)) continue;
    const secret = holder?.leaves.get(leaf);
    if (secret === undefined) {
      refuseSecret(draft, sealed, leaf, path);
      return undefined;
    }
    setAt(element, leaf, secret);
  }
  return element;
}

function refuseSecret(draft: Draft, { identity }: Device, leaf: string, path: string): void {
  draft.refuse(
    identity,
    path,
    `it had a secret (${leaf}), and a seal holds none`,
    'Give it back by a plan of your own, with the secret; leave it out here by the option only',
  );
}

/** What stands outside the devices, by the settings that change it. */
function outsideDevices(draft: Draft, sealed: DomainDocument): Record<string, unknown> {
  const { canonical } = draft.context;
  const asked: Record<string, unknown> = {};
  for (const change of domainDifferences(sealed, sealedForm(canonical))) {
    const { path, from, to } = shownChange('domain', change);
    const plain = plainPath(path);
    const fixed = defineOnlyRow(plain);
    const [name, setting] = (fixed ? undefined : settingOf(plain)) ?? [];
    if (name && setting?.read) asked[name] ??= wish(setting.read(sealed), setting.read(canonical));
    else
      draft.refuse(
        'domain',
        path,
        `it was ${from ?? 'not there'} and is ${to ?? 'not there'}; ${fixed?.reason ?? 'no call of this library changes it'}`,
        'Accept it by acceptDrift(), and leave it out by the option only',
      );
  }
  return asked;
}

function settingOf(path: string): [name: string, setting: Setting<unknown>] | undefined {
  return Object.entries(SETTINGS as unknown as Record<string, Setting<unknown>>).find(([, { paths }]) =>
    paths.some((each) => under(path, each)),
  );
}

/** What to ask of a setting for it to be as it was: what it had, and nothing of what it did not have. */
function wish(then: unknown, now: unknown): unknown {
  if (!isObject(now)) return then ?? (typeof now === 'number' ? 0 : null);
  const had = isObject(then) ? then : {};
  const keys = new Set([...Object.keys(had), ...Object.keys(now)]);
  return Object.fromEntries(
    [...keys].map((key) => [key, key in had ? (key in now ? wish(had[key], now[key]) : had[key]) : null]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
