import type { Device } from '../domain/index.js';
import { holdBootOrder } from './boot-order.js';
import { detachDevice } from './detach.js';
import type { Draft } from './draft.js';

/** A device to detach, where the request says so, and why. */
export interface DetachItem {
  readonly device: Device;
  readonly path: string;
  readonly because: string;
}

/**
 * Plans what goes, what stands on a controller before it, while a boot order stays in the domain for what comes. Returns what
 * gives that back, as `holdBootOrder` does.
 */
export function planDetaches(
  draft: Draft,
  leaving: readonly DetachItem[],
  coming: readonly Device[],
): (() => void) | undefined {
  for (const { leaves, identity } of coming) {
    const order = leaves.get('boot/@order');
    if (order !== undefined) draft.requestedBootOrders.set(identity, order);
  }
  const release = holdBootOrder(
    draft,
    leaving.map(({ device }) => device),
  );
  for (const { device, path, because } of [...leaving].sort((a, b) => rank(a.device) - rank(b.device)))
    detachDevice(draft, device, draft.context.live?.counterpart(device), path, because);
  return release;
}

/** Controllers come last when devices leave. */
export function rank({ kind }: Device): number {
  return kind.element === 'controller' ? 1 : 0;
}
