import { AdminSocket, adminSocketOf } from './admin.js';
import { CallNumbers } from './caller.js';
import { checkConnect } from './check-options.js';
import { type Connection, createConnection } from './connection.js';
import { logDirectoryOf } from './log-directory.js';
import { openSession } from './open.js';
import { type ConnectOptions, resolveOptions } from './options.js';
import { type Open, ReconnectingSession } from './reconnecting-session.js';
import { resolveUri } from './transports/default-uri.js';
import { dialOf } from './transports/dial.js';
import { type Environment, processEnvironment } from './transports/environment.js';
import { parseUri } from './transports/uri.js';

/**
 * Connects to a libvirt daemon.
 *
 * @param uri `qemu:///system`, `qemu:///session` (its daemon is started if it does not run), a socket of your own,
 *   `qemu+unix:///session?socket=PATH`, or another machine: `qemu+ssh://[user@]host/system`, `qemu+tls://host/system`.
 *   Default: LIBVIRT_DEFAULT_URI, then `uri_default` of libvirt.conf, then the system daemon for root and the session
 *   daemon for others. Aliases of libvirt.conf are understood. docs/several-hosts.md has all parameters.
 *
 * Throws before anything is tried: URI_INVALID; UNSUPPORTED for drivers other than QEMU's, and for `qemu+tcp://` unless
 * `insecure` allows it. Then DAEMON_UNREACHABLE, and AUTHENTICATION_FAILED for polkit, SASL, ssh and certificates, each
 * saying what to do; UNSUPPORTED where both sides have no SASL mechanism in common; ABORTED; LibvirtError if the daemon
 * refuses to open. virConnectOpenAuth.
 *
 * @example
 * await using connection = await connect('qemu+ssh://ops@node1/system');
 * console.log(connection.libvirtVersion);
 */
export async function connect(uri?: string, options: ConnectOptions = {}): Promise<Connection> {
  return connectIn(processEnvironment(), uri, options);
}

/** {@link connect} with an environment of the caller's choice. */
export async function connectIn(
  environment: Environment,
  uri?: string,
  options: ConnectOptions = {},
): Promise<Connection> {
  checkConnect(uri, options);
  const resolved = resolveOptions(options);
  const parsed = parseUri(resolveUri(uri, environment));
  const dial = dialOf(parsed, resolved, environment);
  const numbers = new CallNumbers();
  const open: Open = async (signal, use) =>
    openSession({
      link: await dial(signal),
      options: { ...resolved, signal, ...(use === 'stream' && { keepAlive: undefined }) },
      numbers,
      uri: parsed,
      environment,
      callback: resolved.credentials,
    });
  const first = await open(resolved.signal);
  return createConnection(new ReconnectingSession(first, open, resolved, numbers), {
    redefine: resolved.redefine,
    id: numbers.connection,
    logDirectory: resolved.logDirectory ?? logDirectoryOf(parsed, environment),
    admin: new AdminSocket(() => adminSocketOf(parsed, environment), resolved, numbers),
    another: (other) => connectIn(environment, uri, { ...options, signal: undefined, ...other }),
  });
}
