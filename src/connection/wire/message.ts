import { violation } from './xdr.js';

/** Bytes of the length word and the header before each payload. */
export const HEADER_SIZE = 28;
/** Largest frame the daemon sends or takes, its own length word included. */
export const FRAME_MAX = 33_554_436;

/** virNetMessageType */
export const MessageType = {
  CALL: 0,
  REPLY: 1,
  MESSAGE: 2,
  STREAM: 3,
  CALL_WITH_FDS: 4,
  REPLY_WITH_FDS: 5,
  STREAM_HOLE: 6,
} as const;
/** virNetMessageStatus */
export const MessageStatus = { OK: 0, ERROR: 1, CONTINUE: 2 } as const;

/** Programs of the protocol. ADMIN has a socket of its own, the others share one. */
export const Program = { REMOTE: 0x20008086, QEMU: 0x20008087, ADMIN: 0x06900690, KEEPALIVE: 0x6b656570 } as const;

/** Version of every program so far. */
const VERSION = 1;
const SERIAL_OFFSET = 20;

export interface Message {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
  /** A view into the received chunk. */
  readonly payload: Buffer;
}

/** Fills in the header of a frame whose payload is already there. */
export function writeHeader(frame: Buffer, program: number, procedure: number, type: number, serial: number): void {
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(program, 4);
  frame.writeUInt32BE(VERSION, 8);
  frame.writeInt32BE(procedure, 12);
  frame.writeInt32BE(type, 16);
  frame.writeUInt32BE(serial, SERIAL_OFFSET);
  frame.writeInt32BE(MessageStatus.OK, 24);
}

export function setSerial(frame: Buffer, serial: number): void {
  frame.writeUInt32BE(serial, SERIAL_OFFSET);
}

export function readMessage(frame: Buffer): Message {
  const version = frame.readUInt32BE(8);
  if (version !== VERSION) throw violation(`program version ${version}`);
  return {
    program: frame.readUInt32BE(4),
    procedure: frame.readInt32BE(12),
    type: frame.readInt32BE(16),
    serial: frame.readUInt32BE(SERIAL_OFFSET),
    status: frame.readInt32BE(24),
    payload: frame.subarray(HEADER_SIZE),
  };
}
