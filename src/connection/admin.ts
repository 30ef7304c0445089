import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LibvirtCanonicalError } from '../errors.js';
import { Caller, type CallNumbers, type CallOptions, type PreparedCall } from './caller.js';
import { ConnectionLostError, LibvirtError } from './errors.js';
import { ignore } from './handled-rejection.js';
import type { ResolvedOptions } from './options.js';
import type { AnyProcedure, ProcedureResult } from './procedures.js';
import { Rpc } from './rpc.js';
import { connectUnix, systemCode } from './transports/connect-unix.js';
import type { Environment } from './transports/environment.js';
import { chooseSocket } from './transports/sockets.js';
import type { ConnectionUri } from './transports/uri.js';

/** A socket on which the admin program was opened. */
interface OpenSocket {
  readonly rpc: Rpc;
  readonly caller: Caller;
}

/**
 * The way to the daemon's admin program, which has a socket of its own beside the main one and serves only the user whom
 * the daemon runs as. Opened by the first call, and again by the next one after a loss. No call is repeated.
 */
export class AdminSocket {
  readonly #path: () => string;
  readonly #options: ResolvedOptions;
  readonly #numbers: CallNumbers;
  #opening: Promise<OpenSocket> | undefined;
  #open: OpenSocket | undefined;
  #ended = false;

  /** @param path where the socket is; throws UNSUPPORTED when the daemon is on another machine */
  constructor(path: () => string, options: ResolvedOptions, numbers: CallNumbers) {
    this.#path = path;
    this.#options = options;
    this.#numbers = numbers;
  }

  async call<P extends AnyProcedure>(call: PreparedCall<P>, options: CallOptions): Promise<ProcedureResult<P>> {
    if (this.#options.readonly && call.procedure.access === 'write') {
      throw new LibvirtCanonicalError('UNSUPPORTED', `${call.name} was not sent: the connection is read-only`, {
        remedy: 'Connect without readonly',
      });
    }
    const { caller } = await this.#socket();
    return caller.send(call, options);
  }

  /** Closes the socket; calls under way end with CONNECTION_LOST. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#opening?.catch(ignore);
    this.#open?.rpc.end({ reason: 'client' });
    await this.#open?.rpc.released;
  }

  #socket(): Promise<OpenSocket> {
    if (this.#ended) throw new LibvirtCanonicalError('CONNECTION_CLOSED', 'the connection has been closed');
    if (this.#open && !this.#open.rpc.closed) return Promise.resolve(this.#open);
    this.#opening ??= this.#dial().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #dial(): Promise<OpenSocket> {
    const path = this.#path();
    const stream = await connectUnix(path, undefined).catch((error: unknown) => {
      throw unreachable(path, systemCode(error) || String(error), error);
    });
    const rpc = new Rpc(stream, { maxInFlight: this.#options.maxInFlight, onMessage: ignore, onClosed: ignore });
    const caller = new Caller(rpc, this.#options.callTimeout, this.#numbers);
    try {
      await caller.call('ADMIN_CONNECT_OPEN', { flags: 0 });
    } catch (error) {
      rpc.end({ reason: 'client' });
      throw error instanceof ConnectionLostError ? unreachable(path, 'it hung up', error) : error;
    }
    this.#open = { rpc, caller };
    return this.#open;
  }
}

function unreachable(path: string, why: string, cause: unknown): LibvirtCanonicalError {
  return new LibvirtCanonicalError('DAEMON_UNREACHABLE', `the daemon's admin socket ${path} cannot be used: ${why}`, {
    cause,
    remedy:
      why === 'ENOENT'
        ? 'Start it: systemctl start libvirtd-admin.socket, or virtqemud-admin.socket'
        : 'It serves only the user whom the daemon runs as: run as that user',
  });
}

/**
 * The admin socket beside the one that a URI leads to: `libvirt-admin-sock` beside `libvirt-sock`. On a host of modular daemons
 * that socket is virtproxyd's, which hands calls on: there it is the admin socket of the driver's own daemon, whose limits they
 * meet. UNSUPPORTED elsewhere.
 */
export function adminSocketOf(
  uri: ConnectionUri,
  environment: Environment,
  exists: (path: string) => boolean = existsSync,
): string {
  const path = uri.transport === 'unix' ? chooseSocket(uri, false, environment, exists).path : '';
  const [, daemon] = /([^/]+)-sock(?:-ro)?$/.exec(path) ?? [];
  if (daemon) {
    const [own, modular] = [daemon, `virt${uri.driver || 'qemu'}d`].map((name) =>
      join(dirname(path), `${name}-admin-sock`),
    ) as [string, string];
    return daemon === 'libvirt' && !exists(own) && exists(modular) ? modular : own;
  }
  throw new LibvirtCanonicalError('UNSUPPORTED', `there is no way to the admin socket of ${uri.text || 'the daemon'}`, {
    remedy: 'Connect to the unix socket of the daemon, on its own machine',
  });
}

/** Whether a call goes to the admin socket. */
export const isAdmin = (procedure: string): boolean => procedure.startsWith('ADMIN_');

/** Whether an error says that there is no admin socket for this process, and not that the daemon refused a call. */
export const isNoAdmin = (error: unknown): boolean =>
  error instanceof LibvirtCanonicalError &&
  !(error instanceof LibvirtError) &&
  (error.code === 'DAEMON_UNREACHABLE' || error.code === 'UNSUPPORTED');
