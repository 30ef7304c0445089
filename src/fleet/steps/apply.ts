import { notify } from '../../apply/index.js';
import { LibvirtCanonicalError } from '../../errors.js';
import type { ManagedDomain } from '../../manager/index.js';
import type { ChangeRequest } from '../../plan/index.js';
import type { ApplyInput } from '../change.js';
import { assertNotClaimed } from '../claimed.js';
import { FleetPlanStaleError } from '../stale.js';
import { marksOf } from '../where.js';
import type { StepHosts, StepOptions } from './context.js';
import { checkApplyInput } from './input.js';

/** Options of the step `apply`. */
export interface ApplyStepOptions extends StepOptions {
  /** The change that was planned. It can hold secrets, so it is no part of an input. */
  readonly request: ChangeRequest;
}

/** What came of the step `apply`. */
export interface ApplyOutcome {
  /** `already`: the domain was as asked, and nothing was done. */
  readonly outcome: 'applied' | 'already';
  readonly domain: { readonly name: string; readonly uuid: string };
  readonly host: string;
  /** How many operations were made. */
  readonly operations: number;
}

/** Changes one domain as planned, or finds it so: see `FleetSteps.apply`. */
export async function apply(hosts: StepHosts, input: ApplyInput, options: ApplyStepOptions): Promise<ApplyOutcome> {
  checkApplyInput(input, options);
  const {
    domain: { name, uuid },
    from,
    digest,
    interrupted = 'complete',
  } = input;
  const member = hosts.member('apply', 'from', from);
  const { signal, request } = options;
  const domain = await there(await hosts.manager(member), input);
  const { claim } = await marksOf(await member.connection(), { name: domain.name, uuid, id: -1 }, { signal });
  assertNotClaimed(name, claim, input.operation);
  let operations = 0;
  if (domain.interrupted && interrupted !== 'refuse') {
    notify(options.onProgress, { phase: 'recovering' });
    operations += (await domain.recover({ mode: interrupted, signal })).operations.length;
  }
  const plan = await domain.plan(request, { signal });
  const done = { domain: { name, uuid }, host: from };
  if (plan.isEmpty) return { outcome: operations > 0 ? 'applied' : 'already', ...done, operations };
  if (operations === 0 && plan.digest !== digest)
    throw new FleetPlanStaleError([`${name}: its documents are not those that the change was planned with`], name);
  const onProgress = ({ state, done: so, total }: { state: string; done: number; total: number }) =>
    notify(options.onProgress, { phase: 'applying', state, done: so, total });
  const result = await domain.apply(plan, { signal, onProgress });
  return { outcome: 'applied', ...done, operations: operations + result.operations.length };
}

async function there(
  manager: { get(uuid: string): Promise<ManagedDomain> },
  { domain: { name, uuid }, from }: ApplyInput,
): Promise<ManagedDomain> {
  try {
    return await manager.get(uuid);
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError) || error.code !== 'DOMAIN_NOT_FOUND') throw error;
    throw new FleetPlanStaleError([`${name} is not on ${from} any more`], name);
  }
}
