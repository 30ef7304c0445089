import type { Device, DomainDocument, StorageRequest } from '../domain/index.js';
import type { Draft } from './draft.js';
import { isDisk, StorageRecords } from './storage.js';

/**
 * Plans what becomes of the records of disks: those asked for are written, those of disks that the plan takes out of both
 * documents go. They stand in both documents whatever the scope of the devices; where there is no such disk they say nothing.
 */
export function planStorage(draft: Draft, request: StorageRequest | undefined, path: string): void {
  const { context } = draft;
  if (!context.persistent) {
    if (request !== undefined && Object.keys(request).length > 0)
      draft.refuse(
        'storage',
        path,
        'the domain is transient and has no canonical document',
        'Keep the records elsewhere',
      );
    return;
  }
  const written = StorageRecords.read(context.canonical);
  const attached = draft.attached.map(({ device }) => device).filter(isDisk);
  const left = [...stillIn(draft, context.canonical, 'config'), ...stillIn(draft, context.live, 'live'), ...attached];
  const names = new Set(left.map(({ identity }) => identity));
  const gone = draft.detached.map(({ device }) => device).filter(({ identity }) => !names.has(identity));
  const kept = written.without(gone);
  const next = request === undefined ? kept : kept.with(request, left, path);
  const settled = next.equals(written) && (!context.live || StorageRecords.read(context.live).equals(written));
  if (settled) {
    if (request !== undefined && Object.keys(request).length > 0) draft.notes.push('storage is as asked already');
    return;
  }
  // One that nobody asks about may say something of a disk that is long gone: it goes with the next write.
  draft.storage = {
    operations: next.of(left).operations(context, written),
    when: kept.equals(written) ? 'first' : 'last',
  };
}

/** The disks that a document still has after the operations so far. */
function stillIn(draft: Draft, document: DomainDocument | undefined, side: 'config' | 'live'): Device[] {
  return (document?.devices ?? []).filter(
    (device) =>
      isDisk(device) &&
      !draft.operations.some(
        ({ action, subject, scope }) => action === 'detach' && subject === device.identity && scope === side,
      ),
  );
}
