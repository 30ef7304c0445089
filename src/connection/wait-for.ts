import { CallAbortedError, CallTimeoutError } from './errors.js';
import { onAbort } from './on-abort.js';
import type { AnyProcedure } from './procedures.js';

interface Bounds {
  /** Named in the error. */
  readonly procedure: AnyProcedure;
  /** Milliseconds; 0 or Infinity for none. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether the procedure is on its way already. */
  readonly sent: boolean;
}

/** Waits for a promise that others wait for too; giving up ends this wait and not the work. CALL_TIMEOUT or ABORTED. */
export async function waitFor<T>(promise: Promise<T>, { procedure, timeout, signal, sent }: Bounds): Promise<T> {
  if (signal?.aborted) throw new CallAbortedError(procedure, false, signal.reason);
  let stop = (): void => {};
  const bound = new Promise<'timeout' | 'aborted'>((resolve) => {
    const timer = timeout > 0 && Number.isFinite(timeout) ? setTimeout(resolve, timeout, 'timeout') : undefined;
    const forgetSignal = signal && onAbort(signal, () => resolve('aborted'));
    stop = () => {
      clearTimeout(timer);
      forgetSignal?.();
    };
  });
  try {
    const first = await Promise.race([promise.then((value) => ({ value })), bound]);
    if (first === 'timeout') throw new CallTimeoutError(procedure, timeout, sent);
    if (first === 'aborted') throw new CallAbortedError(procedure, sent, signal?.reason);
    return first.value;
  } finally {
    stop();
  }
}
