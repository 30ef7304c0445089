export {
  ApplyError,
  type ApplyOptions,
  type ApplyProgress,
  type ApplyResult,
  applyPlan,
} from './apply.js';
export { entriesIn } from './entry.js';
export { Journal, refuseInterrupted } from './journal.js';
export { type DomainLog, domainLog, logFromNow } from './log.js';
export { waitForLock } from './outcome.js';
export { isQueued, queued } from './queue.js';
export { DomainReader, notFound } from './read.js';
export {
  type ApplyPhase,
  applyPhaseIn,
  type InterruptedApply,
  interruptedIn,
  type RecoverOptions,
  type RecoverResult,
  recoverDomain,
} from './recover.js';
export { type Amounts, type Resized, type ResizeOptions, type ResizeResult, resize } from './resize.js';
export { seal, sealAfter } from './seal.js';
export { PlanStaleError } from './stale.js';
export type { Standing } from './standing.js';
export type { OperationSummary } from './step.js';
export type { LateUnplug, UnplugOptions, UnplugResult } from './unplug.js';
export { type Documents, differenceText, GuestAbiChangedError } from './verify.js';
export { nextItem, within } from './wait.js';
