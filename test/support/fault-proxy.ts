import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AnyProcedure, procedureOf } from '../../src/connection/procedures.js';
import { FrameReader } from '../../src/connection/wire/framing.js';
import { MessageType, Program, readMessage } from '../../src/connection/wire/message.js';

/** What can go wrong around one call, or with all events. */
export const FAULTS = [
  'cut before the request',
  'cut after the request',
  'reply lost',
  'cut after the reply',
  'request delayed',
  'reply delayed',
  'reply truncated',
  'length oversized',
  'garbage',
  'daemon killed before the request',
  'daemon killed after the request',
  'daemon killed before the reply',
  'events duplicated',
  'events reordered',
] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** Which call since the fault was armed, from 1; of no meaning to faults of events. */
  readonly at: number;
  /** Counts only calls of this procedure of libvirt's remote program. */
  readonly of?: AnyProcedure;
}

const DELAY = 30;
/** An event waits so long for a later one to be sent before it. */
const REORDER = 15;

/**
 * Stands between a client and a real daemon, socket to socket, and makes one fault happen, at a call told by its number.
 * What was sent by then is as real as ever: the daemon has had the request, or not, as the kind says.
 */
export class FaultProxy implements AsyncDisposable {
  readonly uri: string;
  /** Of its socket. */
  readonly path: string;
  readonly #target: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'lvc-px-'));
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Kills the daemon and starts it again. */
  readonly #kill: () => Promise<void>;
  #fault: Fault | undefined;
  #calls = 0;
  #happened = false;
  #killing: Promise<void> | undefined;

  private constructor(uri: string, kill: () => Promise<void>) {
    const target = new URL(uri).searchParams.get('socket');
    if (!target) throw new Error(`${uri} names no socket`);
    this.#target = target;
    this.#kill = kill;
    // The user of a private host's sshd is another one.
    chmodSync(this.#directory, 0o755);
    this.path = join(this.#directory, 's');
    this.uri = uri.replace(/socket=.*/, `socket=${this.path}`);
    this.#server = createServer((client) => this.#serve(client));
  }

  static async start(uri: string, kill: () => Promise<void>): Promise<FaultProxy> {
    const proxy = new FaultProxy(uri, kill);
    await new Promise<void>((resolve) => proxy.#server.listen({ path: proxy.path, writableAll: true }, resolve));
    return proxy;
  }

  /** Counts calls from here on, and makes the fault happen at the one it names. */
  arm(fault: Fault | undefined): void {
    this.#fault = fault;
    this.#calls = 0;
    this.#happened = false;
  }

  /** Ends the fault; tells how many calls there were and whether it happened. A daemon that was killed runs again. */
  async disarm(): Promise<{ readonly calls: number; readonly happened: boolean }> {
    const result = { calls: this.#calls, happened: this.#happened };
    this.#fault = undefined;
    await this.#killing;
    return result;
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
    /** The serial of the call whose reply the fault is about. */
    let marked: number | undefined;
    let held: Buffer | undefined;

    const toDaemon = new FrameReader((frame) => {
      const { type, serial, program, procedure } = readMessage(frame);
      const kind = type === MessageType.CALL && program !== Program.KEEPALIVE ? this.#next(procedure) : undefined;
      if (kind) marked = serial;
      if (kind === 'cut before the request') cut();
      else if (kind === 'request delayed') setTimeout(() => daemon.write(frame), DELAY);
      else if (kind === 'daemon killed before the request') this.#restart();
      else if (kind === 'cut after the request') {
        // Only what is written before the end is the daemon's to read.
        client.destroy();
        daemon.end(frame);
      } else daemon.write(frame);
      if (kind === 'daemon killed after the request') this.#restart();
    });
    const toClient = new FrameReader((frame) => {
      const { type, serial, program } = readMessage(frame);
      if (type === MessageType.REPLY && serial === marked) {
        marked = undefined;
        this.#reply(frame, client, cut);
      } else if (
        type === MessageType.MESSAGE &&
        program !== Program.KEEPALIVE &&
        this.#fault?.kind === 'events duplicated'
      ) {
        this.#happened = true;
        client.write(Buffer.concat([frame, frame]));
      } else if (
        type === MessageType.MESSAGE &&
        program !== Program.KEEPALIVE &&
        this.#fault?.kind === 'events reordered'
      ) {
        this.#happened = true;
        const earlier = held;
        held = earlier ? undefined : frame;
        if (earlier) client.write(Buffer.concat([frame, earlier]));
        else
          setTimeout(() => {
            if (held === frame) client.write(frame);
            if (held === frame) held = undefined;
          }, REORDER);
      } else client.write(frame);
    });
    client.on('data', (chunk) => {
      if (!daemon.destroyed) toDaemon.push(chunk);
    });
    daemon.on('data', (chunk) => {
      if (!client.destroyed) toClient.push(chunk);
    });
  }

  /** The fault that this call meets. */
  #next(procedure: number): FaultKind | undefined {
    if (!this.#fault || this.#fault.kind.startsWith('events')) return undefined;
    if (this.#fault.of !== undefined && procedureOf(this.#fault.of).number !== procedure) return undefined;
    if (++this.#calls !== this.#fault.at) return undefined;
    this.#happened = true;
    return this.#fault.kind;
  }

  #reply(frame: Buffer, client: Socket, cut: () => void): void {
    switch (this.#fault?.kind) {
      case 'reply lost':
        cut();
        return;
      case 'cut after the reply':
        client.write(frame, () => cut());
        return;
      case 'reply delayed':
        setTimeout(() => client.write(frame), DELAY);
        return;
      case 'reply truncated':
        client.write(frame.subarray(0, Math.max(5, frame.length >> 1)), () => cut());
        return;
      case 'length oversized':
        client.write(Buffer.concat([Buffer.from([0x7f, 0xff, 0xff, 0xff]), frame.subarray(4)]));
        return;
      case 'garbage':
        client.write(Buffer.from(frame.map((byte, at) => byte ^ (at * 167 + 13))));
        return;
      case 'daemon killed before the reply':
        this.#restart();
        return;
      default:
        client.write(frame);
    }
  }

  #restart(): void {
    this.#killing = this.#kill();
  }
}
