const listeners = new WeakMap<AbortSignal, { readonly actions: Set<() => void>; stop(): void }>();

/**
 * Runs the action when the signal fires; returns how to call that off. One listener serves all actions of a signal:
 * Node warns of a leak beyond ten, and one signal for a hundred calls under way is no leak.
 */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  let entry = listeners.get(signal);
  if (!entry) {
    const actions = new Set<() => void>();
    const fire = (): void => {
      for (const each of [...actions]) each();
    };
    signal.addEventListener('abort', fire, { once: true });
    entry = { actions, stop: () => signal.removeEventListener('abort', fire) };
    listeners.set(signal, entry);
  }
  const { actions, stop } = entry;
  actions.add(action);
  return () => {
    if (!actions.delete(action) || actions.size > 0) return;
    stop();
    listeners.delete(signal);
  };
}
