import { errorOf } from '../errors.js';
import type { Procedure } from '../procedures.js';
import { HEADER_SIZE, MessageStatus, MessageType, writeHeader } from '../wire/message.js';

/** A stretch of zeros in a sparse stream, in bytes. */
export interface Hole {
  readonly hole: bigint;
}

/** What sparse streams carry: data, or a stretch of zeros. Streams that are not sparse carry data alone. */
export type StreamChunk = Uint8Array | Hole;

export const isHole = (chunk: StreamChunk): chunk is Hole => !(chunk instanceof Uint8Array);

/** Bytes of data in one packet that is sent; larger ones are no faster. */
export const PACKET_SIZE = 262_144;

/** Makes the packets of the stream that a call opened. */
export class Packets {
  readonly #procedure: Procedure;
  #serial = 0;

  constructor(procedure: Procedure) {
    this.#procedure = procedure;
  }

  opened(serial: number): void {
    this.#serial = serial;
  }

  data(bytes: Uint8Array): Buffer {
    return this.#packet(MessageType.STREAM, MessageStatus.CONTINUE, bytes);
  }

  hole(length: bigint): Buffer {
    const payload = Buffer.alloc(12);
    payload.writeBigInt64BE(length);
    return this.#packet(MessageType.STREAM_HOLE, MessageStatus.CONTINUE, payload);
  }

  /** The end in order: all was sent, or all was had. */
  finish(): Buffer {
    return this.#packet(MessageType.STREAM, MessageStatus.OK);
  }

  abort(): Buffer {
    return this.#packet(MessageType.STREAM, MessageStatus.ERROR);
  }

  /** The error in the payload of a packet. */
  error(payload: Buffer, domain: string | undefined): Error {
    return errorOf({ kind: 'error', payload, sent: true }, { procedure: this.#procedure, timeout: 0, domain });
  }

  #packet(type: number, status: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
    const frame = Buffer.allocUnsafe(HEADER_SIZE + payload.length);
    frame.set(payload, HEADER_SIZE);
    const { program, number } = this.#procedure;
    writeHeader(frame, program, number, type, this.#serial);
    frame.writeInt32BE(status, 24);
    return frame;
  }
}
