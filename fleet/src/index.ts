/**
 * `libvirt-canonical-fleet`: operations over many hosts that outlive the process that began them, on DBOS Transact and PostgreSQL.
 * What is true of a domain is asked of libvirt each time; the store holds what is under way.
 */
export { type BundleStore, type DirectoryOptions, directory } from './bundles.js';
export { type Engine, type EngineCloseOptions, type EngineOptions, openEngine } from './engine.js';
export { ENGINE_ERROR_CODES, EngineError, type EngineErrorCode, type Failure } from './errors.js';
export type { EngineLog } from './log.js';
export type { FailedDomain, Operation, OperationProgress, OperationState, UnderWay } from './operation.js';
export {
  type ApplyEverywhereOptions,
  connectEngine,
  type DrainOptions,
  type EvacuateEngineOptions,
  type ExportAllOptions,
  type Operations,
  type RollingUpgradeOptions,
} from './operations.js';
export type { Limits } from './queues.js';
export type { AuditEntry, OperationKind, StoreSpec, Wait, WorkerRow } from './store/store.js';
export { PACKAGE_VERSION, WORKFLOWS_VERSION } from './version.js';
export type { UpgradeHandler } from './worker/current.js';
export type { Timeouts } from './worker/limit.js';
export type { ApplyResult, ChangedDomain } from './workflows/apply.js';
export type { Confirmed } from './workflows/confirm.js';
export type { DomainResult } from './workflows/domain.js';
export type { DrainResult } from './workflows/drain.js';
export type { EvacuateResult } from './workflows/evacuate.js';
export type { ExportedHost, ExportResult } from './workflows/export.js';
export type { OperationResult } from './workflows/index.js';
export type { ExportSchedule } from './workflows/schedule.js';
export type { HostVersions, UpgradedHost, UpgradeResult } from './workflows/upgrade.js';
