import type { DomainReader } from '../apply/index.js';
import { endJob } from './block-job.js';
import { type CopiedDisk, diskOf, refusePendingSource, verifyImages } from './copy-disks.js';
import { inTurn } from './turn.js';

/**
 * Goes over to the other image of a ready mirror, in both documents. They are compared with how they were right before, so
 * that what the pivot changed is all that changed.
 */
export function pivot(
  reader: DomainReader,
  { target, identity }: CopiedDisk,
  file: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  return inTurn(reader, { signal }, async (before) => {
    refusePendingSource(diskOf(before, target), reader.handle.name);
    await endJob(reader, target, 'pivot');
    await verifyImages(reader, before, new Map([[identity, file]]));
  });
}
