import { type Environment, userRuntimeDirectory } from './transports/environment.js';
import type { ConnectionUri } from './transports/uri.js';

/** The sockets of libvirt's daemons; one elsewhere may lead to another machine or another set of directories. */
const DAEMON_SOCKET = /^(libvirt|virtqemud)-sock(-ro)?$/;

/**
 * Where the daemon at a URI keeps the logs of its domains; undefined unless it is a daemon of this machine with libvirt's
 * own directories, that of the system or of this user.
 */
export function logDirectoryOf(
  { transport, path, driver, socket }: ConnectionUri,
  environment: Environment,
): string | undefined {
  if (transport !== 'unix') return undefined;
  const { root, home, variables, systemRuntime } = environment;
  const at = socket?.lastIndexOf('/') ?? 0;
  if (socket !== undefined && !DAEMON_SOCKET.test(socket.slice(at + 1))) return undefined;
  const folder = socket?.slice(0, at);
  const session =
    folder === undefined ? path === '/session' || driver === '' : folder === userRuntimeDirectory(environment);
  if (session && !root) return `${variables.XDG_CACHE_HOME || `${home}/.cache`}/libvirt/qemu/log`;
  const system =
    folder === undefined || folder === `${systemRuntime}/libvirt` || folder === `/var${systemRuntime}/libvirt`;
  return system ? '/var/log/libvirt/qemu' : undefined;
}
