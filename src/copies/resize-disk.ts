import { assertNoUnsavedDefinition, type DomainAccess, inDomainQueue } from '../apply/index.js';
import {
  type CallOptions,
  LibvirtError,
  type LibvirtErrorName,
  VIR_DOMAIN_BLOCK_RESIZE_BYTES,
} from '../connection/index.js';
import { bytesOf, type Size } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { assertSameSource, type CopiedDisk, diskOf, notRunning, verifyImages } from './copy-disks.js';

/** A guest counts a disk in these. */
const SECTOR = 512n;

/** Options of `domain.resizeDisk`. */
export interface ResizeDiskOptions extends CallOptions {
  /** What the guest is to see: as much as now, or more. Whole sectors of 512 bytes. */
  readonly capacity: Size;
}

/** A finished resize of a disk. */
export interface ResizeDiskResult {
  /** Identity of the disk. */
  readonly disk: string;
  /** Bytes before, and now: read again afterwards. */
  readonly before: bigint;
  readonly capacity: bigint;
}

/**
 * virDomainBlockResize; of a domain that is off virStorageVolResize, which needs a storage pool that has the image. QEMU
 * shrinks a qcow2 image without a word, so what there is is read first.
 */
export function resizeDisk(
  reader: DomainAccess,
  name: string,
  { capacity, ...call }: ResizeDiskOptions,
): Promise<ResizeDiskResult> {
  const { connection, handle: dom } = reader;
  const wanted = bytesOf(capacity, 'capacity');
  return inDomainQueue(
    dom.uuid,
    async () => {
      const documents = await reader.documents(call);
      if (!documents.live) await assertNoUnsavedDefinition(reader, call);
      const disk = diskOf(documents, name);
      const { identity, target } = disk;
      const refuse = (code: 'ARGUMENT_INVALID' | 'UNSUPPORTED', problem: string, remedy: string) =>
        new LibvirtCanonicalError(code, `${identity} of ${dom.name} ${problem}`, {
          domain: dom.name,
          device: identity,
          path: 'capacity',
          remedy,
        });
      if (wanted % SECTOR !== 0n)
        throw refuse('ARGUMENT_INVALID', `cannot have ${wanted} bytes`, 'Give a multiple of 512');
      const { leaves } = disk.live ?? (disk.canonical as NonNullable<CopiedDisk['canonical']>);
      if (leaves.has('readonly') || (leaves.get('@device') ?? 'disk') !== 'disk')
        throw refuse('UNSUPPORTED', 'is read-only or a drive for media', 'Resize a disk that the guest writes to');
      assertSameSource(disk, dom.name);
      const capacityNow = async () =>
        (await connection.call('DOMAIN_GET_BLOCK_INFO', { dom, path: target, flags: 0 }, call)).capacity;
      const before = await capacityNow();
      if (wanted < before)
        throw refuse(
          'ARGUMENT_INVALID',
          `has ${before} bytes, and is not made smaller: what lies beyond the new end would be lost`,
          'Attach a smaller disk and have the guest copy to it',
        );
      if (documents.live) {
        const size = { disk: target, size: wanted, flags: VIR_DOMAIN_BLOCK_RESIZE_BYTES };
        await connection.call('DOMAIN_BLOCK_RESIZE', { dom, ...size }, call);
      } else await resizeVolume(reader, disk, wanted, call);
      await verifyImages(reader, documents, new Map());
      const after = await capacityNow();
      if (after >= wanted) return { disk: identity, before, capacity: after };
      throw new LibvirtCanonicalError(
        'JOB_FAILED',
        `libvirt took the new size, but ${identity} of ${dom.name} has ${after} bytes`,
        { domain: dom.name, device: identity, remedy: 'Ask again; the image is no smaller than before' },
      );
    },
    call.signal,
  );
}

/** No pool has the image; or the daemon has no storage driver, which newer distributions package apart. */
const WITHOUT_VOLUME: ReadonlySet<LibvirtErrorName | undefined> = new Set([
  'VIR_ERR_NO_STORAGE_VOL',
  'VIR_ERR_NO_SUPPORT',
]);

/** The image of a domain that is off is QEMU's no longer: only libvirt's storage driver still changes it. */
async function resizeVolume(
  { connection, handle }: DomainAccess,
  { file }: CopiedDisk,
  capacity: bigint,
  call: CallOptions,
): Promise<void> {
  const unknown = () => notRunning(handle.name, `no storage pool has the image ${file ?? 'of the disk'}`);
  if (file === undefined) throw unknown();
  const { vol } = await connection
    .call('STORAGE_VOL_LOOKUP_BY_PATH', { path: file }, call)
    .catch((error: unknown) =>
      Promise.reject(error instanceof LibvirtError && WITHOUT_VOLUME.has(error.errorName) ? unknown() : error),
    );
  await connection.call('STORAGE_VOL_RESIZE', { vol, capacity, flags: 0 }, call);
}
