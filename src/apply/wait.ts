import type { EventItem, EventName, EventSubscription } from '../connection/index.js';
import { AbortedError } from '../errors.js';

/** Resolves with the first value of `pending`, or with undefined after `timeout` ms; throws AbortedError on the signal. */
export async function withTimeout<T>(
  pending: Promise<T>,
  timeout: number,
  what: string,
  signal?: AbortSignal,
): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const limit = new Promise<undefined>((resolve, reject) => {
    timer = setTimeout(() => resolve(undefined), timeout);
    onAbort = () => reject(new AbortedError(what, signal?.reason));
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([pending, limit]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

/** The next item of a subscription that `wanted` accepts; a notice that events are missing always counts, since anything may be in it. */
export async function nextItem<E extends EventName>(
  subscription: EventSubscription<E>,
  wanted: (data: Extract<EventItem<E>, { type: 'event' }>['data']) => boolean,
): Promise<EventItem<E> | undefined> {
  for (;;) {
    const { done, value } = await subscription.next();
    if (done) return undefined;
    if (value.type !== 'event' || wanted(value.data)) return value;
  }
}
