import { FRAME_MAX, HEADER_SIZE } from './message.js';
import { violation } from './xdr.js';

/** Room made at once for a frame that straddles chunks; more is made as its bytes come, whatever length it announces. */
const FIRST_ROOM = 65_536;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts the byte stream into frames. A frame inside one chunk is a view; the bytes of one that straddles chunks are copied
 * together, so that what is kept is no more than twice what came, in however small pieces it comes. The length is checked
 * before anything is kept.
 */
export class FrameReader {
  readonly #onFrame: (frame: Buffer) => void;
  /** The beginning of the frame under way, with room for more. */
  #room: Buffer = NOTHING;
  #held = 0;

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
        this.#keep(rest, length);
        return;
      }
      this.#onFrame(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    this.#keep(rest, 4);
  }

  /** Completes the held frame from the chunk and hands it over; gives what is left, or nothing if it is not complete. */
  #join(chunk: Buffer): Buffer | undefined {
    const head = chunk.subarray(0, Math.max(0, 4 - this.#held));
    this.#keep(head, 4);
    if (this.#held < 4) return undefined;
    const wanted = checkedLength(this.#room);
    const part = chunk.subarray(head.length, head.length + wanted - this.#held);
    this.#keep(part, wanted);
    if (this.#held < wanted) return undefined;
    const frame = this.#room.subarray(0, wanted);
    this.#room = NOTHING;
    this.#held = 0;
    this.#onFrame(frame);
    return chunk.subarray(head.length + part.length);
  }

  #keep(bytes: Buffer, wanted: number): void {
    const held = this.#held + bytes.length;
    if (held > this.#room.length) {
      const larger = Buffer.allocUnsafe(Math.min(wanted, Math.max(held, 2 * this.#room.length, FIRST_ROOM)));
      this.#room.copy(larger, 0, 0, this.#held);
      this.#room = larger;
    }
    bytes.copy(this.#room, this.#held);
    this.#held = held;
  }
}

function checkedLength(bytes: Buffer): number {
  const length = bytes.readUInt32BE(0);
  if (length < HEADER_SIZE || length > FRAME_MAX) throw violation(`a frame of ${length} bytes${asText(bytes)}`);
  return length;
}

/** A greeting in the place of a frame, of a login shell for example, is told as what it is. */
function asText(bytes: Buffer): string {
  const text = bytes.toString('latin1', 0, 80).split(/[\r\n]/, 1)[0] ?? '';
  return /^[ -~\t]{4,}$/.test(text) ? `, or the text '${text}'` : '';
}
