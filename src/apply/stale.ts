import type { ObservedDomain } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { changedParts, digestOf, fingerprintsOf, type PartChange, type Plan } from '../plan/index.js';

/** Names that a message holds; the rest is counted. */
const NAMED = 8;

/** The domain is not what the plan was made for. `code` is `PLAN_STALE`. */
export class PlanStaleError extends LibvirtCanonicalError {
  override readonly name = 'PlanStaleError';
  /** What has changed since the plan was made; empty when only order, spelling or a secret has. */
  readonly changes: readonly PartChange[];

  constructor(domain: string, changes: readonly PartChange[]) {
    const what = changes.length > 0 ? changesText(changes) : 'the order or spelling of its document, or a secret in it';
    super('PLAN_STALE', `domain ${domain} has changed since the plan was made: ${what}`, {
      domain,
      remedy: 'Plan again and look at the new plan',
    });
    this.changes = changes;
  }
}

/** Refuses a plan for another state of the domain than this one. */
export function assertNotStale(plan: Plan, context: ObservedDomain): void {
  if (digestOf(context) === plan.digest) return;
  throw new PlanStaleError(plan.domain.name, changedParts(plan.fingerprints, fingerprintsOf(context)));
}

/** Changes in one line: `disk data was removed (canonical), title was changed (both documents)`. */
export function changesText(changes: readonly PartChange[]): string {
  const named = changes.slice(0, NAMED).map(({ subject, document, how }) => {
    if (subject === 'state') return how === 'added' ? 'it was started' : 'it was stopped';
    return `${subject} was ${how} (${document === 'both' ? 'both documents' : document})`;
  });
  return [...named, ...(changes.length > NAMED ? [`and ${changes.length - NAMED} more`] : [])].join(', ');
}
