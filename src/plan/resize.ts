import { assertKnownFields, type MemoryRequest, type ObservedDomain, type VcpusRequest } from '../domain/index.js';
import { Draft } from './draft.js';
import { finish } from './finish.js';
import type { Plan } from './plan.js';
import { planSettings } from './settings.js';

/** How large a domain is to be. */
export interface ResizeRequest {
  /** vCPUs that are online, or those and the maximum. More than the maximum raises that with it. */
  readonly vcpus?: VcpusRequest | undefined;
  /** Memory that the guest has, or that and the maximum. More than the maximum raises that with it. */
  readonly memory?: MemoryRequest | undefined;
  /**
   * What becomes of a part that the running guest cannot have or does not give back: `next-boot` (default), it waits for the
   * next cold boot; `refuse`, nothing is done.
   */
  readonly ifNotLive?: 'next-boot' | 'refuse' | undefined;
}

/** Plans another size: what `set` would do, but vCPUs that the guest keeps go at the next cold boot all the same. Pure. */
export function planResize(request: ResizeRequest, context: ObservedDomain): Plan {
  assertKnownFields(request, ['vcpus', 'memory', 'ifNotLive'], '', 'the request');
  const { ifNotLive = 'next-boot', ...settings } = request;
  const draft = new Draft(context, {
    ifNotLive,
    detachOrder: ifNotLive === 'next-boot' ? 'config-first' : 'live-first',
  });
  for (const name of planSettings(draft, settings, '')) draft.notes.push(`${name} is as asked already`);
  const waiting = draft.operations.filter(
    ({ scope, changes: [change] }) =>
      scope === 'config' &&
      !draft.operations.some((each) => each.scope === 'live' && each.changes[0]?.path === change?.path),
  );
  for (const { subject, reason } of context.live && ifNotLive === 'refuse' ? waiting : [])
    draft.refuse(
      subject,
      subject,
      reason ?? 'the maximum of a running guest is what it was started with',
      "Ask for ifNotLive: 'next-boot' to have it from the next cold boot on",
    );
  return finish(draft);
}
