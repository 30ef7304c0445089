import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallOptions, Connection } from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { HostFinding } from '../host/index.js';
import { imageFile, isLibvirt, makeImageFile } from '../images/index.js';
import { loadImage } from '../transfer/index.js';
import type { BundleDisk } from './bundle.js';
import type { BundleProgress } from './export-disks.js';

/** An image of a bundle, and where it goes. */
export interface ImageToImport {
  readonly disk: BundleDisk;
  readonly to: string;
  /** Where the image below it goes. */
  readonly below: string | undefined;
}

/** What stands in the way of the images of a bundle. Nothing is changed. */
export async function checkImages(
  connection: Connection,
  images: readonly ImageToImport[],
  folder: string,
  call: CallOptions,
): Promise<HostFinding[]> {
  const found: HostFinding[] = [];
  for (const { disk, to, below } of images) {
    const blocks = (problem: string, remedy: string) =>
      found.push({ severity: 'blocks', subject: disk.subject, problem, remedy });
    const file = join(folder, disk.file);
    const length = await stat(file).then(
      ({ size }) => size,
      () => undefined,
    );
    if (length === undefined) blocks(`${file} is not there`, 'Give the folder that the images were exported to');
    else if (length !== disk.bytes)
      blocks(`${file} has ${length} bytes instead of ${disk.bytes}`, 'It is not the file of this bundle, or not whole');
    if (disk.backing !== undefined && below !== disk.backing)
      blocks(
        `${disk.path} names ${disk.backing} below it, which would be ${below} here`,
        'Leave that path as it is, or commit the chain into one image before the export',
      );
    const there = await lookAt(connection, to, call);
    if (there !== 'missing')
      blocks(`${to} ${there}`, 'Give another place by paths, or remove it when no domain needs it');
  }
  return found;
}

async function lookAt(connection: Connection, path: string, call: CallOptions): Promise<string> {
  try {
    await imageFile(connection, path, call);
    return 'is there already';
  } catch (error) {
    if (isLibvirt(error, 'VIR_ERR_NO_STORAGE_VOL')) return 'missing';
    if (isLibvirt(error, 'VIR_ERR_SYSTEM_ERROR')) return 'has no folder on this host';
    if (isLibvirt(error, 'VIR_ERR_NO_SUPPORT')) return 'cannot be made: libvirt has no storage pools on this host';
    throw error;
  }
}

/**
 * Makes each image and writes its file into it. What is read must be what was exported, by SHA-256. `made` has those that were made,
 * for whoever fails to remove them again.
 */
export async function importImages(
  connection: Connection,
  images: readonly ImageToImport[],
  options: {
    readonly domain: string;
    readonly folder: string;
    readonly signal: AbortSignal | undefined;
    readonly onProgress: ((progress: BundleProgress) => void) | undefined;
    readonly made: string[];
  },
): Promise<void> {
  const { domain, folder, signal, onProgress, made } = options;
  const total = images.reduce((sum, { disk }) => sum + disk.bytes, 0);
  let before = 0;
  for (const { disk, to } of images) {
    const file = join(folder, disk.file);
    // A file of the same length, whatever is in it.
    await makeImageFile(connection, { path: to, capacity: disk.bytes, format: 'raw' }, { signal });
    made.push(to);
    const onBytes = (done: number) => onProgress?.({ image: to, done: before + done, total });
    const { bytes, sha256 } = await loadImage(connection, to, file, { signal, onBytes });
    before += disk.bytes;
    if (bytes === disk.bytes && sha256 === disk.sha256) continue;
    throw new LibvirtCanonicalError('JOB_FAILED', `${file} is not what was exported: its SHA-256 is ${sha256}`, {
      domain,
      device: disk.subject,
      remedy: `The bundle has ${disk.sha256}: export again, or copy the file anew`,
    });
  }
}
