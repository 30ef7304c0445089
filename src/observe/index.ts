export { acceptDrift, type Drift, driftOf, planUndoDriftOf } from './drift.js';
export type { DriftOccasion, Finding } from './findings.js';
export { type Pending, type PendingChange, pendingOf } from './pending.js';
export { type WatchOptions, watch } from './watch.js';
