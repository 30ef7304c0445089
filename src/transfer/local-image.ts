import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { Connection, ProcedureStream, StreamChunk } from '../connection/index.js';
import { withVolume } from '../images/index.js';
import { closeWriter } from './close-writer.js';

/** Bytes that are read from a file at a time. */
const READ = 4 << 20;
/** Bytes that become a hole if all of them are zeros. */
const BLOCK = 262_144;
const ZEROS = Buffer.alloc(BLOCK);
/** Bytes of a hole that are hashed before others have their turn. */
const AT_ONCE = 64 << 20;
/** VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM, and of downloads the same. */
const SPARSE = 1;

/** A whole file: its length, and its SHA-256 as `sha256sum` tells it. */
export interface FileSum {
  readonly bytes: number;
  readonly sha256: string;
}

/** What both ways of an image need. */
export interface LocalImageOptions {
  readonly signal: AbortSignal | undefined;
  /** Told how many bytes of the image are through, holes included. */
  readonly onBytes: (done: number) => void;
}

/**
 * Writes an image of a host into a local file that is not there yet, with holes where it has them. A file that was written in
 * part is the caller's to remove. virStorageVolDownload.
 */
export async function saveImage(
  connection: Connection,
  path: string,
  file: string,
  { signal, onBytes }: LocalImageOptions,
): Promise<FileSum> {
  await using stream = await withVolume(connection, path, { signal }, (vol) =>
    connection.stream('STORAGE_VOL_DOWNLOAD', { vol, offset: 0n, length: 0n, flags: SPARSE }, { signal }),
  );
  const target = await open(file, 'wx', 0o600);
  try {
    const sum = new Summing();
    for await (const chunk of stream.readable) {
      if (chunk instanceof Uint8Array) await writeAll(target, chunk, sum.bytes);
      await sum.add(chunk);
      onBytes(sum.bytes);
    }
    // A hole at the end is written by no byte.
    await target.truncate(sum.bytes);
    await target.sync();
    return sum.end();
  } finally {
    await target.close();
  }
}

/**
 * Writes a local file into an image of a host that has nothing in it and is as long, with holes for stretches of zeros. Returns
 * what was read of the file. virStorageVolUpload.
 */
export async function loadImage(
  connection: Connection,
  path: string,
  file: string,
  { signal, onBytes }: LocalImageOptions,
): Promise<FileSum> {
  const source = await open(file, 'r');
  try {
    await using stream = await withVolume(connection, path, { signal }, (vol) =>
      connection.stream('STORAGE_VOL_UPLOAD', { vol, offset: 0n, length: 0n, flags: SPARSE }, { signal }),
    );
    return await send(source, stream, onBytes);
  } finally {
    await source.close();
  }
}

async function send(
  source: FileHandle,
  stream: ProcedureStream<'STORAGE_VOL_UPLOAD'>,
  onBytes: (done: number) => void,
): Promise<FileSum> {
  const writer = stream.writable.getWriter();
  const sum = new Summing();
  const buffer = Buffer.alloc(READ);
  let skipped = 0;
  const skip = async (): Promise<void> => {
    if (skipped > 0) await writer.write({ hole: BigInt(skipped) });
    skipped = 0;
  };
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, READ, sum.bytes);
    if (bytesRead === 0) break;
    for (let at = 0; at < bytesRead; at += BLOCK) {
      const block = buffer.subarray(at, Math.min(at + BLOCK, bytesRead));
      if (block.compare(ZEROS, 0, block.length) === 0) skipped += block.length;
      else {
        await skip();
        // The packet is a copy of it.
        await writer.write(block);
      }
      await sum.add(block);
    }
    onBytes(sum.bytes);
  }
  await skip();
  await closeWriter(writer);
  return sum.end();
}

type FileHandle = Awaited<ReturnType<typeof open>>;

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

/** The sum of a file that comes in pieces; a hole counts as the zeros that are read from it. */
class Summing {
  bytes = 0;
  readonly #hash: Hash = createHash('sha256');

  async add(chunk: StreamChunk): Promise<void> {
    if (chunk instanceof Uint8Array) {
      this.bytes += chunk.length;
      this.#hash.update(chunk);
      return;
    }
    for (let left = Number(chunk.hole), hashed = 0; left > 0; ) {
      const step = Math.min(left, BLOCK);
      this.#hash.update(ZEROS.subarray(0, step));
      this.bytes += step;
      left -= step;
      hashed += step;
      if (hashed % AT_ONCE === 0) await setImmediate();
    }
  }

  end(): FileSum {
    return { bytes: this.bytes, sha256: this.#hash.digest('hex') };
  }
}
