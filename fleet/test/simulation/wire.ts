import { PROCEDURES } from '../../../src/connection/generated/protocol-table.js';
import { type AnyProcedure, procedureOf } from '../../../src/connection/procedures.js';
import {
  HEADER_SIZE,
  type Message,
  MessageStatus,
  MessageType,
  Program,
  writeHeader,
} from '../../../src/connection/wire/message.js';
import { XdrReader } from '../../../src/connection/wire/xdr.js';

const NAMES = new Map(
  Object.entries(PROCEDURES).flatMap(([name, [number]]) =>
    /^(QEMU|ADMIN)_/.test(name) ? [] : [[number as number, name as AnyProcedure] as const],
  ),
);

/** A call of libvirt's remote program. */
export interface Call {
  readonly name: AnyProcedure;
  readonly args: Record<string, unknown>;
}

export function callOf({ type, program, procedure, payload }: Message): Call | undefined {
  const name = type === MessageType.CALL && program === Program.REMOTE ? NAMES.get(procedure) : undefined;
  if (!name) return undefined;
  return { name, args: procedureOf(name).args.read(new XdrReader(payload)) as Record<string, unknown> };
}

/** What a call is known by: its domain and its numbers of handles left out, since those of a simulated host are others. */
export function keyOf({ name, args }: Call, kind: string): string {
  const { dom: _, ...rest } = args;
  return `${name} ${kind} ${JSON.stringify(rest, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))}`;
}

export function replyFrame(to: Message, status: number, payload: Buffer): Buffer {
  const frame = Buffer.alloc(HEADER_SIZE + payload.length);
  payload.copy(frame, HEADER_SIZE);
  writeHeader(frame, to.program, to.procedure, MessageType.REPLY, to.serial);
  frame.writeInt32BE(status, 24);
  return frame;
}

export const { OK, ERROR } = MessageStatus;
