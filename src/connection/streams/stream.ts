import { ReadableStream, type ReadableStreamDefaultController, WritableStream } from 'node:stream/web';
import { LibvirtCanonicalError } from '../../errors.js';
import type { CallOptions, PreparedCall } from '../caller.js';
import { CallAbortedError, ConnectionLostError } from '../errors.js';
import { onAbort } from '../on-abort.js';
import type { Closed, PacketSink } from '../pending-call.js';
import type { ProcedureResult } from '../procedures.js';
import type { Session } from '../session.js';
import { type Message, MessageStatus, MessageType } from '../wire/message.js';
import { isHole, PACKET_SIZE, Packets, type StreamChunk } from './packets.js';
import { DIRECTIONS, type StreamProcedure } from './stream-procedures.js';

/** Bytes that wait here for a reader before the socket is no longer read. */
const READ_AHEAD = 1 << 20;

/**
 * A stream of libvirt over a socket of its own, which the protocol asks for: it has no flow control, so a stream that is
 * not read, or a guest that takes no input, holds up whatever else its socket carries.
 *
 * Reading ends when the daemon has sent all. A failure errors both sides with the LibvirtError of the stream, a lost
 * socket with CONNECTION_LOST: a stream is never taken up again. Cancelling, aborting and disposing end it and free what
 * it held.
 */
export class ProcedureStream<P extends StreamProcedure> implements AsyncDisposable {
  /** What the procedure answered. */
  readonly result: ProcedureResult<P>;
  /** What the daemon sends, in chunks of any size; nothing where it only takes. */
  readonly readable: ReadableStream<StreamChunk>;
  /** What the daemon takes. A write resolves when the socket takes more; `close` when the daemon has stored all. */
  readonly writable: WritableStream<StreamChunk>;
  readonly #transfer: Transfer;

  constructor(result: ProcedureResult<P>, transfer: Transfer) {
    this.result = result;
    this.#transfer = transfer;
    this.readable = transfer.readable;
    this.writable = transfer.writable;
  }

  /** Ends the stream, whatever is under way, and its socket. Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transfer.abandon();
  }
}

/** What may be written to a stream. */
export interface StreamBounds {
  readonly sparse: boolean;
  /** Bytes, holes counted. */
  readonly atMost: bigint | undefined;
}

/** Opens a stream on a session that carries nothing else; it is closed with the stream. */
export async function openStream<P extends StreamProcedure>(
  session: Session,
  call: PreparedCall<P>,
  { signal, timeout }: CallOptions,
  { sparse, atMost }: StreamBounds,
): Promise<ProcedureStream<P>> {
  const transfer = new Transfer(session, call, { sparse, atMost });
  session.onEnd = (closed) => transfer.lost(closed);
  try {
    const result = await session.sendStream(call, { signal, timeout }, transfer);
    if (signal) transfer.obey(signal);
    return new ProcedureStream(result, transfer);
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** The state of one stream. */
class Transfer implements PacketSink {
  readonly readable: ReadableStream<StreamChunk>;
  readonly writable: WritableStream<StreamChunk>;
  readonly #session: Session;
  readonly #call: PreparedCall<StreamProcedure>;
  readonly #packets: Packets;
  readonly #bounds: StreamBounds;
  #written = 0n;
  #reader: ReadableStreamDefaultController<StreamChunk> | undefined;
  #failWriting: (error: unknown) => void = () => {};
  #state: 'open' | 'finishing' | 'over' = 'open';
  #confirm: (() => void) | undefined;
  #refuse: ((error: unknown) => void) | undefined;
  #failure: unknown;
  #forgetSignal = (): void => {};

  constructor(session: Session, call: PreparedCall<StreamProcedure>, bounds: StreamBounds) {
    this.#session = session;
    this.#call = call;
    this.#packets = new Packets(call.procedure);
    this.#bounds = bounds;
    const direction = DIRECTIONS[call.name];
    this.readable = new ReadableStream<StreamChunk>(
      {
        start: (controller) => {
          if (direction === 'write') controller.close();
          else this.#reader = controller;
        },
        pull: () => session.packets.resume(),
        cancel: () => this.abandon(),
      },
      { highWaterMark: READ_AHEAD, size: (chunk) => (isHole(chunk) ? 1 : chunk.length) },
    );
    this.writable = new WritableStream<StreamChunk>({
      start: (controller) => {
        this.#failWriting = (error) => controller.error(error);
      },
      write: (chunk) => this.#write(chunk, direction),
      close: () => (direction === 'read' ? undefined : this.#finish()),
      abort: () => this.abandon(),
    });
  }

  opened(serial: number): void {
    this.#packets.opened(serial);
  }

  packet({ type, status, payload }: Message): void {
    if (this.#state === 'over') return;
    if (status === MessageStatus.ERROR) this.#end(this.#packets.error(payload, this.#call.domain?.name));
    else if (status === MessageStatus.OK) this.#end();
    else if (type === MessageType.STREAM_HOLE) this.#deliver({ hole: payload.readBigInt64BE(0) });
    else if (payload.length > 0) this.#deliver(payload);
    // The daemon has sent all. It confirms once we have said that we have it.
    else this.#sayFinished();
  }

  lost(closed: Closed): void {
    this.#end(new ConnectionLostError(closed, true, this.#call.name));
  }

  /** Ends the stream when the signal fires. */
  obey(signal: AbortSignal): void {
    const aborted = (): void => {
      this.#abort(new CallAbortedError(this.#call.name, true, signal.reason));
    };
    if (signal.aborted) aborted();
    else this.#forgetSignal = onAbort(signal, aborted);
  }

  /** Ends the stream without a word to whoever reads and writes, who asked for it. */
  async abandon(): Promise<void> {
    this.#abort(this.#closed());
    await this.#session.close();
  }

  #abort(error: unknown): void {
    if (this.#state === 'over') return;
    void this.#session.packets.packet(this.#packets.abort());
    this.#end(error);
  }

  #deliver(chunk: StreamChunk): void {
    if (!this.#reader || this.#state !== 'open') return;
    this.#reader.enqueue(chunk);
    if ((this.#reader.desiredSize ?? 1) <= 0) this.#session.packets.pause();
  }

  async #write(chunk: StreamChunk, direction: 'read' | 'write' | 'both'): Promise<void> {
    if (direction === 'read') throw this.#invalid('takes no data');
    if (this.#state !== 'open') throw this.#failure ?? this.#closed();
    if (isHole(chunk)) {
      if (!this.#bounds.sparse) throw this.#invalid('is not sparse, so it takes no holes');
      if (typeof chunk.hole !== 'bigint' || chunk.hole < 0n) throw this.#invalid('takes holes of a bigint of bytes');
      this.#count(chunk.hole);
      // libvirt takes none of length 0.
      if (chunk.hole > 0n) await this.#session.packets.packet(this.#packets.hole(chunk.hole));
    } else {
      this.#count(BigInt(chunk.length));
      for (let at = 0; at < chunk.length; at += PACKET_SIZE) {
        if (this.#failure !== undefined) throw this.#failure;
        await this.#session.packets.packet(this.#packets.data(chunk.subarray(at, at + PACKET_SIZE)));
      }
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Refuses what is more than the daemon takes, before a byte of it is sent. */
  #count(bytes: bigint): void {
    const { atMost } = this.#bounds;
    if (atMost !== undefined && this.#written + bytes > atMost)
      throw this.#invalid(`takes ${atMost} bytes, as its call says, and not ${this.#written + bytes}`);
    this.#written += bytes;
  }

  /** Says that all was sent and waits until the daemon has stored it. */
  async #finish(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#state === 'over') return;
    const confirmed = new Promise<void>((resolve, reject) => {
      [this.#confirm, this.#refuse] = [resolve, reject];
    });
    this.#sayFinished();
    await confirmed;
  }

  #sayFinished(): void {
    if (this.#state !== 'open') return;
    this.#state = 'finishing';
    void this.#session.packets.packet(this.#packets.finish());
  }

  #end(error?: unknown): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#forgetSignal();
    if (error === undefined) {
      this.#confirm?.();
      closeReader(this.#reader);
    } else {
      this.#failure = error;
      this.#refuse?.(error);
      this.#reader?.error(error);
      this.#failWriting(error);
    }
    // What still comes is read and left, so that the socket closes in order.
    this.#session.packets.resume();
    void this.#session.close();
  }

  #closed(): LibvirtCanonicalError {
    return new LibvirtCanonicalError('CONNECTION_CLOSED', `the stream of ${this.#call.name} was closed`);
  }

  #invalid(what: string): LibvirtCanonicalError {
    return new LibvirtCanonicalError('ARGUMENT_INVALID', `the stream of ${this.#call.name} ${what}`, { path: 'chunk' });
  }
}

/** One that was cancelled is closed already. */
function closeReader(reader: ReadableStreamDefaultController<StreamChunk> | undefined): void {
  try {
    reader?.close();
  } catch {}
}
