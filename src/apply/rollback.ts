import {
  compareGuestAbi,
  controllersFor,
  type Device,
  type DomainDocument,
  guestAbi,
  isOccupied,
  type ObservedDomain,
  type Operation,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { changesBetween, detachOperation } from '../plan/index.js';
import { callAndConfirm } from './confirm-call.js';
import { differenceLine, differencesBetween } from './differences.js';
import type { DomainAccess } from './domain-access.js';
import { openScope } from './operation-status.js';
import { fromNow } from './rebase.js';
import { PlanStaleError } from './stale.js';
import { inScope, makeCall, readBack, type Step, type StepOptions } from './step.js';
import { type Documents, GuestAbiChangedError, isAbout, isAddedFor, sidesOf, subjectOf } from './verify.js';

/** An operation that may have taken place. */
export interface Done {
  readonly operation: Operation;
  /** The documents right before the call. */
  readonly found: Documents;
  /** The documents right after it; undefined when they were not as the operation says. */
  readonly left?: Documents;
}

/**
 * Undoes operations in reverse and compares both documents with how they were; goes on after a failure, so that as much
 * as possible is undone. What others changed meanwhile stays. Returns what went wrong; nothing when the domain is exactly as
 * it was.
 */
export async function rollback(
  reader: DomainAccess,
  done: readonly Done[],
  before: ObservedDomain,
  { unplug }: StepOptions,
  undone: (operation: Operation) => void,
): Promise<unknown[]> {
  const errors: unknown[] = [];
  // The caller's signal ended the apply; undoing it is not to be cut off by the same signal.
  const patient: StepOptions = { unplug };
  for (const each of [...done].reverse()) {
    const { operation } = each;
    const added = await addedControllers(reader, each).catch(() => []);
    for (const inverse of operation.inverse) {
      try {
        await assertNotChangedSince(reader, inverse, each);
        await makeUnlessMade(reader, inverse, patient);
      } catch (error) {
        errors.push(error);
      }
    }
    // They may sit where a device that is to come back was.
    await takeOut(reader, added, patient).catch((error: unknown) => errors.push(error));
    undone(operation);
  }
  if (errors.length > 0) return errors;
  return difference(reader, before).catch((error: unknown) => [error]);
}

/** Makes the call of a step in the documents that are not as it would make them; false when all of them are. */
export async function makeUnlessMade(
  reader: DomainAccess,
  step: Step,
  options: StepOptions,
  whole: (step: Step, context: ObservedDomain) => Step = (each) => each,
): Promise<boolean> {
  let made = false;
  // Each document has an element of its own, from which an update is made.
  const scopes = step.action === 'update' && step.scope === 'both' ? (['live', 'config'] as const) : [step.scope];
  for (const part of scopes) {
    const context = await reader.context({ signal: options.signal });
    const scope = openScope(inScope(step, part), context);
    if (scope === undefined) continue;
    const open = fromNow(inScope(whole(step, context), scope), context);
    await callAndConfirm(reader, open, context, () => makeCall(reader, open, options));
    await readBack(reader, open, context, options);
    made = true;
  }
  return made;
}

/** A setting that another client has changed since is not set back: that would undo their work. */
async function assertNotChangedSince(reader: DomainAccess, step: Step, { left }: Done): Promise<void> {
  if (step.action !== 'set' || !left) return;
  const now = await reader.documents();
  for (const side of sidesOf(step, now)) {
    const [a, b] = [left[side], now[side]];
    if (a && b && differencesBetween(a, b).some((each) => isAbout(step, each, a, b)))
      throw new PlanStaleError(reader.handle.name, [{ subject: step.subject, document: side, how: 'changed' }]);
  }
}

/** The controllers that libvirt added for what was attached: those its address leads to, which were not there before. The last one first. */
async function addedControllers(reader: DomainAccess, { operation, found, left }: Done): Promise<Device[]> {
  const { action, address, scope } = operation;
  if (action !== 'attach' || address !== undefined || scope === 'live') return [];
  const { canonical } = await reader.documents();
  const attached = subjectOf(operation, found.canonical, canonical);
  const own = attached ? controllersFor(attached, canonical) : [];
  // A spare one, to which no address leads, was there right after the call.
  const come = new Set(left?.canonical.devices.map(({ identity }) => identity));
  const isSpare = (device: Device) =>
    attached && come.has(device.identity) && isAddedFor(attached, device, canonical, true);
  const known = new Set(found.canonical.devices.map(({ identity }) => identity));
  return canonical.devices
    .filter(({ kind, identity }) => kind.element === 'controller' && !known.has(identity))
    .filter((device) => own.includes(device) || isSpare(device))
    .reverse();
}

/** Takes controllers out; one that another client's devices need by now stays, and so do those before it (virDomainDefMaybeAddController). */
async function takeOut(reader: DomainAccess, controllers: readonly Device[], options: StepOptions): Promise<void> {
  for (const device of controllers) {
    const { canonical } = await reader.documents();
    if (isOccupied(device, canonical) || hasLater(device, canonical)) continue;
    await makeUnlessMade(reader, detachOperation(device, 'config'), options);
  }
}

function hasLater({ leaves }: Device, { devices }: DomainDocument): boolean {
  const index = (each: Device['leaves']) => Number(each.get('@index') ?? 0);
  return devices.some(
    ({ kind, leaves: other }) =>
      kind.element === 'controller' && other.get('@type') === leaves.get('@type') && index(other) > index(leaves),
  );
}

/** How the domain differs from how it was. */
async function difference(reader: DomainAccess, before: ObservedDomain): Promise<unknown[]> {
  const after = await reader.context();
  const { name } = reader.handle;
  const sides: Array<['canonical' | 'live', DomainDocument, DomainDocument]> = [
    ['canonical', before.canonical, after.canonical],
    // A guest that has ended meanwhile took its document along.
    ...(before.live && after.live
      ? [['live', before.live, after.live] as ['live', DomainDocument, DomainDocument]]
      : []),
  ];
  for (const [side, a, b] of sides) {
    const changes = differencesBetween(a, b);
    if (changes.length === 0) continue;
    const subjects = new Set(changes.map(({ subject }) => subject));
    const moved = compareGuestAbi(guestAbi(a), guestAbi(b)).filter(({ subject }) => subjects.has(subject));
    if (moved.length > 0) return [new GuestAbiChangedError(`after undoing, the ${side} document differs`, moved, name)];
    const what = `after undoing, the ${side} document of ${name} is not exactly as it was`;
    return [
      new LibvirtCanonicalError('APPLY_FAILED', `${what}: ${changes.map(differenceLine).join('; ')}`, { domain: name }),
    ];
  }
  const beside = changesBetween(before, after).filter(({ subject }) => subject.startsWith('autostart'));
  if (beside.length === 0) return [];
  const what = `after undoing, ${beside.map(({ subject }) => subject).join(' and ')} of ${name} is not as it was`;
  return [new LibvirtCanonicalError('APPLY_FAILED', what, { domain: name })];
}
