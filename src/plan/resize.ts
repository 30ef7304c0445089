import {
  AFFECT,
  type DomainContext,
  type MemoryRequest,
  type MutatorCall,
  type Operation,
  type Scope,
  setOperation,
  type VcpusRequest,
  vcpuAmounts,
} from '../domain/index.js';
import { Draft } from './draft.js';
import { finish } from './finish.js';
import type { Plan } from './plan.js';
import { planSettings, refuseUnknown } from './settings.js';

/** How large a domain is to be. */
export interface ResizeRequest {
  /** vCPUs that are online, or those and the maximum. More than the maximum raises that with it. */
  readonly vcpus?: VcpusRequest;
  /** Memory that the guest has, or that and the maximum. More than the maximum raises that with it. */
  readonly memory?: MemoryRequest;
  /**
   * What becomes of a part that the running guest cannot have or does not give back: `next-boot` (default), it waits for the
   * next cold boot; `refuse`, nothing is done.
   */
  readonly ifNotLive?: 'next-boot' | 'refuse';
}

/** Plans another size: what `set` would do, but vCPUs that the guest keeps go at the next cold boot all the same. Pure. */
export function planResize(request: ResizeRequest, context: DomainContext): Plan {
  refuseUnknown(request, ['vcpus', 'memory', 'ifNotLive'], '');
  const { ifNotLive = 'next-boot', ...settings } = request;
  const draft = new Draft(context, { ifNotLive });
  for (const name of planSettings(draft, settings, '')) draft.notes.push(`${name} is as asked already`);
  const planned = draft.operations.splice(0);
  if (ifNotLive === 'next-boot') draft.operations.push(...planned.flatMap((each) => configFirst(each, context)));
  else {
    draft.operations.push(...planned);
    for (const { subject, reason } of context.live ? planned.filter(({ scope }) => scope === 'config') : [])
      draft.refuse(
        subject,
        subject,
        reason ?? 'the maximum of a running guest is what it was started with',
        "Ask for ifNotLive: 'next-boot' to have it from the next cold boot on",
      );
  }
  return finish(draft);
}

/** vCPUs that the guest must give back: the canonical document first, so that they go at the next cold boot whatever it does. */
function configFirst(operation: Operation, { canonical, live }: DomainContext): Operation[] {
  const { call, changes, scope, guestMustCooperate, reason, subject } = operation;
  if (!live || scope === 'config' || !guestMustCooperate || call.procedure !== 'DOMAIN_SET_VCPUS_FLAGS')
    return [operation];
  const vcpus = (nvcpus: number, each: Scope): MutatorCall => ({
    procedure: call.procedure,
    args: { nvcpus, flags: AFFECT[each] },
  });
  const { nvcpus } = call.args;
  const from = vcpuAmounts(live).current;
  const inLive = setOperation(
    subject,
    'live',
    changes.map((each) => ({ ...each, from: String(from) })),
    vcpus(nvcpus, 'live'),
    vcpus(from, 'live'),
    { guestMustCooperate, takesEffect: 'when-released', ...(reason === undefined ? {} : { reason }) },
  );
  const before = vcpuAmounts(canonical).current;
  return [
    ...(scope === 'both'
      ? [setOperation(subject, 'config', changes, vcpus(nvcpus, 'config'), vcpus(before, 'config'))]
      : []),
    { ...inLive, ifKept: 'next-boot' },
  ];
}
