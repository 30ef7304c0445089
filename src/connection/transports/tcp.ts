import { createConnection, isIP } from 'node:net';
import { LibvirtCanonicalError } from '../../errors.js';
import { awaitSocket } from './await-socket.js';
import { DAEMON_HANGS, type Dial } from './link.js';
import { networkError } from './network-errors.js';
import type { ConnectionUri } from './uri.js';

/** Port of libvirt's daemons for TCP. */
const PORT = 16_509;

/**
 * Opens links over plain TCP: anybody on the way reads and changes all of it, secrets of domains included. Throws
 * UNSUPPORTED unless the caller allowed it by name.
 */
export function tcpDial(uri: ConnectionUri, insecure: 'refuse' | 'allow', timeout: number): Dial {
  if (insecure !== 'allow') {
    throw new LibvirtCanonicalError('UNSUPPORTED', `'${uri.text}' is neither encrypted nor authenticated`, {
      remedy: "Use qemu+tls:// or qemu+ssh://, or allow it by name: connect(uri, { insecure: 'allow' })",
    });
  }
  const { host, port = PORT } = uri;
  const where = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  return async (signal) => {
    const socket = createConnection({ host, port, noDelay: true });
    const waiting = awaitSocket(socket, (ready) => socket.once('connect', ready), { signal, timeout, where });
    const stream = await waiting.catch((error: unknown) => {
      throw error instanceof LibvirtCanonicalError ? error : (networkError(error, where) ?? error);
    });
    return { stream, where, name: uri.name, protection: 'none', ifSilent: DAEMON_HANGS };
  };
}
