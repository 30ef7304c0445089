/**
 * The copies room: snapshots, commits, copies, moves and backups of the disks of a domain, and their growth. Long work
 * reports progress, can be aborted, and is found again after the program that began it has died.
 */

export { withApplyClaim } from './apply-claim.js';
export { type AdoptBackupOptions, adoptBackup, type BackupRequest, type BackupResult, backup } from './backup.js';
export { type Checkpoint, checkpoints, deleteCheckpoint } from './backup-checkpoints.js';
export { assertNotAborted, type BlockJob, blockJobs, endJob } from './block-job.js';
export {
  type AdoptOptions,
  adoptBlockJob,
  type CopyFinish,
  type CopyOptions,
  type CopyResult,
  copyDisk,
} from './copy-disk.js';
export { diskOf } from './copy-disks.js';
export { type Consistency, type Quiesce, thawLeft } from './quiesce.js';
export { type ResizeDiskOptions, type ResizeDiskResult, resizeDisk } from './resize-disk.js';
export { type SnapshotRequest, type SnapshotResult, snapshot } from './snapshot.js';
export { type CommitOptions, type CommitResult, commitDisk } from './snapshot-commit.js';
