import { assertKnownFields, formatValue, type ObservedDomain, SETTINGS, specInvalid } from '../domain/index.js';
import { planAttaches, readRequest } from './attach.js';
import { planDetach } from './detach.js';
import { Draft } from './draft.js';
import { finish } from './finish.js';
import type { Plan } from './plan.js';
import type { ChangeRequest, DeviceUpdate } from './request.js';
import { findBoth, readSelector } from './select.js';
import { planSettings } from './settings.js';
import { planStorage } from './storage-plan.js';
import { planUpdate } from './update.js';

const PARTS = ['attach', 'detach', 'update', 'set', 'storage', 'scope', 'replace', 'ifNotLive', 'detachOrder'];

/**
 * Plans a change request: documents and request in, plan out. Pure: no I/O, no clock, no randomness.
 *
 * What the request says wrongly is thrown, with its path; what libvirt cannot do stands in `plan.refusals`.
 */
export function planChanges(request: ChangeRequest, context: ObservedDomain): Plan {
  assertKnownFields(request, PARTS, '', 'the request');
  const draft = new Draft(context, request);
  // Detach first: a target, MAC, boot order or slot that goes may be asked for again further down.
  listOf(request.detach, 'detach').forEach((selector, index) => {
    planDetach(draft, selector, `detach[${index}]`);
  });
  noteMovingBootOrders(draft, listOf(request.update, 'update'));
  listOf(request.update, 'update').forEach((update, index) => {
    planUpdate(draft, update, `update[${index}]`);
  });
  planAttaches(
    draft,
    listOf(request.attach, 'attach').map((device, index) => {
      const path = `attach[${index}]`;
      return { device: readRequest(device, path), path };
    }),
  );
  assertKnownFields(request.set ?? {}, Object.keys(SETTINGS), 'set', 'the request');
  for (const name of planSettings(draft, request.set ?? {}, 'set.')) draft.notes.push(`${name} is as asked already`);
  planStorage(draft, request.storage, 'storage');
  // A domain that holds no intent has never been managed towards a whole state, and starts none by a single change.
  return finish(draft, draft.intent?.after(draft.attachedForGood, draft.detachedForGood));
}

/** Boot orders that the request moves, known before the first of them is planned: two devices can trade theirs. */
function noteMovingBootOrders(draft: Draft, updates: readonly DeviceUpdate[]): void {
  updates.forEach((update, index) => {
    const path = `update[${index}]`;
    const { canonical: device } = findBoth(draft.context, readSelector(update, path, ['set']), path);
    const boot = (update.set as { boot?: unknown } | undefined | null)?.boot;
    if (device && boot !== undefined)
      draft.requestedBootOrders.set(device.identity, boot === null ? undefined : String(boot));
  });
}

function listOf<T>(value: readonly T[] | undefined, path: string): readonly T[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw specInvalid(path, `${formatValue(value)} is not a list`);
  return value;
}
