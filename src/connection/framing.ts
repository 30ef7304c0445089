import { FRAME_MAX, HEADER_SIZE } from './message.js';
import { violation } from './xdr.js';

/**
 * Cuts the byte stream into frames. A frame inside one chunk is a view; one that straddles chunks is copied once, when
 * its last byte is there. The length is checked before anything is kept for it.
 */
export class FrameReader {
  readonly #onFrame: (frame: Buffer) => void;
  #chunks: Buffer[] = [];
  #held = 0;
  /** Length of the frame under way; 0 while its length word is not complete. */
  #wanted = 0;

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    if (this.#held > 0) {
      const joined = this.#join(rest);
      if (!joined) return;
      rest = joined;
    }
    while (rest.length >= 4) {
      const length = checkedLength(rest);
      if (rest.length < length) {
        this.#wanted = length;
        break;
      }
      this.#onFrame(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    if (rest.length > 0) {
      this.#chunks = [rest];
      this.#held = rest.length;
    }
  }

  /** Completes the held frame from the chunk and hands it over; gives what is left, or nothing if it is not complete. */
  #join(chunk: Buffer): Buffer | undefined {
    let rest = chunk;
    if (this.#wanted === 0) {
      const missing = 4 - this.#held;
      const head = Buffer.concat([...this.#chunks, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      this.#chunks = [head];
      this.#held = head.length;
      if (head.length < 4) return undefined;
      this.#wanted = checkedLength(head);
    }
    const part = rest.subarray(0, this.#wanted - this.#held);
    this.#chunks.push(part);
    this.#held += part.length;
    if (this.#held < this.#wanted) return undefined;
    const frame = Buffer.concat(this.#chunks, this.#held);
    this.#chunks = [];
    this.#held = 0;
    this.#wanted = 0;
    this.#onFrame(frame);
    return rest.subarray(part.length);
  }
}

function checkedLength(bytes: Buffer): number {
  const length = bytes.readUInt32BE(0);
  if (length < HEADER_SIZE || length > FRAME_MAX) throw violation(`a frame of ${length} bytes`);
  return length;
}
