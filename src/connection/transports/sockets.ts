import { existsSync } from 'node:fs';
import { LibvirtCanonicalError } from '../../errors.js';
import { type Environment, userRuntimeDirectory } from './environment.js';
import type { ConnectionUri } from './uri.js';

/** Longest socket path the kernel takes; Node cuts longer ones off without a word. */
const SOCKET_PATH_MAX = 107;

/** A socket to connect to. */
export interface SocketChoice {
  readonly path: string;
  /** The daemon that should listen there, e.g. `virtqemud`; '' if the caller named the path. */
  readonly daemon: string;
  /** Whether it is the user's own daemon, which is started when it does not run. */
  readonly session: boolean;
}

/**
 * Chooses the socket as libvirt's own client does: the one named, else the modular daemon's if it is there, else the
 * monolithic one's. Throws URI_INVALID for a path too long, and for root with /session.
 */
export function chooseSocket(
  uri: ConnectionUri,
  readonly: boolean,
  environment: Environment,
  exists: (path: string) => boolean = existsSync,
): SocketChoice {
  if (uri.socket !== undefined) return checked({ path: uri.socket, daemon: '', session: false });
  const session = !environment.root && (uri.path === '/session' || uri.driver === '');
  if (environment.root && uri.path === '/session') {
    throw new LibvirtCanonicalError('URI_INVALID', `root has no session daemon for '${uri.text}'`, {
      remedy: 'Connect to qemu:///system, or name a socket: qemu+unix:///session?socket=PATH',
    });
  }
  const directory = session ? userRuntimeDirectory(environment) : `${environment.systemRuntime}/libvirt`;
  const suffix = readonly && !session ? '-sock-ro' : '-sock';
  const legacy = { path: `${directory}/libvirt${suffix}`, daemon: 'libvirtd', session };
  if (uri.mode === 'legacy') return checked(legacy);
  const driver = uri.driver || 'qemu';
  const direct = { path: `${directory}/virt${driver}d${suffix}`, daemon: `virt${driver}d`, session };
  return checked(uri.mode === 'direct' || exists(direct.path) ? direct : legacy);
}

function checked(choice: SocketChoice): SocketChoice {
  const length = Buffer.byteLength(choice.path);
  if (length > SOCKET_PATH_MAX) {
    throw new LibvirtCanonicalError(
      'URI_INVALID',
      `the socket path ${choice.path} has ${length} bytes, more than ${SOCKET_PATH_MAX}`,
      {
        remedy: 'Use a shorter directory',
      },
    );
  }
  return choice;
}
