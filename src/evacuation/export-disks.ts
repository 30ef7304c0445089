import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Connection } from '../connection/index.js';
import { assertNotAborted } from '../copies/index.js';
import { type Device, type DomainDocument, diskPlace, isWrittenDisk, meantDevice } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type ImageFile, imageFile, isLibvirt } from '../images/index.js';
import { saveImage } from '../transfer/index.js';
import type { BundleDisk } from './bundle.js';

/** How far the images of a bundle are. */
export interface BundleProgress {
  /** Path of the image on the host. */
  readonly image: string;
  /** Bytes of all images that are through, holes included, and all there are. */
  readonly done: number;
  readonly total: number;
}

/** Which disks go along with a bundle. */
export interface DisksToExport {
  /** Every disk that the guest writes, or those that are named. */
  readonly disks: 'include' | readonly string[];
  /** Folder of this machine for the files of the images. */
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: BundleProgress) => void) | undefined;
}

/** An image that is to be saved, and the disk it was found by. */
interface Found {
  readonly subject: string;
  readonly path: string;
  readonly image: ImageFile;
}

/**
 * Saves the images of a domain that is off into files, with all images below them. What cannot be carried is refused before
 * anything is written. An image that was written to meanwhile ends it, and what was written is removed again.
 */
export async function exportDisks(
  connection: Connection,
  document: DomainDocument,
  { disks, folder, signal, onProgress }: DisksToExport,
): Promise<BundleDisk[]> {
  const found = await chainsOf(connection, document, chosen(document, disks), signal);
  const total = found.reduce((sum, { image }) => sum + image.bytes, 0);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = new Set<string>();
  const written: string[] = [];
  const saved: BundleDisk[] = [];
  try {
    let before = 0;
    for (const { subject, path, image } of found) {
      assertNotAborted(`export of ${document.name}`, signal, 'nothing is left of it');
      const file = unusedName(names, basename(path));
      const sum = await saveImage(connection, path, join(folder, file), {
        signal,
        onBytes: (done) => onProgress?.({ image: path, done: before + done, total }),
      }).catch((error: unknown) => {
        if (isThere(error)) throw taken(document, join(folder, file));
        written.push(file);
        throw error;
      });
      written.push(file);
      before += image.bytes;
      saved.push({ subject, path, file, ...sum, ...(image.backing !== undefined && { backing: image.backing }) });
    }
    await assertUntouched(connection, document, found, signal);
    return saved;
  } catch (error) {
    for (const file of written) await rm(join(folder, file), { force: true });
    throw error;
  }
}

function chosen(document: DomainDocument, disks: DisksToExport['disks']): Device[] {
  const all = document.devices.filter(({ kind }) => kind.element === 'disk');
  // Storage on the network is there from wherever the domain is.
  if (disks === 'include') return all.filter((each) => isWrittenDisk(each) && each.leaves.get('@type') !== 'network');
  return disks.map((name, at) => {
    const device = all.find(({ names }) => names.includes(name));
    if (device) return device;
    throw new LibvirtCanonicalError('DEVICE_NOT_FOUND', `disks[${at}]: there is no disk ${JSON.stringify(name)}`, {
      path: `disks[${at}]`,
      domain: document.name,
      device: name,
      remedy: `${meantDevice([document], 'disk', name)}devices() lists what there is`,
    });
  });
}

/** The images of the disks, each with those below it, and each once. */
async function chainsOf(
  connection: Connection,
  document: DomainDocument,
  disks: readonly Device[],
  signal: AbortSignal | undefined,
): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const { identity, leaves, ...device } of disks) {
    const top = leaves.get('source/@file');
    if (top === undefined) throw notCarried(document, identity, diskPlace({ identity, leaves, ...device }) ?? 'empty');
    for (let path: string | undefined = top; path !== undefined && !found.has(path); ) {
      const image: ImageFile = await look(connection, document, identity, path, signal);
      found.set(path, { subject: identity, path, image });
      path = image.backing;
    }
  }
  return [...found.values()];
}

async function look(
  connection: Connection,
  document: DomainDocument,
  device: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<ImageFile> {
  if (!path.startsWith('/')) throw notCarried(document, device, path);
  try {
    return await imageFile(connection, path, { signal });
  } catch (error) {
    const problem = isLibvirt(error, 'VIR_ERR_NO_SUPPORT')
      ? 'libvirt has no storage pools on that host to read it by'
      : ['VIR_ERR_NO_STORAGE_VOL', 'VIR_ERR_SYSTEM_ERROR'].some((name) => isLibvirt(error, name))
        ? 'it is not there'
        : undefined;
    if (problem === undefined) throw error;
    throw new LibvirtCanonicalError('UNSUPPORTED', `${path} of ${device} cannot be exported: ${problem}`, {
      domain: document.name,
      device,
      cause: error,
      remedy: 'Export without it, naming the others in `disks`, and bring it by other means',
    });
  }
}

function notCarried({ name }: DomainDocument, device: string, place: string): LibvirtCanonicalError {
  return new LibvirtCanonicalError('UNSUPPORTED', `${device} (${place}) is no file, and only files are exported`, {
    domain: name,
    device,
    remedy: 'Export without it, naming the others in `disks`, and bring it by other means',
  });
}

/** Nobody can be kept from starting the domain: an image that was written to while it was read is no image of it. */
async function assertUntouched(
  connection: Connection,
  { name }: DomainDocument,
  found: readonly Found[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { subject, path, image } of found) {
    const now = await imageFile(connection, path, { signal });
    if (now.bytes === image.bytes && now.written === image.written && now.allocation === image.allocation) continue;
    throw new LibvirtCanonicalError('JOB_FAILED', `${path} was written to while it was exported`, {
      domain: name,
      device: subject,
      remedy: 'Shut the domain down, and export again',
    });
  }
}

const isThere = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.code === 'EEXIST';

function taken({ name: domain }: DomainDocument, file: string): LibvirtCanonicalError {
  return new LibvirtCanonicalError('ARGUMENT_INVALID', `${file} is there already`, {
    path: 'folder',
    domain,
    remedy: 'Give a folder of its own for each export',
  });
}

/** Images of several folders may have one name. */
function unusedName(names: Set<string>, name: string): string {
  let unused = name;
  for (let n = 2; names.has(unused); n++) unused = `${n}-${name}`;
  names.add(unused);
  return unused;
}
