import type { Duplex } from 'node:stream';
import { CallQueue } from './call-queue.js';
import { FrameWriter } from './frame-writer.js';
import { KeepAlive, type KeepAliveOptions, keepaliveFrame, PING, PONG } from './keepalive.js';
import { type Closed, type Outcome, type PacketSink, PendingCall, type Request } from './pending-call.js';
import { FrameReader } from './wire/framing.js';
import { type Message, MessageStatus, MessageType, Program, readMessage, setSerial } from './wire/message.js';
import { violation } from './wire/xdr.js';

export interface RpcOptions {
  readonly maxInFlight: number;
  /** Each frame is written alone, for TLS. */
  readonly framesApart?: boolean;
  onMessage(message: Message): void;
  onClosed(closed: Closed): void;
}

/** The daemon's default max_client_requests: with so many calls unanswered it stops reading. */
const DAEMON_REQUEST_LIMIT = 5;

/** Calls and replies over one socket: serials, queue, deadlines, keepalive, loss. Knows nothing of what the calls mean. */
export class Rpc {
  readonly #stream: Duplex;
  readonly #options: RpcOptions;
  readonly #queue: CallQueue<PendingCall>;
  /** By serial; an abandoned call stays as a tombstone until its reply comes. */
  readonly #pending = new Map<number, PendingCall>();
  /** Streams by the serial of the call that opened them. */
  readonly #streams = new Map<number, PacketSink>();
  readonly #frames = new FrameReader((frame) => this.#onFrame(frame));
  #serial = 0;
  readonly #writer: FrameWriter;
  #keepalive: KeepAlive | undefined;
  #closed: Closed | undefined;
  #refusing = false;
  /** Resolves when the stream is closed; then a child behind it is gone too. */
  readonly released: Promise<void>;

  constructor(stream: Duplex, options: RpcOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#writer = new FrameWriter(stream, { apart: options.framesApart ?? false });
    this.#queue = new CallQueue(options.maxInFlight);
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('end', () => this.end({ reason: 'eof' }));
    stream.on('error', (error: Error) => this.end({ reason: 'error', error }));
    this.released = new Promise((resolve) => {
      stream.on('close', () => {
        this.end({ reason: 'eof' });
        resolve();
      });
    });
  }

  get closed(): Closed | undefined {
    return this.#closed;
  }

  startKeepAlive(options: KeepAliveOptions): void {
    this.#keepalive = new KeepAlive(options, {
      ping: () => this.#write(keepaliveFrame(PING)),
      dead: () => this.end({ reason: 'keepalive' }),
      muted: () => this.#queue.busy >= DAEMON_REQUEST_LIMIT,
    });
  }

  /** Never rejects: every end of a call is an outcome. */
  request(request: Request): Promise<Outcome> {
    return new Promise((resolve) => {
      const call = new PendingCall(request, resolve);
      if (request.signal?.aborted) return call.settle({ kind: 'aborted', sent: false, reason: request.signal.reason });
      if (this.#closed) return call.lose(this.#closed);
      if (this.#refusing && !request.urgent) return call.lose({ reason: 'client' });
      call.watch();
      if (request.urgent) {
        this.#transmit(call);
      } else {
        this.#queue.add(call);
        this.#pump();
      }
    });
  }

  /** Takes no more requests but urgent ones; those in the queue end unsent, those under way go on. */
  refuseMore(): void {
    this.#refusing = true;
    for (const call of this.#queue.drain()) call.lose({ reason: 'client' });
  }

  /** Ends the connection: every call, sent or not, is told so. Only the first reason counts; a loss while closing is ours. */
  end(end: Closed): void {
    if (this.#closed) return;
    const closed: Closed = this.#refusing ? { reason: 'client' } : end;
    this.#closed = closed;
    this.#keepalive?.stop();
    this.#stream.destroy();
    const calls = [...this.#pending.values(), ...this.#queue.drain()];
    this.#pending.clear();
    for (const call of calls) call.lose(closed);
    this.#options.onClosed(closed);
  }

  /** Sends a packet of a stream. Resolves when the socket takes more, or has ended. */
  async packet(frame: Buffer): Promise<void> {
    if (!this.#closed) await this.#writer.writeAndWait(frame);
  }

  /** Stops reading the socket: nothing else comes either, keepalive included. For a socket that carries one stream. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#closed) this.#stream.resume();
  }

  #pump(): void {
    for (let call = this.#queue.take(); call; call = this.#queue.take()) this.#transmit(call);
  }

  #transmit(call: PendingCall): void {
    while (this.#pending.has(this.#serial) || this.#streams.has(this.#serial)) this.#serial = (this.#serial + 1) >>> 0;
    const serial = this.#serial;
    this.#serial = (serial + 1) >>> 0;
    this.#pending.set(serial, call);
    call.sent = true;
    const { stream } = call.request;
    if (stream) this.#streams.set(serial, stream);
    stream?.opened(serial);
    setSerial(call.request.frame, serial);
    this.#write(call.request.frame);
  }

  #write(frame: Buffer): void {
    if (!this.#closed) this.#writer.write(frame);
  }

  #onData(chunk: Buffer): void {
    this.#keepalive?.heard();
    try {
      this.#frames.push(chunk);
    } catch (error) {
      this.end({ reason: 'error', error: error as Error });
    }
  }

  #onFrame(frame: Buffer): void {
    if (this.#closed) return;
    const message = readMessage(frame);
    if (message.program === Program.KEEPALIVE) {
      if (message.procedure === PING) this.#write(keepaliveFrame(PONG));
    } else if (message.type === MessageType.REPLY) {
      this.#onReply(message);
    } else if (message.type === MessageType.MESSAGE) {
      this.#options.onMessage(message);
    } else {
      const stream = isPacket(message.type) ? this.#streams.get(message.serial) : undefined;
      if (!stream) throw violation(`a message of type ${message.type} where no stream is open`);
      stream.packet(message);
    }
  }

  #onReply(message: Message): void {
    const call = this.#pending.get(message.serial);
    if (!call || call.request.program !== message.program || call.request.procedure !== message.procedure) {
      throw violation(
        `a reply to procedure ${message.procedure} with serial ${message.serial}, which nobody asked for`,
      );
    }
    if (message.status === MessageStatus.CONTINUE) throw violation('a stream packet where no stream is open');
    this.#pending.delete(message.serial);
    if (!call.request.urgent) this.#queue.release(call);
    const kind = message.status === MessageStatus.OK ? 'ok' : 'error';
    call.settle({ kind, payload: message.payload, sent: true });
    if (kind === 'ok') call.request.onReply?.(message.payload);
    this.#pump();
  }
}

const isPacket = (type: number): boolean => type === MessageType.STREAM || type === MessageType.STREAM_HOLE;
