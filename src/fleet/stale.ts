import { LibvirtCanonicalError } from '../errors.js';

/** A plan of a fleet does not hold any more. Nothing was changed. `code` is `FLEET_PLAN_STALE`. */
export class FleetPlanStaleError extends LibvirtCanonicalError {
  override readonly name = 'FleetPlanStaleError';
  /** What is otherwise than planned, a sentence each. */
  readonly changes: readonly string[];
  constructor(changes: readonly string[], domain?: string) {
    super('FLEET_PLAN_STALE', `the plan does not hold any more: ${changes.join('; ')}`, {
      remedy: 'Plan again',
      ...(domain !== undefined && { domain }),
    });
    this.changes = changes;
  }
}
