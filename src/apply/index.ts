/**
 * The apply room: carries out a plan. Each operation is one libvirt call, verified in both documents, under a journal in
 * the domain's metadata and in turn with other processes; what fails is rolled back, what was interrupted is recovered.
 */
export {
  ApplyError,
  type ApplyOptions,
  type ApplyProgress,
  type ApplyResult,
  applyPlan,
} from './apply.js';
export { waitForJobLock } from './confirm-call.js';
export { DomainAccess, isOfOneDomain, notFound } from './domain-access.js';
export { inDomainQueue, isQueued, notify } from './domain-queue.js';
export { assertNotInterrupted, Journal } from './journal.js';
export { entriesHolder, entriesIn } from './journal-entry.js';
export { type DomainLog, domainLog, logFromNow } from './log.js';
export type { OperationStatus } from './operation-status.js';
export { type Owner, type OwnerState, ownerOf, SELF, stateOfOwner } from './owner.js';
export {
  type ApplyPhase,
  applyPhaseIn,
  type InterruptedApply,
  interruptedIn,
  type RecoverOptions,
  type RecoverProgress,
  type RecoverResult,
  recoverDomain,
} from './recover.js';
export { type Amounts, type Resized, type ResizeOptions, type ResizeResult, resize } from './resize.js';
export { seal, sealAfter } from './seal.js';
export { seenSeal } from './seen-seals.js';
export { PlanStaleError } from './stale.js';
export type { OperationSummary } from './step.js';
export type { LateUnplug, UnplugOptions, UnplugProgress, UnplugResult } from './unplug.js';
export { assertNoUnsavedDefinition, unsavedDefinition } from './unsaved-definition.js';
export { type Documents, differenceText, GuestAbiChangedError } from './verify.js';
export { nextItem, withTimeout } from './wait.js';
