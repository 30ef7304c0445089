import { LibvirtCanonicalError } from '../errors.js';
import type { MigrationFinding } from './findings.js';
import type { MigrationOutcome } from './outcomes.js';
import { type Standing, standingText } from './standing.js';

/** Where a domain is after a migration that went wrong: how each host has it, and what both together mean. */
export interface MigrationWhereabouts {
  readonly outcome: MigrationOutcome;
  readonly source: Standing;
  readonly destination: Standing;
}

/** The domain cannot migrate as asked. Nothing was changed. `code` is `MIGRATION_REFUSED`. */
export class MigrationRefusedError extends LibvirtCanonicalError {
  override readonly name = 'MigrationRefusedError';
  /** All that stands in the way. */
  readonly findings: readonly MigrationFinding[];
  constructor(domain: string, findings: readonly MigrationFinding[]) {
    const all = findings.map(({ subject, problem, remedy }) => `${subject}: ${problem}. ${remedy}`).join('; ');
    super('MIGRATION_REFUSED', `domain ${domain} does not migrate: ${all}`, { domain });
    this.findings = findings;
  }
}

/**
 * A migration did not take place (`MIGRATION_FAILED`, or `ABORTED` by the caller: the domain is on the source as before), or it cannot be told or settled
 * yet where the domain is (`MIGRATION_UNSETTLED`: ask `recoverMigration`). `where` says what both hosts had at the end.
 */
export class MigrationError extends LibvirtCanonicalError {
  override readonly name = 'MigrationError';
  readonly where: MigrationWhereabouts;
  constructor(
    code: 'MIGRATION_FAILED' | 'MIGRATION_UNSETTLED' | 'ABORTED',
    message: string,
    where: MigrationWhereabouts,
    details: { readonly domain: string; readonly remedy: string; readonly cause?: unknown },
  ) {
    const { source, destination } = where;
    super(code, `${message} (source: ${standingText(source)}; destination: ${standingText(destination)})`, details);
    this.where = where;
  }
}
