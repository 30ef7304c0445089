import { createHash, type Hash } from 'node:crypto';
import type { ProcedureStream, StreamChunk } from '../connection/index.js';
import { closeWriter } from './close-writer.js';

/** Bytes that are hashed together, or left out when all of them are zeros. */
const BLOCK = 65_536;
const ZEROS = Buffer.alloc(BLOCK);

/** What an image holds. A hole and zeros that were written are the same: the guest reads the same. */
export interface ImageSum {
  readonly bytes: number;
  readonly sha256: string;
}

/** Sends what one stream brings into another, holes as holes, chunk by chunk. Resolves when the daemon has stored all. */
export async function pipeImage(
  from: ProcedureStream<'STORAGE_VOL_DOWNLOAD'>,
  to: ProcedureStream<'STORAGE_VOL_UPLOAD'>,
  onChunk: (bytes: number) => void,
): Promise<ImageSum> {
  const sum = new Summing();
  const writer = to.writable.getWriter();
  for await (const chunk of from.readable) {
    sum.add(chunk);
    await writer.write(chunk);
    onChunk(sum.bytes);
  }
  await closeWriter(writer);
  return sum.end();
}

/** The sum of what a stream brings. */
export async function sumImage(
  from: ProcedureStream<'STORAGE_VOL_DOWNLOAD'>,
  onChunk: (bytes: number) => void,
): Promise<ImageSum> {
  const sum = new Summing();
  for await (const chunk of from.readable) {
    sum.add(chunk);
    onChunk(sum.bytes);
  }
  return sum.end();
}

class Summing {
  bytes = 0;
  readonly #hash: Hash = createHash('sha256');
  readonly #block = Buffer.alloc(BLOCK);

  add(chunk: StreamChunk): void {
    if (chunk instanceof Uint8Array) this.#addData(chunk);
    else this.#addHole(Number(chunk.hole));
  }

  end(): ImageSum {
    this.#flush(this.bytes % BLOCK);
    return { bytes: this.bytes, sha256: this.#hash.digest('hex') };
  }

  #addHole(length: number): void {
    for (let left = length; left > 0; ) {
      const filled = this.bytes % BLOCK;
      // Whole blocks of a hole are left out at once.
      const step = filled === 0 && left >= BLOCK ? left - (left % BLOCK) : Math.min(left, BLOCK - filled);
      if (filled > 0 || step < BLOCK) this.#block.fill(0, filled, filled + step);
      this.bytes += step;
      left -= step;
      if (filled + step === BLOCK && (filled > 0 || step < BLOCK)) this.#flush(BLOCK);
    }
  }

  #addData(data: Uint8Array): void {
    for (let at = 0; at < data.length; ) {
      const filled = this.bytes % BLOCK;
      const step = Math.min(data.length - at, BLOCK - filled);
      this.#block.set(data.subarray(at, at + step), filled);
      this.bytes += step;
      at += step;
      if (filled + step === BLOCK) this.#flush(BLOCK);
    }
  }

  /** Hashes the block that ends here, with its place, unless it is all zeros. */
  #flush(length: number): void {
    const block = this.#block.subarray(0, length);
    if (length === 0 || block.compare(ZEROS, 0, length) === 0) return;
    this.#hash.update(`${this.bytes - length}:`).update(block);
  }
}
