import { LibvirtCanonicalError } from '../errors.js';
import { CallNumbers } from './caller.js';
import { type Connection, createConnection } from './connection.js';
import { logDirectoryOf } from './log-directory.js';
import { openSession } from './open.js';
import { type ConnectOptions, resolveOptions } from './options.js';
import { type Open, Succession } from './succession.js';
import { connectSession } from './transports/autostart.js';
import { resolveUri } from './transports/default-uri.js';
import { type Environment, processEnvironment } from './transports/environment.js';
import { chooseSocket } from './transports/sockets.js';
import { connectUnix, unreachable } from './transports/unix.js';
import { parseUri, shownUri } from './transports/uri.js';

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
  if (parsed.transport !== 'unix') {
    throw new LibvirtCanonicalError(
      'UNSUPPORTED',
      `the transport ${parsed.transport} of '${shownUri(parsed.text)}' is not built yet`,
      {
        remedy:
          "Connect over a unix socket; one of another machine can be forwarded with 'ssh -L /local.sock:/run/libvirt/libvirt-sock'",
      },
    );
  }
  const numbers = new CallNumbers();
  const open: Open = async (signal) => {
    const choice = chooseSocket(parsed, resolved.readonly, environment);
    const connecting = choice.session ? connectSession(choice, environment, signal) : connectUnix(choice.path, signal);
    const socket = await connecting.catch((error: unknown) => {
      throw error instanceof LibvirtCanonicalError ? error : unreachable(choice, error);
    });
    // A modular daemon knows no other driver than its own, but the monolithic one has to be told.
    const name =
      parsed.name || (choice.daemon === 'virtqemud' ? `qemu:///${choice.session ? 'session' : 'system'}` : '');
    const target = { uri: parsed.text || name, name, where: choice.path };
    return openSession(socket, target, { ...resolved, signal }, numbers);
  };
  const first = await open(resolved.signal);
  return createConnection(new Succession(first, open, resolved, numbers), {
    redefine: resolved.redefine,
    id: numbers.connection,
    logDirectory: resolved.logDirectory ?? logDirectoryOf(parsed, environment),
    another: (other) => connectIn(environment, uri, { ...options, signal: undefined, ...other }),
  });
}
