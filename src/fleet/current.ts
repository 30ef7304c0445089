import { LibvirtCanonicalError } from '../errors.js';
import { planDrain } from './drain.js';
import type { Member } from './member.js';
import { decisionOf, type FleetPlan } from './plan.js';
import type { PlannedDomain } from './plan-parts.js';
import { FleetPlanStaleError } from './stale.js';

/** Plans again with the targets and fates of a plan, and compares what is decided. */
export async function assertCurrent(
  members: readonly Member[],
  plan: FleetPlan,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (plan.kind !== 'drain')
    throw new LibvirtCanonicalError(
      'UNSUPPORTED',
      `assertCurrent: a plan to ${plan.kind} cannot be held to the hosts`,
      {
        remedy: 'Plan again with the bundles, and compare the digests',
      },
    );
  const of = (chosen: (domain: PlannedDomain) => boolean) => plan.domains.filter(chosen).map(({ uuid }) => uuid);
  const cannotMove = {
    stay: of(({ does }) => does === 'stay'),
    shutdown: of(({ does }) => does === 'shutdown'),
    cold: of(({ does, running, way }) => does === 'move' && running && way === 'cold'),
  };
  const fixed = new Map(plan.moves.map(({ uuid, to = '' }) => [uuid, to]));
  const order = plan.domains.map(({ uuid }) => uuid);
  const now = await planDrain(
    members,
    plan.host,
    { ...plan.request, cannotMove, signal },
    { fixed: { targets: fixed, order } },
  );
  if (now.digest === plan.digest) return;
  throw new FleetPlanStaleError(changesBetween(plan, now));
}

function changesBetween(plan: FleetPlan, now: FleetPlan): string[] {
  const changes: string[] = [];
  for (const before of plan.domains) {
    const after = now.domains.find(({ uuid }) => uuid === before.uuid);
    if (!after) changes.push(`${before.name} is not on ${plan.host} any more`);
    else if (decisionOf(before) !== decisionOf(after))
      changes.push(`${before.name} ${words(before)}, and now ${words(after)}${reasonOf(after)}`);
  }
  for (const { uuid, name } of now.domains)
    if (!plan.domains.some((each) => each.uuid === uuid)) changes.push(`${name} came to ${plan.host}`);
  return changes;
}

const words = ({ running, does, way, to }: PlannedDomain): string =>
  [running ? 'ran' : 'was off', does, way, to && `to ${to}`].filter((each) => each !== undefined).join(' ');

const reasonOf = ({ because: [first] }: PlannedDomain): string => (first ? `: ${first.reason}` : '');
