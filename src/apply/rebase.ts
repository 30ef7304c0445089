import { type DomainDocument, type ObservedDomain, REDACTED, readDevice } from '../domain/index.js';
import { detachedCopy, parseElement, serialize, setAt } from '../xml/index.js';
import { PlanStaleError } from './stale.js';
import type { Step } from './step.js';

/**
 * An update made from the element as it is now, since update-device replaces the whole device: what another client changed
 * beside the changes of the step stays. `PLAN_STALE` when the very value of the step is another than the step would replace.
 */
export function fromNow<T extends Step>(step: T, { canonical, live }: Pick<ObservedDomain, 'canonical' | 'live'>): T {
  const { action, call, subject, changes, scope } = step;
  const document: DomainDocument | undefined = scope === 'live' ? live : canonical;
  const device = document?.devices.find(({ identity }) => identity === subject);
  if (action !== 'update' || !document || !device || !('xml' in call.args)) return step;
  const wanted = readDevice(parseElement(call.args.xml));
  const element = detachedCopy(device.element);
  for (const { path, from, to } of changes) {
    const now = device.leaves.get(path);
    const goal = wanted.leaves.get(path);
    const isKnown = from === REDACTED || to === REDACTED || now === from || (now ?? 'default') === (from ?? 'default');
    if (!isKnown && now !== goal)
      throw new PlanStaleError(document.name, [
        { subject, document: scope === 'live' ? 'live' : 'canonical', how: 'changed' },
      ]);
    if (now !== goal) setAt(element, path, goal);
  }
  return { ...step, call: { ...call, args: { ...call.args, xml: serialize(element) } } };
}
