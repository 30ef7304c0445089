import { open } from 'node:fs/promises';
import type { Connection, StorageVolHandle, StreamChunk } from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type VolumeName, volumeHandle } from '../images/index.js';
import { closeWriter } from './close-writer.js';

/** How far a transfer is. */
export interface TransferProgress {
  /** Bytes of the image that are through, holes included. */
  readonly done: number;
  /** Bytes of the image. */
  readonly total: number;
}

/** Options of `uploadVolume` and `downloadVolume`. */
export interface TransferOptions {
  /** Whether stretches of zeros are sent and written as holes. Default true. */
  readonly sparse?: boolean | undefined;
  /** Told after each chunk. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  /** Gives up. A volume or a file that was written in part stays as it is then. */
  readonly signal?: AbortSignal | undefined;
}

/** VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM, and of downloads the same. */
const SPARSE = 1;
/** Bytes that are read from a file at a time. */
const READ = 4 << 20;
/** Bytes that become a hole if all of them are zeros. */
const BLOCK = 262_144;
const ZEROS = Buffer.alloc(BLOCK);

/**
 * Writes a local file into a volume, whose old content is gone. A raw volume keeps its capacity. Throws ARGUMENT_INVALID
 * for a file larger than a raw volume, before anything is written. virStorageVolUpload.
 */
export async function uploadVolume(
  connection: Connection,
  name: VolumeName,
  file: string,
  { sparse = true, onProgress, signal }: TransferOptions = {},
): Promise<void> {
  const vol = await volumeHandle(connection, name, { signal });
  await using source = await closing(open(file, 'r'));
  const { size: total } = await source.file.stat();
  const raw = await isRaw(connection, vol);
  const { capacity, allocation } = await connection.call('STORAGE_VOL_GET_INFO', { vol });
  if (total === 0) throw new LibvirtCanonicalError('ARGUMENT_INVALID', `${file} is empty`, { path: 'file' });
  if (raw && BigInt(total) > capacity) {
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', `${file} has ${total} bytes, volume ${vol.name} ${capacity}`, {
      path: 'file',
      remedy: 'Resize the volume first',
    });
  }
  if (sparse && allocation > 0n) await empty(connection, vol, signal);
  const args = { vol, offset: 0n, length: 0n, flags: sparse ? SPARSE : 0 };
  await using stream = await connection.stream('STORAGE_VOL_UPLOAD', args, { signal });
  const writer = stream.writable.getWriter();
  const buffer = Buffer.alloc(READ);
  let skipped = 0;
  const skip = async (): Promise<void> => {
    if (skipped > 0) await writer.write({ hole: BigInt(skipped) });
    skipped = 0;
  };
  for (let done = 0; done < total; ) {
    const { bytesRead } = await source.file.read(buffer, 0, READ, done);
    if (bytesRead === 0) break;
    for (let at = 0; at < bytesRead; at += BLOCK) {
      const block = buffer.subarray(at, Math.min(at + BLOCK, bytesRead));
      // The first block is always data: `empty` leaves a byte.
      if (sparse && done + at > 0 && isZero(block)) skipped += block.length;
      else {
        await skip();
        // The packet is a copy of it.
        await writer.write(block);
      }
    }
    done += bytesRead;
    onProgress?.({ done, total });
  }
  if (sparse && raw) skipped += Number(capacity) - total;
  await skip();
  await closeWriter(writer);
}

/**
 * Writes a volume into a local file that is not there yet, with holes where it has them. Throws ARGUMENT_INVALID if the file
 * is there. virStorageVolDownload.
 */
export async function downloadVolume(
  connection: Connection,
  name: VolumeName,
  file: string,
  { sparse = true, onProgress, signal }: TransferOptions = {},
): Promise<void> {
  const vol = await volumeHandle(connection, name, { signal });
  const total = await sizeOf(connection, vol);
  const opening = open(file, 'wx').catch((cause: unknown) => {
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', `${file} cannot be made`, {
      path: 'file',
      cause,
      remedy: 'Name a file that is not there yet',
    });
  });
  await using target = await closing(opening);
  const args = { vol, offset: 0n, length: 0n, flags: sparse ? SPARSE : 0 };
  await using stream = await connection.stream('STORAGE_VOL_DOWNLOAD', args, { signal });
  let done = 0;
  for await (const chunk of stream.readable) {
    if (chunk instanceof Uint8Array) await writeAll(target.file, chunk, done);
    done += lengthOf(chunk);
    onProgress?.({ done, total: Math.max(total, done) });
  }
  // A hole at the end is written by no byte.
  await target.file.truncate(done);
}

/**
 * Empties a volume but for its first byte. A hole leaves what a volume has in its place (virFDStreamThreadDoWrite seeks), but
 * cuts the file off at its own end; one of no length is refused.
 */
async function empty(connection: Connection, vol: StorageVolHandle, signal: AbortSignal | undefined): Promise<void> {
  const args = { vol, offset: 0n, length: 0n, flags: SPARSE };
  await using stream = await connection.stream('STORAGE_VOL_UPLOAD', args, { signal });
  const writer = stream.writable.getWriter();
  await writer.write({ hole: 1n });
  await closeWriter(writer);
}

const lengthOf = (chunk: StreamChunk): number => (chunk instanceof Uint8Array ? chunk.length : Number(chunk.hole));

type FileHandle = Awaited<ReturnType<typeof open>>;

/** FileHandle is disposable only in newer Node. */
async function closing(opening: Promise<FileHandle>): Promise<AsyncDisposable & { readonly file: FileHandle }> {
  const file = await opening;
  return { file, [Symbol.asyncDispose]: () => file.close() };
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

const isZero = (block: Buffer): boolean => block.compare(ZEROS, 0, block.length) === 0;

async function isRaw(connection: Connection, vol: StorageVolHandle): Promise<boolean> {
  const { xml } = await connection.call('STORAGE_VOL_GET_XML_DESC', { vol, flags: 0 });
  return /<target>.*?<format type=['"]raw['"]/s.test(xml.replace(/<backingStore>.*<\/backingStore>/s, ''));
}

/** Bytes of the volume's file: what a download will bring. */
async function sizeOf(connection: Connection, vol: StorageVolHandle): Promise<number> {
  const { xml } = await connection.call('STORAGE_VOL_GET_XML_DESC', { vol, flags: 0 });
  const physical = /<physical unit=['"]bytes['"]>(\d+)</.exec(xml)?.[1];
  return Number(physical ?? (await connection.call('STORAGE_VOL_GET_INFO', { vol })).capacity);
}
