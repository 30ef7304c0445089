import gte from 'semver/functions/gte.js';
import {
  applies,
  type Change,
  compareGuestAbi,
  type Device,
  type DomainDocument,
  defineOnlyRow,
  domainLeaves,
  guestAbi,
  isLiveOnly,
  isMemoryOf,
  isRaisedAtStart,
  type ObservedDomain,
  SETTINGS,
  shownChange,
} from '../domain/index.js';
import { leafChanges, under } from '../xml/index.js';

/** Something that the canonical document and that of the guest tell differently: it takes effect at the next cold boot. */
export interface PendingChange {
  /** Identity of the device, or the name of the setting as in `set` of a request; `domain` for what no setting is for. */
  readonly subject: string;
  /** `attach`: only canonical has the device. `detach`: only the guest has it. */
  readonly action: 'attach' | 'detach' | 'change';
  /** What changes at the next cold boot: from the guest's value to the canonical one. */
  readonly changes: readonly Change[];
  /** Whether the guest can see it. */
  readonly guestAbi: boolean;
  /** Whether a running guest could have it without a boot, with a plan for scope `live`; `unknown` when only the plan tells. */
  readonly live: 'possible' | 'impossible' | 'unknown';
  /** For people: how it came about, and why it waits. */
  readonly reason: string;
}

/** What waits, and what to do about it. */
export interface Pending {
  /** What the running guest does not have yet; empty when the domain is shut off. */
  readonly changes: readonly PendingChange[];
  /** True when the guest that runs or is saved is not what the canonical document says. A reboot by the guest changes nothing of that. */
  readonly needsColdBoot: boolean;
  /** A managed-save image and what its guest does not have: the image carries a document of its own, which a restore runs. */
  readonly managedSave: { readonly changes: readonly PendingChange[] } | undefined;
  /** For people: what to call. */
  readonly advice: string;
}

/** What libvirt and QEMU fill into a running domain outside its devices. */
const LIVE_ONLY = [
  '@id',
  'cpu',
  'features',
  'resource',
  'seclabel',
  'os/loader',
  'os/nvram',
  'os/firmware',
  'vcpus',
  'iothreadids',
  'currentMemory',
];

/** Values outside the devices that QEMU is started with, though there is a call for them. */
const FIXED: readonly { readonly path: string; readonly reason: string }[] = [
  { path: 'memory', reason: 'the maximum of memory is fixed while QEMU runs; within it memory changes at once' },
  { path: 'vcpu', reason: 'the maximum of vCPUs is fixed while QEMU runs; within it they are plugged at once' },
  { path: 'numatune/memory/@mode', reason: 'libvirt does not change the mode of NUMA placement while QEMU runs' },
  { path: 'name', reason: 'a running domain keeps its name' },
];
const ONE_SIDED =
  "asked for with scope: 'config', or not possible while the guest runs; a plan with scope: 'live' tells";

/** What tells what waits: the documents, and the libvirt that would change the running guest. */
export type PendingContext = Pick<ObservedDomain, 'canonical' | 'live'> & {
  readonly versions: Pick<ObservedDomain['versions'], 'libvirt'>;
};

type Verdict = Pick<PendingChange, 'live' | 'reason'>;

/** What waits for the running guest, and for the saved one. */
export function pendingOf(context: PendingContext, saved: DomainDocument | undefined): Pending {
  const changes = context.live ? changesFor(context, context.live) : [];
  const managedSave = saved && { changes: changesFor(context, saved) };
  const waiting = changes.length > 0 ? changes : (managedSave?.changes ?? []);
  return { changes, needsColdBoot: waiting.length > 0, managedSave, advice: adviceFor(changes, managedSave) };
}

function adviceFor(changes: readonly PendingChange[], saved: Pending['managedSave']): string {
  const count = (list: readonly unknown[]) => `${list.length} change${list.length === 1 ? '' : 's'}`;
  if (changes.length > 0)
    return `${count(changes)} will take effect at the next cold boot: reboot({ mode: 'cold' }), or 'hard'. A reboot by the guest applies none`;
  if (saved && saved.changes.length > 0)
    return `the saved guest is without ${count(saved.changes)}: restore() goes on without, start({ managedSave: 'discard' }) boots with them and loses its memory`;
  return saved ? 'nothing waits; restore() goes on with the saved guest' : 'nothing waits';
}

function changesFor(context: PendingContext, guest: DomainDocument): PendingChange[] {
  const { canonical, versions } = context;
  const seen = compareGuestAbi(guestAbi(guest), guestAbi(canonical), { live: true });
  const visible = (subject: string) => seen.some((difference) => difference.subject === subject);
  const pending: PendingChange[] = [];
  for (const device of canonical.devices) {
    const running = guest.counterpart(device);
    const changes = running ? deviceChanges(running, device) : [];
    if (running && changes.length === 0) continue;
    pending.push({
      subject: device.identity,
      action: running ? 'change' : 'attach',
      changes: changes.map((change) => shownChange(device.kind, change)),
      guestAbi: visible(running?.identity ?? device.identity),
      ...(running ? updateVerdict(running, changes, versions.libvirt) : attachVerdict(device, versions.libvirt)),
    });
  }
  for (const device of guest.devices) {
    if (canonical.counterpart(device)) continue;
    pending.push({
      subject: device.identity,
      action: 'detach',
      changes: [],
      guestAbi: visible(device.identity),
      live: 'unknown',
      reason: "attached with scope: 'live', or detached with scope: 'config': the next cold boot is without it",
    });
  }
  const bySetting = new Map<string, Change[]>();
  for (const change of domainChanges(guest, canonical)) {
    const setting = settingOf(change.path);
    bySetting.set(setting, [...(bySetting.get(setting) ?? []), change]);
  }
  for (const [subject, changes] of bySetting) {
    const abi = seen.some((each) => each.subject === 'domain' && changes.some(({ path }) => path === each.field));
    const shown = changes.map((change) => shownChange('domain', change));
    pending.push({ subject, action: 'change', changes: shown, guestAbi: abi, ...settingVerdict(changes) });
  }
  return pending;
}

function deviceChanges(running: Device, device: Device): Change[] {
  return leafChanges(running.leaves, device.leaves).filter(({ path, from, to }) => {
    // libvirt names every device of a running domain.
    if (path === 'alias/@name' && to === undefined) return false;
    if (
      from === undefined &&
      device.kind.coldOnly?.some((row) => under(path, row.path) && applies(row.where, running.leaves))
    )
      return false;
    if (isRaised(running, path, from, to)) return false;
    // What the canonical document says itself is no runtime value; -1 is its word for "libvirt chooses".
    return !(
      from !== undefined &&
      (to === undefined || to === '-1') &&
      isLiveOnly({ kind: device.kind, leaves: running.leaves }, path)
    );
  });
}

/** True for an amount that QEMU raised at the start, as it would at the next. */
function isRaised({ kind }: Device, path: string, running: string | undefined, canonical: string | undefined): boolean {
  return Number(running) > Number(canonical) && isRaisedAtStart(kind, path);
}

function domainChanges(guest: DomainDocument, canonical: DomainDocument): Change[] {
  return leafChanges(domainLeaves(guest), domainLeaves(canonical)).filter(
    ({ path }) => !LIVE_ONLY.some((each) => under(path, each)) && !(path === 'memory' && isMemoryOf(guest, canonical)),
  );
}

/** By the kind's table of what update-device makes live: the plan goes by the same one. */
function updateVerdict(running: Device, changes: readonly Change[], libvirt: string): Verdict {
  const { kind, leaves } = running;
  const held = changes.filter(({ path }) => {
    const row = kind.updates.find(
      (each) => under(path, each.path) && applies(each.where, leaves) && (!each.since || gte(libvirt, each.since)),
    );
    return row?.live !== 'yes';
  });
  return held.length === 0
    ? {
        live: 'possible',
        reason:
          "changed in one document alone, by scope: 'config' or 'live'; the running guest can have the canonical value now",
      }
    : {
        live: 'impossible',
        reason: `no call changes ${held.map(({ path }) => path).join(', ')} of a ${kind.element} while the guest runs`,
      };
}

function attachVerdict({ kind, leaves }: Device, libvirt: string): Verdict {
  const row = kind.support.find(
    ({ action, scope, where, since }) =>
      action === 'attach' && scope === 'live' && applies(where, leaves) && (!since || gte(libvirt, since)),
  );
  return row?.supported
    ? {
        live: 'possible',
        reason:
          "attached with scope: 'config', or let go of by the running guest alone, late or with scope: 'live'; it can be plugged in now, or detached with scope: 'config' to keep it away",
      }
    : { live: 'impossible', reason: row?.reason ?? `a ${kind.element} cannot be hot-plugged` };
}

function settingOf(path: string): string {
  const owners = Object.entries(SETTINGS).flatMap(([name, { paths }]) =>
    paths.filter((each) => under(path, each)).map((each) => ({ name, depth: each.length })),
  );
  return owners.sort((a, b) => b.depth - a.depth)[0]?.name ?? 'domain';
}

function settingVerdict(changes: readonly Change[]): Verdict {
  const fixed = changes.map(({ path }) => FIXED.find((row) => row.path === path) ?? defineOnlyRow(path));
  const [reason] = fixed.flatMap((row) => (row ? [row.reason] : []));
  return reason === undefined ? { live: 'unknown', reason: ONE_SIDED } : { live: 'impossible', reason };
}
