import type { Socket } from 'node:net';
import { AbortedError, LibvirtCanonicalError } from '../../errors.js';
import { onAbort } from '../on-abort.js';

export interface Waiting {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds; 0 or Infinity for none. */
  readonly timeout?: number;
  /** What is waited for, for the message of a timeout. */
  readonly where?: string;
}

/**
 * Waits until a socket is ready, as `arm` reports it. Rejects with the socket's own error, with ABORTED, and with
 * DAEMON_UNREACHABLE when the time is over; then the socket is destroyed.
 */
export function awaitSocket<S extends Socket>(
  socket: S,
  arm: (ready: () => void, failed: (error: Error) => void) => void,
  { signal, timeout = 0, where = '' }: Waiting,
): Promise<S> {
  return new Promise((resolve, reject) => {
    let forgetSignal = (): void => {};
    const timer =
      timeout > 0 && Number.isFinite(timeout)
        ? setTimeout(() => {
            fail(
              new LibvirtCanonicalError('DAEMON_UNREACHABLE', `${where} did not answer within ${timeout} ms`, {
                remedy: 'Check the host and the port, and that no firewall drops the packets',
              }),
            );
          }, timeout)
        : undefined;
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      forgetSignal();
      socket.off('error', fail);
      finish();
    };
    const fail = (error: Error): void =>
      settle(() => {
        socket.on('error', () => {});
        socket.destroy();
        reject(error);
      });
    const aborted = (): void => fail(new AbortedError('connecting', signal?.reason));
    socket.on('error', fail);
    if (signal?.aborted) return aborted();
    if (signal) forgetSignal = onAbort(signal, aborted);
    arm(() => settle(() => resolve(socket)), fail);
  });
}
