import type { DomainClaim } from '../../domain/index.js';
import { LibvirtCanonicalError } from '../../errors.js';
import { assertNotClaimed, DomainClaimedError } from '../claimed.js';
import { type MarkedDomain, removeClaim, writeClaim } from '../marks.js';
import { FleetPlanStaleError } from '../stale.js';
import type { ClaimInput } from '../step-inputs.js';
import { type FleetDomain, isLeft, marksOf } from '../where.js';
import { assertNotAborted, claimIn, type StepHosts, type StepOptions } from './context.js';
import { checkClaimInput } from './input.js';

/** What came of the step `claim`. */
export interface ClaimOutcome {
  /** `already`: this operation had it, and nothing was done. */
  readonly outcome: 'claimed' | 'already';
  readonly domain: { readonly name: string; readonly uuid: string };
  /** The host that the domain is on now. */
  readonly host: string;
  readonly claim: DomainClaim;
}

/** What came of the step `unclaim`. */
export interface UnclaimOutcome {
  /** `already`: this operation had no claim on it, on any host. */
  readonly outcome: 'unclaimed' | 'already';
  readonly domain: { readonly name: string; readonly uuid: string };
  /** The hosts on which it was claimed. */
  readonly hosts: readonly string[];
}

/** Claims a domain for one operation, or finds that it has it: see `FleetSteps.claim`. */
export async function claim(hosts: StepHosts, input: ClaimInput, options: StepOptions): Promise<ClaimOutcome> {
  checkClaimInput('claim', input);
  const { from, operation } = input;
  const { name, uuid } = input.domain;
  const { signal } = options;
  hosts.member('claim', 'from', from);
  assertNotAborted(`the claim of ${name}`, options);
  const where = await hosts.where(input.domain, [from], signal);
  assertNotClaimed(name, claimIn(where, operation), operation);
  const found = where.found.filter((each) => !isLeft(each));
  const has = found.find((each) => each.claim?.operation === operation);
  if (has?.claim) return { outcome: 'already', domain: { name, uuid }, host: has.host, claim: has.claim };
  const here = found.find(({ host }) => host === from);
  const others = found.filter((each) => each !== here).map(({ host, state }) => `${host} has it, ${state}`);
  if (!here || others.length > 0)
    throw new FleetPlanStaleError([[`${name} is not on ${from} alone`, ...others].join(', ')], name);

  const marked = await markedOn(hosts, here);
  const since = new Date().toISOString();
  await writeClaim(marked, { operation, host: from, since }, { signal });
  // Claims stand in the document in the order in which they were written: of two operations one sees the other's before its own.
  const { claim: first } = await marksOf(marked.connection, marked.handle, {});
  if (first?.operation === operation) return { outcome: 'claimed', domain: { name, uuid }, host: from, claim: first };
  await removeClaim(marked, operation, {});
  if (first) throw new DomainClaimedError(name, first);
  throw new FleetPlanStaleError([`${name}: somebody took its claim out`], name);
}

/** Takes the claim of an operation from a domain, wherever that is: see `FleetSteps.unclaim`. */
export async function unclaim(hosts: StepHosts, input: ClaimInput, options: StepOptions): Promise<UnclaimOutcome> {
  checkClaimInput('unclaim', input);
  const { operation } = input;
  const { name, uuid } = input.domain;
  const { signal } = options;
  hosts.member('unclaim', 'from', input.from);
  assertNotAborted(`the end of the claim of ${name}`, options);
  const where = await hosts.where(input.domain, [], signal);
  const [silent] = where.silent;
  if (where.found.length === 0 && silent)
    throw new LibvirtCanonicalError('DAEMON_UNREACHABLE', `${silent.host} did not answer: ${silent.why}`, {
      domain: name,
      remedy: 'Ask again when it answers: the domain may be there, with its claim',
    });
  const done: string[] = [];
  for (const each of where.found.filter((found) => claimsOf(found).some((one) => one.operation === operation))) {
    await removeClaim(await markedOn(hosts, each), operation, { signal });
    done.push(each.host);
  }
  return { outcome: done.length > 0 ? 'unclaimed' : 'already', domain: { name, uuid }, hosts: done };
}

const claimsOf = ({ claim: first, claims }: FleetDomain): readonly DomainClaim[] => claims ?? (first ? [first] : []);

/** A domain that was found, for writing into its metadata. */
export async function markedOn(hosts: StepHosts, { host, name, uuid, persistent }: FleetDomain): Promise<MarkedDomain> {
  const connection = await hosts.connection(host);
  return { connection, handle: { name, uuid, id: -1 }, persistent };
}
