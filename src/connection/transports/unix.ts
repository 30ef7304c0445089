import { createConnection, type Socket } from 'node:net';
import { AbortedError, LibvirtCanonicalError } from '../../errors.js';
import type { SocketChoice } from './sockets.js';

/** Connects to a unix socket. Rejects with the system's own error, or ABORTED. */
export function connectUnix(path: string, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new AbortedError('connecting', signal.reason));
    const socket = createConnection({ path });
    const settle = (finish: () => void): void => {
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      socket.off('connect', onConnect);
      finish();
    };
    const onConnect = () => settle(() => resolve(socket));
    const onError = (error: Error) => settle(() => reject(error));
    const onAbort = () =>
      settle(() => {
        socket.destroy();
        reject(new AbortedError('connecting', signal?.reason));
      });
    socket.once('connect', onConnect);
    socket.once('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The system's error code, e.g. ENOENT. */
export const systemCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

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
