import { LibvirtCanonicalError } from '../../errors.js';
import { connectSession } from './autostart.js';
import { connectUnix, systemCode } from './connect-unix.js';
import type { Environment } from './environment.js';
import { DAEMON_HANGS, type Dial } from './link.js';
import { chooseSocket, type SocketChoice } from './sockets.js';
import type { ConnectionUri } from './uri.js';

/** Opens links to a socket of this machine; which one is chosen anew each time. Throws URI_INVALID. */
export function unixDial(uri: ConnectionUri, readonly: boolean, environment: Environment): Dial {
  chooseSocket(uri, readonly, environment);
  return async (signal) => {
    const choice = chooseSocket(uri, readonly, environment);
    const connecting = choice.session ? connectSession(choice, environment, signal) : connectUnix(choice.path, signal);
    const stream = await connecting.catch((error: unknown) => {
      throw error instanceof LibvirtCanonicalError ? error : unreachable(choice, error);
    });
    // A modular daemon knows no other driver than its own, but the monolithic one has to be told.
    const name = uri.name || (choice.daemon === 'virtqemud' ? `qemu:///${choice.session ? 'session' : 'system'}` : '');
    return { stream, where: choice.path, name, protection: 'local', ifSilent: DAEMON_HANGS };
  };
}

/** DAEMON_UNREACHABLE, with the socket, the reason and what to do. */
export function unreachable(choice: SocketChoice, error: unknown): LibvirtCanonicalError {
  const reason = systemCode(error);
  const { text, remedy } = REASONS[reason] ?? { text: `(${reason || String(error)})`, remedy: startDaemon };
  return new LibvirtCanonicalError('DAEMON_UNREACHABLE', `no libvirt daemon reached at ${choice.path}: ${text}`, {
    cause: error,
    remedy: remedy(choice),
  });
}

const startDaemon = ({ daemon, session }: SocketChoice): string => {
  if (daemon === '') return 'Check the path, and that a libvirt daemon listens there';
  if (session) return `Start it: ${daemon} --daemon (or install libvirt's QEMU driver)`;
  if (daemon === 'libvirtd')
    return 'Start it: systemctl start virtqemud.socket, or libvirtd.socket where libvirt is monolithic';
  return `Start it: systemctl start ${daemon}.socket`;
};

const mayNot = ({ daemon }: SocketChoice): string =>
  daemon === ''
    ? 'Run as the user of that daemon'
    : "Add this user to the group 'libvirt', allow it in polkit, or use qemu:///session";

const REASONS: Record<string, { readonly text: string; remedy(choice: SocketChoice): string }> = {
  ENOENT: { text: 'there is no such socket', remedy: startDaemon },
  ECONNREFUSED: { text: 'nobody listens on the socket', remedy: startDaemon },
  ENOTSOCK: { text: 'it is not a socket', remedy: () => 'Check the path' },
  EACCES: { text: 'permission denied', remedy: mayNot },
  EPERM: { text: 'permission denied', remedy: mayNot },
};
