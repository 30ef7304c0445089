export { type AbiUpgradeOptions, AbiUpgradeProposal, type AbiUpgradeRequest } from './abi-upgrade.js';
export type { AgentOptions, AgentState, GuestAgent } from './agent.js';
export type { AdoptBackupOptions, BackupRequest, BackupResult } from './backup.js';
export type { Checkpoint } from './backup-checkpoints.js';
export type { BlockJob } from './block-job.js';
export type { BundleFile, DomainBundle, LeftOutSecret } from './bundle.js';
export type { StateOptions } from './bundle-files.js';
export type { AdoptOptions, CopyFinish, CopyOptions, CopyResult } from './copy-disk.js';
export { DomainExistsError } from './define.js';
export type { DomainLog } from './domain-log.js';
export type { RebootOptions, RestoreOptions, UndefineOptions } from './domain-power.js';
export type { DeviceView } from './domain-view.js';
export type { Drift } from './drift.js';
export type { ExportOptions } from './export.js';
export {
  type AskedHost,
  type ElsewhereOptions,
  type FindRunningOptions,
  findRunning,
  RunningElsewhereError,
  type SeenDomain,
  type WhereRunning,
} from './find-running.js';
export type { DriftOccasion, Finding } from './findings.js';
export { type HookContext, HookError, type HookOperation, type Hooks } from './hooks.js';
export type { HostCheckOptions, HostFinding } from './host-check.js';
export type { HostFiles } from './host-check-files.js';
export { type ImportOptions, ImportRefusedError } from './import.js';
export { ManagedDomain } from './managed-domain.js';
export { DomainManager, type ManagerOptions } from './manager.js';
export type { Pending, PendingChange } from './pending.js';
export type { SaveOptions } from './power-save.js';
export type { Asked, ShutdownOptions, ShutdownProgress } from './power-shutdown.js';
export type { StartOptions } from './power-start.js';
export type { DomainState, DomainStateReason } from './power-state.js';
export type { Progress, ProgressOptions } from './progress.js';
export type { Consistency, Quiesce } from './quiesce.js';
export type { RescueOptions, RescueState, UnrescueOptions } from './rescue.js';
export type { RescueDisk, RescueKernel } from './rescue-document.js';
export type { Amounts, Resized, ResizeOptions, ResizeResult } from './resize.js';
export type { ResizeDiskOptions, ResizeDiskResult } from './resize-disk.js';
export type { SnapshotRequest, SnapshotResult } from './snapshot.js';
export type { CommitOptions, CommitResult } from './snapshot-commit.js';
export { StartFailedError } from './start-failed.js';
export type { WatchOptions } from './watch.js';
