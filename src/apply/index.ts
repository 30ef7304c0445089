export {
  ApplyError,
  type ApplyOptions,
  type ApplyProgress,
  type ApplyResult,
  applyPlan,
  type OperationSummary,
} from './apply.js';
export { queued } from './queue.js';
export { DomainReader, notFound } from './read.js';
export type { LateUnplug, UnplugOptions, UnplugResult } from './unplug.js';
export { type Documents, differenceText, GuestAbiChangedError } from './verify.js';
export { nextItem, within } from './wait.js';
