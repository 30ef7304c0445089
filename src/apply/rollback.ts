import { compareGuestAbi, type DomainContext, type DomainDocument, guestAbi, type Operation } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { changesBetween, detachOperation } from '../plan/index.js';
import { callSurely } from './outcome.js';
import type { DomainReader } from './read.js';
import { changesText } from './stale.js';
import { openScope } from './standing.js';
import { inScope, makeCall, readBack, type Step, type StepOptions } from './step.js';
import { GuestAbiChangedError } from './verify.js';

/** An operation that may have taken place, and the canonical document that it found. */
export interface Done {
  readonly operation: Operation;
  readonly found: DomainDocument;
}

/**
 * Undoes operations in reverse and compares both documents with how they were; goes on after a failure, so that as much
 * as possible is undone. Returns what went wrong; nothing when the domain is exactly as it was.
 */
export async function rollback(
  reader: DomainReader,
  done: readonly Done[],
  before: DomainContext,
  { unplug }: StepOptions,
  undone: (operation: Operation) => void,
): Promise<unknown[]> {
  const errors: unknown[] = [];
  // The caller's signal ended the apply; undoing it is not to be cut off by the same signal.
  const patient: StepOptions = { unplug };
  for (const { operation, found } of [...done].reverse()) {
    for (const inverse of operation.inverse) {
      try {
        await makeUnlessMade(reader, inverse, patient);
      } catch (error) {
        errors.push(error);
      }
    }
    // It may sit where one that is to come back was.
    if (bringsController(operation))
      await takeAddedControllers(reader, found, patient).catch((error: unknown) => errors.push(error));
    undone(operation);
  }
  if (errors.length > 0) return errors;
  return difference(reader, before).catch((error: unknown) => [error]);
}

/** Makes the call of a step in the documents that are not as it would make them; false when all of them are. */
export async function makeUnlessMade(
  reader: DomainReader,
  step: Step,
  options: StepOptions,
  whole: (step: Step, context: DomainContext) => Step = (each) => each,
): Promise<boolean> {
  const context = await reader.context({ signal: options.signal });
  const scope = openScope(step, context);
  if (scope === undefined) return false;
  const open = inScope(whole(step, context), scope);
  await callSurely(reader, open, context, () => makeCall(reader, open, options));
  await readBack(reader, open, context, options, 'perhaps again');
  return true;
}

/** True of an attach for which the plan found no place: libvirt adds a controller. */
function bringsController({ action, address, scope }: Operation): boolean {
  return action === 'attach' && address === undefined && scope !== 'live';
}

/** Takes out the controllers that libvirt added for what was attached, and keeps when that goes; the last one first. */
async function takeAddedControllers(reader: DomainReader, found: DomainDocument, options: StepOptions): Promise<void> {
  const known = new Set(found.devices.map(({ identity }) => identity));
  const { canonical } = await reader.documents({ signal: options.signal });
  const added = canonical.devices.filter(({ kind, identity }) => kind.element === 'controller' && !known.has(identity));
  for (const device of added.reverse()) await makeUnlessMade(reader, detachOperation(device, 'config'), options);
}

async function difference(reader: DomainReader, before: DomainContext): Promise<unknown[]> {
  const after = await reader.context();
  const { name } = reader.handle;
  for (const side of ['canonical', 'live'] as const) {
    const [a, b] = [before[side], after[side]];
    const moved = a && b ? compareGuestAbi(guestAbi(a), guestAbi(b)) : [];
    if (moved.length > 0) return [new GuestAbiChangedError(`after undoing, the ${side} document differs`, moved, name)];
  }
  const changes = changesBetween(before, after);
  if (changes.length === 0) return [];
  const what = `after undoing, ${name} is not exactly as it was: ${changesText(changes)}`;
  return [new LibvirtCanonicalError('APPLY_FAILED', what, { domain: name })];
}
