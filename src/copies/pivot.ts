import type { DomainAccess } from '../apply/index.js';
import { withApplyClaim } from './apply-claim.js';
import { endJob } from './block-job.js';
import { assertSameSource, type CopiedDisk, diskOf, verifyImages } from './copy-disks.js';

/**
 * Goes over to the other image of a ready mirror, in both documents. They are compared with how they were right before, so
 * that what the pivot changed is all that changed.
 */
export function pivot(
  reader: DomainAccess,
  { target, identity }: CopiedDisk,
  file: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  return withApplyClaim(reader, { signal }, async (before) => {
    assertSameSource(diskOf(before, target), reader.handle.name);
    await endJob(reader, target, 'pivot');
    await verifyImages(reader, before, new Map([[identity, file]]));
  });
}
