import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { EventMessage, EventName } from '../../src/connection/events/subscription.js';
import { EVENTS, PROCEDURES } from '../../src/connection/generated/protocol-table.js';
import { keepaliveFrame, PING, PONG } from '../../src/connection/keepalive.js';
import { type AnyProcedure, type ProcedureResult, procedureOf } from '../../src/connection/procedures.js';
import { structCodec } from '../../src/connection/wire/codec.js';
import { FrameReader } from '../../src/connection/wire/framing.js';
import {
  HEADER_SIZE,
  MessageStatus,
  MessageType,
  Program,
  readMessage,
  writeHeader,
} from '../../src/connection/wire/message.js';
import { XdrReader, XdrWriter } from '../../src/connection/wire/xdr.js';
import { type ErrorCode, LibvirtCanonicalError } from '../../src/errors.js';
import { within as withinDeadline } from '../support/deadline.js';

/** Rejects if the promise does not settle in time, so that a hang is a failure. */
export function within<T>(promise: Promise<T>, milliseconds = 10_000): Promise<T> {
  return withinDeadline(promise, milliseconds, 'what is awaited');
}

/** Waits until the condition holds. */
export async function until(condition: () => boolean, milliseconds = 10_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`still not so after ${milliseconds} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The error of our own that a promise or function ends with; fails if it succeeds or throws another code. */
export async function failure(
  attempt: Promise<unknown> | (() => unknown),
  code: ErrorCode,
  milliseconds?: number,
): Promise<LibvirtCanonicalError> {
  try {
    await within(Promise.resolve(typeof attempt === 'function' ? attempt() : attempt), milliseconds);
  } catch (error) {
    assert.instance(error, LibvirtCanonicalError, String(error));
    const ours = error as LibvirtCanonicalError;
    assert.is(ours.code, code, ours.message);
    return ours;
  }
  return assert.unreachable(`expected ${code}`) as never;
}

/** A call as the fake daemon received it. */
export interface ReceivedCall {
  readonly procedure: AnyProcedure;
  readonly args: Record<string, unknown>;
  readonly serial: number;
}

type Answer = object | undefined;
type Handlers = { [P in AnyProcedure]?: (call: ReceivedCall) => ProcedureResult<P> | undefined };

const PROCEDURE_OF = new Map(
  (Object.keys(PROCEDURES) as AnyProcedure[]).map((name) => {
    const { program, number } = procedureOf(name);
    return [`${program}:${number}`, name];
  }),
);

const OPENING: Handlers = {
  AUTH_LIST: () => ({ types: [0] }),
  CONNECT_SUPPORTS_FEATURE: () => ({ supported: 1 }),
  CONNECT_OPEN: () => ({}),
  CONNECT_CLOSE: () => ({}),
  CONNECT_REGISTER_CLOSE_CALLBACK: () => ({}),
  CONNECT_GET_LIB_VERSION: () => ({ lib_ver: 9_000_000n }),
  CONNECT_GET_VERSION: () => ({ hv_ver: 7_002_000n }),
};

/**
 * Speaks the daemon's side of the protocol, for faults that a real daemon cannot be made to show. A handler that gives
 * nothing leaves the call unanswered; `reply` and `fail` answer later.
 */
export class FakeDaemon implements AsyncDisposable {
  readonly calls: ReceivedCall[] = [];
  pings = 0;
  /** Sockets taken so far. */
  sockets = 0;
  /** Hangs up on whoever connects. */
  refusing = false;
  pongs = 0;
  readonly uri: string;
  /** Of its socket. */
  readonly path: string;
  readonly #directory: string;
  readonly #server: Server;
  readonly #handlers: Handlers;
  #socket: Socket | undefined;

  private constructor(handlers: Handlers) {
    this.#handlers = { ...OPENING, ...handlers };
    this.#directory = mkdtempSync(join(tmpdir(), 'lvc-fake-'));
    // The user of a private host's sshd is another one.
    chmodSync(this.#directory, 0o755);
    this.path = `${this.#directory}/sock`;
    this.uri = `qemu+unix:///session?socket=${this.path}`;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(handlers: Handlers = {}): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(handlers);
    const listening = { path: daemon.path, writableAll: true };
    await new Promise<void>((resolve) => daemon.#server.listen(listening, resolve));
    return daemon;
  }

  get socket(): Socket {
    if (!this.#socket) throw new Error('nobody has connected');
    return this.#socket;
  }

  /** Calls received of one procedure. */
  received(procedure: AnyProcedure): ReceivedCall[] {
    return this.calls.filter((call) => call.procedure === procedure);
  }

  reply(call: ReceivedCall, result: object): void {
    this.socket.write(this.replyFrame(call, result));
  }

  replyFrame(call: ReceivedCall, result: object): Buffer {
    const { program, number, result: codec } = procedureOf(call.procedure);
    return frame(program, number, MessageType.REPLY, call.serial, MessageStatus.OK, (writer) =>
      codec.write(writer, result),
    );
  }

  fail(call: ReceivedCall, code: number, message: string): void {
    const { program, number } = procedureOf(call.procedure);
    const error = { code, domain: 10, message, level: 2, int1: 0, int2: 0 };
    this.socket.write(
      frame(program, number, MessageType.REPLY, call.serial, MessageStatus.ERROR, (writer) =>
        structCodec('error:remote_error').write(writer, { error }),
      ),
    );
  }

  event<E extends EventName>(event: E, callbackID: number, data: EventMessage<E>): void {
    this.socket.write(eventFrame(event, callbackID, data));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#directory, { recursive: true });
  }

  #serve(socket: Socket): void {
    this.sockets++;
    if (this.refusing) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    const reader = new FrameReader((bytes) => {
      const message = readMessage(bytes);
      if (message.program === Program.KEEPALIVE) {
        if (message.procedure === PING) this.pings++;
        if (message.procedure === PONG) this.pongs++;
        return;
      }
      const procedure = PROCEDURE_OF.get(`${message.program}:${message.procedure}`);
      if (!procedure) throw new Error(`unknown procedure ${message.procedure}`);
      const args = procedureOf(procedure).args.read(new XdrReader(message.payload)) as Record<string, unknown>;
      const call = { procedure, args, serial: message.serial };
      this.calls.push(call);
      const answer: Answer = this.#handlers[procedure]?.(call);
      if (answer) this.reply(call, answer);
    });
    socket.on('data', (chunk) => reader.push(chunk));
    socket.on('error', () => {});
  }
}

/** A message of the keepalive program. */
export const ping = (): Buffer => keepaliveFrame(PING);

export function eventFrame<E extends EventName>(event: E, callbackID: number, data: EventMessage<E>): Buffer {
  const [eventClass, , procedure, , fields] = EVENTS[event];
  const program = eventClass === 'qemuMonitor' ? Program.QEMU : Program.REMOTE;
  return frame(program, procedure, MessageType.MESSAGE, 0, MessageStatus.OK, (writer) =>
    structCodec(`callbackID:int ${fields}`).write(writer, { callbackID, ...data }),
  );
}

export function frame(
  program: number,
  procedure: number,
  type: number,
  serial: number,
  status: number,
  payload: (writer: XdrWriter) => void,
): Buffer {
  const writer = new XdrWriter();
  writer.begin(HEADER_SIZE);
  payload(writer);
  const bytes = writer.finish();
  writeHeader(bytes, program, procedure, type, serial);
  bytes.writeInt32BE(status, 24);
  return bytes;
}

/** A domain that exists only in arguments. */
export const DOM = { name: 'web1', uuid: '7c3e1b3a-54a2-4c9f-9a0e-2f6d0c1b2a39', id: -1 };
