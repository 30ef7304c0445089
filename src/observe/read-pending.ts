import type { DomainAccess } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import { hasManagedSave, managedSaveDocument } from '../power/index.js';
import { type Pending, pendingOf } from './pending.js';

/** Reads the domain and a managed-save image, if there is one, and compares what runs or is saved with the canonical document. */
export async function readPending(reader: DomainAccess, options: CallOptions): Promise<Pending> {
  const [context, saved] = await Promise.all([
    reader.context(options),
    hasManagedSave(reader, options).then((there) => (there ? managedSaveDocument(reader, options) : undefined)),
  ]);
  return pendingOf(context, saved);
}
