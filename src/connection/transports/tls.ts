import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type SecureVersion, type TLSSocket } from 'node:tls';
import { LibvirtCanonicalError } from '../../errors.js';
import { awaitSocket } from './await-socket.js';
import type { Environment } from './environment.js';
import { DAEMON_HANGS, type Dial } from './link.js';
import { networkError } from './network-errors.js';
import { type Pki, readPki } from './pki.js';
import { certificateRefused, tlsError } from './tls-errors.js';
import { type ConnectionUri, isSet } from './uri.js';

/** Port of libvirt's daemons for TLS. */
const PORT = 16_514;
/** What the daemon sends when it has accepted our certificate. */
const ACCEPTED = 1;

/** Opens links over TLS, with libvirt's certificates, which are read anew for each. Throws URI_INVALID and UNSUPPORTED. */
export function tlsDial(uri: ConnectionUri, environment: Environment, timeout: number): Dial {
  const { host, port = PORT } = uri;
  const where = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const versions = tlsVersions(uri);
  const unverified = isSet(uri, 'no_verify');
  return async (signal) => {
    const pki = readPki(uri, environment);
    const socket = secureSocket({ ...optionsOf(pki), ...versions, host, port, rejectUnauthorized: !unverified }, pki);
    try {
      await awaitSocket(socket, (accepted, failed) => awaitAcceptance(socket, accepted, failed), {
        signal,
        timeout,
        where,
      });
    } catch (error) {
      if (error === REFUSED) throw certificateRefused(where, pki);
      throw error instanceof LibvirtCanonicalError
        ? error
        : (networkError(error, where) ?? tlsError(error, where, pki));
    }
    const protection = unverified ? 'tls-unverified' : 'tls';
    return { stream: socket, where, name: uri.name, protection, ifSilent: DAEMON_HANGS };
  };
}

const REFUSED = new Error('the daemon closed the connection in the place of its answer to our certificate');

function optionsOf({ ca, crl, client }: Pki): ConnectionOptions {
  return {
    ...(ca && { ca: ca.pem }),
    ...(crl && { crl: crl.pem }),
    ...(client && { cert: client.cert.pem, key: client.key.pem }),
  };
}

function secureSocket(options: ConnectionOptions, pki: Pki): TLSSocket {
  const { host = '' } = options;
  try {
    // An address is no server name; Node then compares the certificate with the address.
    return connect({ ...options, ...(isIP(host) ? {} : { servername: host }) }).setNoDelay();
  } catch (error) {
    throw tlsError(error, host, pki);
  }
}

/** The daemon's word comes in a record of its own after the handshake, before anything else. */
function awaitAcceptance(socket: TLSSocket, accepted: () => void, failed: (error: Error) => void): void {
  const settle = (finish: () => void): void => {
    socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd);
    finish();
  };
  const onReadable = (): void => {
    const word = socket.read(1) as Buffer | null;
    if (word === null) return;
    settle(() => (word[0] === ACCEPTED ? accepted() : failed(REFUSED)));
  };
  const onEnd = (): void => settle(() => failed(REFUSED));
  socket.on('readable', onReadable);
  // An end before the handshake is over is no word about our certificate, and an error of the socket's own.
  socket.once('secureConnect', () => socket.once('end', onEnd).once('close', onEnd));
}

/** The versions of TLS that the terms of `tls_priority` leave, a setting of GnuTLS that does not translate otherwise. */
function tlsVersions({ parameters, text }: ConnectionUri): { minVersion: SecureVersion; maxVersion: SecureVersion } {
  const [first, ...terms] = (parameters.get('tls_priority') ?? 'NORMAL').split(':');
  const allowed = new Set(['1.2', '1.3']);
  for (const term of first === 'NORMAL' ? terms : ['']) {
    const [, sign, version = ''] = /^([+-])VERS-(?:TLS(1\.[0-3])|TLS-ALL|ALL)$/.exec(term) ?? [];
    const concerned = version ? [version] : ['1.2', '1.3'];
    if (!sign) throw unsupportedPriority(text);
    for (const each of concerned)
      if (sign === '-') allowed.delete(each);
      else if (each >= '1.2') allowed.add(each);
  }
  const [minimum, maximum = minimum] = [...allowed].sort();
  if (!minimum) throw unsupportedPriority(text);
  return { minVersion: `TLSv${minimum}` as SecureVersion, maxVersion: `TLSv${maximum}` as SecureVersion };
}

const unsupportedPriority = (text: string): LibvirtCanonicalError =>
  new LibvirtCanonicalError('UNSUPPORTED', `'${text}' has a tls_priority that only GnuTLS understands`, {
    remedy: 'Leave it out, or allow and forbid versions from 1.2 on: NORMAL:-VERS-TLS1.2',
  });
