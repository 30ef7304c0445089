import { PROCEDURES } from '../../src/connection/generated/protocol-table.js';
import { type AnyProcedure, procedureOf } from '../../src/connection/procedures.js';
import {
  HEADER_SIZE,
  type Message,
  MessageStatus,
  MessageType,
  Program,
  writeHeader,
} from '../../src/connection/wire/message.js';
import { XdrReader } from '../../src/connection/wire/xdr.js';

/** Procedures of libvirt's remote program by their numbers; other programs use the same numbers. */
const NAMES = new Map(
  (Object.keys(PROCEDURES) as AnyProcedure[]).flatMap((name) => {
    const { program, number } = procedureOf(name);
    return program === Program.REMOTE ? [[number, name] as const] : [];
  }),
);

/** The name of the call that a message is; undefined for any other message, or of another program. */
export function nameOfCall({ type, program, procedure }: Message): AnyProcedure | undefined {
  return type === MessageType.CALL && program === Program.REMOTE ? NAMES.get(procedure) : undefined;
}

export function argsOfCall(name: AnyProcedure, { payload }: Message): Record<string, unknown> {
  return procedureOf(name).args.read(new XdrReader(payload)) as Record<string, unknown>;
}

/** A reply, ready to send. */
export function replyFrame(to: Message, payload: Buffer = Buffer.alloc(0), status: number = MessageStatus.OK): Buffer {
  const frame = Buffer.alloc(HEADER_SIZE + payload.length);
  payload.copy(frame, HEADER_SIZE);
  writeHeader(frame, to.program, to.procedure, MessageType.REPLY, to.serial);
  frame.writeInt32BE(status, 24);
  return frame;
}
