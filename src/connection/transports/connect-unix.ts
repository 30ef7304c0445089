import { createConnection, type Socket } from 'node:net';
import { awaitSocket } from './await-socket.js';

/** Connects to a unix socket. Rejects with the system's own error, or ABORTED. */
export function connectUnix(path: string, signal?: AbortSignal): Promise<Socket> {
  const socket = createConnection({ path });
  return awaitSocket(socket, (ready) => socket.once('connect', ready), { signal });
}

/** The system's error code, e.g. ENOENT. */
export const systemCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
