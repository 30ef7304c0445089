import { CallNumbers } from './caller.js';
import { type Connection, createConnection } from './connection.js';
import { logDirectoryOf } from './log-directory.js';
import { openSession } from './open.js';
import { type ConnectOptions, resolveOptions } from './options.js';
import { type Open, Succession } from './succession.js';
import { resolveUri } from './transports/default-uri.js';
import { dialOf } from './transports/dial.js';
import { type Environment, processEnvironment } from './transports/environment.js';
import { parseUri } from './transports/uri.js';

/**
 * Connects to a libvirt daemon.
 *
 * @param uri `qemu:///system`, `qemu:///session` (its daemon is started if it does not run), or a socket of your own,
 *   `qemu+unix:///session?socket=PATH`. Default: LIBVIRT_DEFAULT_URI, then `uri_default` of libvirt.conf, then the
 *   system daemon for root and the session daemon for others. Aliases of libvirt.conf are understood.
 *
 * Throws URI_INVALID; UNSUPPORTED for transports other than unix sockets and for SASL; DAEMON_UNREACHABLE,
 * AUTHENTICATION_FAILED, each saying what to do; ABORTED; LibvirtError if the daemon refuses to open. virConnectOpenAuth.
 *
 * @example
 * await using connection = await connect('qemu:///system');
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
  const resolved = resolveOptions(options);
  const parsed = parseUri(resolveUri(uri, environment));
  const dial = dialOf(parsed, resolved, environment);
  const numbers = new CallNumbers();
  const open: Open = async (signal) =>
    openSession({
      link: await dial(signal),
      options: { ...resolved, signal },
      numbers,
      uri: parsed,
      environment,
      callback: resolved.credentials,
    });
  const first = await open(resolved.signal);
  return createConnection(new Succession(first, open, resolved, numbers), {
    redefine: resolved.redefine,
    id: numbers.connection,
    logDirectory: resolved.logDirectory ?? logDirectoryOf(parsed, environment),
  });
}
