import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AnyProcedure, encodeCall, type ProcedureArgs, procedureOf } from '../../src/connection/procedures.js';
import { FrameReader } from '../../src/connection/wire/framing.js';
import { MessageType, readMessage, setSerial } from '../../src/connection/wire/message.js';
import { argsOfCall, nameOfCall, replyFrame } from './calls.js';

/** What is done to one call on its way to the daemon. */
export type Tampering<P extends AnyProcedure = AnyProcedure> =
  /** Other arguments. */
  | { readonly args: ProcedureArgs<P> }
  /** A call that nobody made goes first, and its reply to nobody. */
  | { readonly first: { readonly [Q in AnyProcedure]: readonly [Q, ProcedureArgs<Q>] }[AnyProcedure] }
  /** The daemon never sees it, and the client is told that it succeeded. */
  | 'nothing'
  /** The daemon sees it, the client loses its connection instead of the reply. */
  | 'reply lost';

/** Serials of calls that nobody made. */
const OWN_SERIAL = 0x7f000000;

/**
 * Stands between a client and a real daemon, socket to socket, and changes calls on their way. The library believes that it
 * said one thing, the daemon heard another: whatever the library promises to verify, it must notice.
 */
export class TamperingProxy implements AsyncDisposable {
  readonly uri: string;
  /** Calls that were tampered with. */
  tampered = 0;
  readonly #target: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'lvc-tp-'));
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #tamper = new Map<AnyProcedure, (args: never) => Tampering | undefined>();

  private constructor(uri: string) {
    const target = new URL(uri).searchParams.get('socket');
    if (!target) throw new Error(`${uri} names no socket`);
    this.#target = target;
    this.uri = uri.replace(/socket=.*/, `socket=${this.#directory}/s`);
    this.#server = createServer((client) => this.#serve(client));
  }

  static async start(uri: string): Promise<TamperingProxy> {
    const proxy = new TamperingProxy(uri);
    await new Promise<void>((resolve) => proxy.#server.listen(join(proxy.#directory, 's'), resolve));
    return proxy;
  }

  /** From here on `how` decides about each call of the procedure; undefined lets it pass. */
  with<P extends AnyProcedure>(procedure: P, how: (args: ProcedureArgs<P>) => Tampering<P> | undefined): void {
    this.#tamper.set(procedure, how as (args: never) => Tampering | undefined);
  }

  /** Lets everything pass again. */
  clear(): void {
    this.#tamper.clear();
    this.tampered = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#directory, { recursive: true });
  }

  #serve(client: Socket): void {
    const daemon = connect(this.#target);
    const cut = (): void => {
      client.destroy();
      daemon.destroy();
    };
    for (const socket of [client, daemon]) {
      this.#sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    /** Frames that wait for the reply of a call that nobody made, by its serial. */
    const held = new Map<number, Buffer>();
    const lost = new Set<number>();
    let own = OWN_SERIAL;
    const toDaemon = new FrameReader((frame) => {
      const message = readMessage(frame);
      const { serial } = message;
      const name = nameOfCall(message);
      const how = name && this.#tamper.get(name);
      const tampering = how?.(argsOfCall(name as AnyProcedure, message) as never);
      if (tampering === undefined) {
        daemon.write(frame);
        return;
      }
      this.tampered++;
      if (tampering === 'nothing') client.write(replyFrame(message));
      else if (tampering === 'reply lost') {
        lost.add(serial);
        daemon.write(frame);
      } else if ('first' in tampering) {
        const [other, args] = tampering.first;
        held.set(++own, Buffer.from(frame));
        daemon.write(encoded(other, args, own));
      } else daemon.write(encoded(name as AnyProcedure, tampering.args, serial));
    });
    const toClient = new FrameReader((frame) => {
      const { type, serial } = readMessage(frame);
      const waiting = type === MessageType.REPLY ? held.get(serial) : undefined;
      if (type === MessageType.REPLY && lost.has(serial)) cut();
      else if (waiting) {
        held.delete(serial);
        daemon.write(waiting);
      } else client.write(frame);
    });
    client.on('data', (chunk) => {
      if (!daemon.destroyed) toDaemon.push(chunk);
    });
    daemon.on('data', (chunk) => {
      if (!client.destroyed) toClient.push(chunk);
    });
  }
}

function encoded(name: AnyProcedure, args: unknown, serial: number): Buffer {
  const frame = encodeCall(procedureOf(name), args);
  setSerial(frame, serial);
  return frame;
}
