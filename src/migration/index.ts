/** The front file of the migration room: a domain to another host, proved before the source is let go. */

export { baselineCpu, type CpuBaseline, type CpuComparison, type CpuKind, compareCpu } from './cpu.js';
export type { MigrationDisk } from './disks.js';
export type { MovedParts } from './documents.js';
export { MigrationError, MigrationRefusedError, type MigrationWhereabouts } from './errors.js';
export type { MigrationFinding } from './findings.js';
export type { MigrationHookContext, MigrationHooks } from './hooks.js';
export type { MigrationDestination } from './hosts.js';
export { type MigrationInFlight, migrationInFlight } from './in-flight.js';
export { Migration, migrate } from './migration.js';
export type { MigrationOptions } from './options.js';
export { type MigrationOutcome, OUTCOMES, type OutcomeRow } from './outcomes.js';
export { MigrationPlan, type MigrationPlanJson, planMigration } from './plan.js';
export {
  MIGRATION_POLICIES,
  type MigrationPolicy,
  type MigrationPolicyName,
  type MigrationPolicyRequest,
  type StallStep,
} from './policy.js';
export type { MigrationPhase, MigrationProgress, PolicyAct } from './progress.js';
export type { MigrationHost } from './record.js';
export { type MigrationRecovery, type RecoverMigrationOptions, recoverMigration } from './recover.js';
export type { MigrationResult } from './run-context.js';
export { isGone, lookUp, type Standing, standingOn, standingText } from './standing.js';
export { type SurveyedDisk, type SurveyedDomain, surveyDestination, surveySource } from './survey.js';
