import { type DomainAccess, inDomainQueue } from '../apply/index.js';
import {
  type TypedParamInput,
  VIR_DOMAIN_BLOCK_COPY_BANDWIDTH,
  VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB,
  VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES,
} from '../connection/index.js';
import { bytesOf, type Size } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type ProgressOptions, stateError } from '../power/index.js';
import { buildElement } from '../xml/index.js';
import { assertNoInterruptedApply } from './apply-claim.js';
import { assertNotAborted, cancelledOnFailure, endJob, type JobWords, jobOn, untilReady } from './block-job.js';
import { assertSameSource, type CopiedDisk, diskOf, notRunning, verifyImages } from './copy-disks.js';
import { pivot } from './pivot.js';
import { type Consistency, type Quiesce, quiesced, thawLeft } from './quiesce.js';

/** Abort: the job is cancelled, the disk stays on its image, and the copy stays incomplete. */
export interface CopyOptions extends ProgressOptions {
  /** Format of the copy. Default: that of the disk. */
  readonly format?: 'qcow2' | 'raw';
  /** Freeze the guest's file systems for the moment in which the copy is cut off. Default `if-available`. */
  readonly quiesce?: Quiesce;
  /** Bytes a second at most. */
  readonly bandwidth?: Size;
}

/** Abort, as for the copy itself: the job is cancelled. */
export interface AdoptOptions extends Pick<CopyOptions, 'quiesce' | 'signal' | 'onProgress'> {
  /** What becomes of a copy: the disk stays where it is, or goes over to it. A commit always ends in the pivot. */
  readonly finish: CopyFinish;
  /** Bytes a second at most from now on, 0 for no limit. Default: as it runs. virDomainBlockJobSetSpeed. */
  readonly bandwidth?: Size;
}

/** A finished copy. */
export interface CopyResult {
  /** Identity of the disk. */
  readonly disk: string;
  /** The copy. After a move the disk is on it. */
  readonly file: string;
  /** The image that the disk was on. After a move nobody uses it any more. */
  readonly source: string | undefined;
  readonly consistency: Consistency;
}

const COPY_LEAVES = (file: string) => `${file} is incomplete and stays`;

/** What happens when the mirror is ready: the copy is let go of, or the disk goes over to it. */
export type CopyFinish = 'keep' | 'pivot';

/** virDomainBlockCopy with TRANSIENT_JOB: libvirt takes it for a persistent domain, which is never undefined for it. */
export async function copyDisk(
  reader: DomainAccess,
  name: string,
  file: string,
  finish: CopyFinish,
  options: CopyOptions,
): Promise<CopyResult> {
  const { connection, handle: dom } = reader;
  const { signal, bandwidth } = options;
  if (!file.startsWith('/'))
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', `"${file}" is no absolute path`, { path: 'file' });
  await using events = await connection.subscribe('BLOCK_JOB_2', { domain: dom });
  const { disk, words } = await inDomainQueue(
    dom.uuid,
    async () => {
      const documents = await reader.documents({ signal });
      if (!documents.live) throw notRunning(dom.name, 'its disks are copied as the files they are');
      const disk = diskOf(documents, name);
      if (finish === 'pivot') {
        assertSameSource(disk, dom.name);
        assertNoInterruptedApply(reader, documents);
      }
      const words = { what: `copy of ${disk.identity} of ${dom.name} to ${file}`, leaves: COPY_LEAVES(file) };
      const format = options.format ?? disk.live?.leaves.get('driver/@type') ?? 'raw';
      const destxml = buildElement('disk', [
        ['@type', 'file'],
        ['driver/@type', format],
        ['source/@file', file],
      ]);
      const params: TypedParamInput[] =
        bandwidth === undefined
          ? []
          : [
              {
                field: VIR_DOMAIN_BLOCK_COPY_BANDWIDTH,
                value: { type: 'ullong', value: bytesOf(bandwidth, 'bandwidth') },
              },
            ];
      assertNotAborted(words.what, signal);
      // No signal: a call that is given up halfway could still start a job that nobody knows of.
      await connection
        .call('DOMAIN_BLOCK_COPY', {
          dom,
          path: disk.target,
          destxml,
          params,
          flags: VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB,
        })
        .catch((error: unknown) => Promise.reject(stateError(reader, 'have its disk copied', error)));
      return { disk, words };
    },
    signal,
  );
  return cancelledOnFailure(reader, disk, words, signal, async () => {
    await untilReady(reader, disk, events, words, options);
    return concludeCopy(reader, disk, file, finish, options);
  });
}

/** Ends a ready mirror. The document is compared with how it was before, so that what the pivot changed is all that changed. */
async function concludeCopy(
  reader: DomainAccess,
  disk: CopiedDisk,
  file: string,
  finish: CopyFinish,
  { quiesce = 'if-available', signal }: Pick<CopyOptions, 'quiesce' | 'signal'>,
): Promise<CopyResult> {
  const result = { disk: disk.identity, file, source: disk.file };
  return inDomainQueue(
    reader.handle.uuid,
    async () => {
      if (finish === 'pivot') {
        await pivot(reader, disk, file, signal);
        // A move loses nothing that is in flight: both images have all of it.
        return { ...result, consistency: 'crash' };
      }
      const before = await reader.documents({ signal });
      const { consistency } = await quiesced(reader, quiesce, { signal }, () => endJob(reader, disk.target, 'cancel'));
      await verifyImages(reader, before, new Map());
      return { ...result, consistency };
    },
    signal,
  );
}

/**
 * Takes over a copy or an active commit that another program, or this one before it crashed, left running: waits for the mirror and
 * finishes it.
 */
export async function adoptBlockJob(reader: DomainAccess, name: string, options: AdoptOptions): Promise<CopyResult> {
  const { connection, handle: dom } = reader;
  const { signal, finish, bandwidth } = options;
  await using events = await connection.subscribe('BLOCK_JOB_2', { domain: dom });
  const disk = diskOf(await reader.documents({ signal }), name);
  const job = await jobOn(reader, disk, signal);
  if (!job?.file || (job.type !== 'copy' && job.type !== 'active-commit'))
    throw new LibvirtCanonicalError('DOMAIN_STATE', `there is no copy or commit to take over on ${disk.identity}`, {
      domain: dom.name,
      device: disk.identity,
      remedy: 'blockJobs() lists what runs',
    });
  const { file, type } = job;
  const words: JobWords = {
    what: `${type} of ${disk.identity} of ${dom.name} to ${file}`,
    leaves: type === 'copy' ? COPY_LEAVES(file) : `the disk stays on ${disk.file}`,
  };
  assertNotAborted(words.what, signal);
  await thawLeft(reader, { signal });
  return cancelledOnFailure(reader, disk, words, signal, async () => {
    if (bandwidth !== undefined) {
      const speed = { bandwidth: bytesOf(bandwidth, 'bandwidth'), flags: VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES };
      await connection.call('DOMAIN_BLOCK_JOB_SET_SPEED', { dom, path: disk.target, ...speed });
    }
    await untilReady(reader, disk, events, words, options);
    return concludeCopy(reader, disk, file, type === 'copy' ? finish : 'pivot', options);
  });
}
