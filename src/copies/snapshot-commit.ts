import { type DomainAccess, inDomainQueue } from '../apply/index.js';
import {
  VIR_DOMAIN_BLOCK_COMMIT_ACTIVE,
  VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES,
  VIR_DOMAIN_BLOCK_COMMIT_DELETE,
} from '../connection/index.js';
import { bytesOf, type Size } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type ProgressOptions, stateError } from '../power/index.js';
import { assertNoInterruptedApply } from './apply-claim.js';
import { assertNotAborted, cancelledOnFailure, untilReady } from './block-job.js';
import { assertSameSource, chainOf, diskOf, notRunning } from './copy-disks.js';
import { pivot } from './pivot.js';

/**
 * Abort: the job is cancelled and the disk stays on its image, whole. The image below has part of the newer data by then,
 * so that it is no longer what it was at the snapshot.
 */
export interface CommitOptions extends ProgressOptions {
  /** The image to write into, one of the disk's backing chain. Default: the next one. */
  readonly into?: string;
  /** What becomes of the images that are no longer needed: `keep` them (default), or libvirt deletes them. */
  readonly leftover?: 'keep' | 'delete';
  /** Bytes a second at most. */
  readonly bandwidth?: Size;
}

/** A finished commit. */
export interface CommitResult {
  /** Identity of the disk. */
  readonly disk: string;
  /** The image that the disk is on now. */
  readonly file: string;
  /** Images that nobody uses any more; gone with `leftover: 'delete'`. */
  readonly leftover: readonly string[];
}

/** virDomainBlockCommit ACTIVE, then the pivot: what the guest wrote since a snapshot goes back into the image below. */
export async function commitDisk(reader: DomainAccess, name: string, options: CommitOptions): Promise<CommitResult> {
  const { connection, handle: dom } = reader;
  const { signal, bandwidth, leftover = 'keep' } = options;
  await using events = await connection.subscribe('BLOCK_JOB_2', { domain: dom });
  const { disk, words, into, unused } = await inDomainQueue(
    dom.uuid,
    async () => {
      const documents = await reader.documents({ signal });
      if (!documents.live) throw notRunning(dom.name, 'libvirt commits disks of running domains only');
      const disk = diskOf(documents, name);
      assertSameSource(disk, dom.name);
      assertNoInterruptedApply(reader, documents);
      const chain = disk.live ? chainOf(disk.live) : [];
      const into = options.into ?? chain[0];
      if (into === undefined || !chain.includes(into) || disk.file === undefined)
        throw new LibvirtCanonicalError(
          'ARGUMENT_INVALID',
          into === undefined
            ? `${disk.identity} has no image below to commit to`
            : `${into} is not below ${disk.identity}`,
          {
            domain: dom.name,
            device: disk.identity,
            path: 'into',
            remedy: `Below it: ${chain.join(', ') || 'nothing'}`,
          },
        );
      const unused = [disk.file, ...chain.slice(0, chain.indexOf(into))];
      const flags =
        VIR_DOMAIN_BLOCK_COMMIT_ACTIVE |
        VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES |
        (leftover === 'delete' ? VIR_DOMAIN_BLOCK_COMMIT_DELETE : 0);
      const args = {
        dom,
        disk: disk.target,
        base: into,
        top: null,
        bandwidth: bandwidth === undefined ? 0 : bytesOf(bandwidth, 'bandwidth'),
        flags,
      };
      const words = {
        what: `commit of ${disk.identity} of ${dom.name} into ${into}`,
        leaves: `the disk stays on ${disk.file}; ${into} has part of the newer data`,
      };
      assertNotAborted(words.what, signal);
      await connection
        .call('DOMAIN_BLOCK_COMMIT', args)
        .catch((error: unknown) => Promise.reject(stateError(reader, 'have its disk committed', error)));
      return { disk, words, into, unused };
    },
    signal,
  );
  return cancelledOnFailure(reader, disk, words, signal, async () => {
    await untilReady(reader, disk, events, words, options);
    await inDomainQueue(dom.uuid, () => pivot(reader, disk, into, signal), signal);
    return { disk: disk.identity, file: into, leftover: unused };
  });
}
