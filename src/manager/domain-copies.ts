import type { CallOptions } from '../connection/index.js';
import {
  type AdoptBackupOptions,
  type AdoptOptions,
  adoptBackup,
  adoptBlockJob,
  type BackupRequest,
  type BackupResult,
  type BlockJob,
  backup,
  blockJobs,
  type Checkpoint,
  type CommitOptions,
  type CommitResult,
  type CopyOptions,
  type CopyResult,
  checkpoints,
  commitDisk,
  copyDisk,
  deleteCheckpoint,
  diskOf,
  endJob,
  type ResizeDiskOptions,
  type ResizeDiskResult,
  resizeDisk,
  type SnapshotRequest,
  type SnapshotResult,
  snapshot,
  thawLeft,
} from '../copies/index.js';
import { GuestAgent } from '../power/index.js';
import { DomainEvents } from './domain-events.js';

/** How the disks of a domain are copied and grown while it runs. */
export abstract class DomainCopies extends DomainEvents {
  /** QEMU's guest agent in the running guest: ping, freeze and thaw. */
  get agent(): GuestAgent {
    return new GuestAgent(this.reader);
  }

  /**
   * Takes a snapshot of disks: from now on the guest writes to new files over the images as they are, which can be copied
   * away and are committed to with {@link commitDisk}. Also of a domain that is off. Both documents are read back: sources
   * and backing chains follow, addresses stay. virDomainSnapshotCreateXML, without libvirt's own metadata.
   *
   * Errors: `DEVICE_NOT_FOUND`; `DOMAIN_STATE` when the next boot would use another image; `AGENT_UNAVAILABLE`;
   * `APPLY_IN_PROGRESS`, `APPLY_INTERRUPTED`; `LIBVIRT` for what libvirt refuses, such as a file that exists.
   */
  snapshot(request: SnapshotRequest): Promise<SnapshotResult> {
    return snapshot(this.reader, request);
  }

  /**
   * Writes what a disk has over its backing image into that one, and goes on there. The domain must run.
   * virDomainBlockCommit ACTIVE and virDomainBlockJobAbort PIVOT. Errors: `DOMAIN_STATE`, `ARGUMENT_INVALID`,
   * `JOB_FAILED`, `ABORTED`, `APPLY_IN_PROGRESS`, `APPLY_INTERRUPTED`.
   */
  commitDisk(disk: string, options: CommitOptions = {}): Promise<CommitResult> {
    return commitDisk(this.reader, disk, options);
  }

  /**
   * Copies a disk of the running domain into a new file: waits until the copy has all of it, cuts it off at a moment in
   * which the guest's file systems are frozen if they can be, and leaves the disk as it is. virDomainBlockCopy.
   * Errors: `DOMAIN_STATE`, `DEVICE_NOT_FOUND`, `AGENT_UNAVAILABLE`, `JOB_FAILED`, `ABORTED`, `LIBVIRT`.
   */
  copyDisk(disk: string, file: string, options: CopyOptions = {}): Promise<CopyResult> {
    return copyDisk(this.reader, disk, file, 'keep', options);
  }

  /**
   * Moves a disk of the running domain to a new file: a copy that the disk goes over to, in both documents, at the address
   * it has. The old file stays. Errors as for {@link copyDisk}, and `APPLY_IN_PROGRESS`, `APPLY_INTERRUPTED`.
   */
  moveDisk(disk: string, file: string, options: Omit<CopyOptions, 'quiesce'> = {}): Promise<CopyResult> {
    return copyDisk(this.reader, disk, file, 'pivot', options);
  }

  /**
   * Grows a disk; the running guest sees it at once. Never makes one smaller. A domain that is off needs a storage pool that
   * has the image. virDomainBlockResize, virStorageVolResize. Errors: `ARGUMENT_INVALID` for a smaller capacity,
   * `DEVICE_NOT_FOUND`, `DOMAIN_STATE` when it is off and no pool has the image, `UNSUPPORTED` for read-only disks and
   * CD-ROMs, `LIBVIRT` for what QEMU refuses, such as a disk with a job.
   *
   * @example
   * await web.resizeDisk('root', { capacity: '40 GiB' });
   */
  resizeDisk(disk: string, options: ResizeDiskOptions): Promise<ResizeDiskResult> {
    return resizeDisk(this.reader, disk, options);
  }

  /**
   * Backs disks of the running domain up into new files, as they are at one moment, whole or only what was written since a
   * checkpoint. An incremental file names the disk's image as its backing file: rebase it on the backup before it
   * (`qemu-img rebase -u`). virDomainBackupBegin. Errors: `DOMAIN_STATE`, `DEVICE_NOT_FOUND`, `AGENT_UNAVAILABLE`,
   * `JOB_FAILED`, `ABORTED`, `LIBVIRT`.
   */
  backup(request: BackupRequest): Promise<BackupResult> {
    return backup(this.reader, request);
  }

  /** The checkpoints of the domain, each after the one before it. virDomainListAllCheckpoints. */
  checkpoints(options: CallOptions = {}): Promise<Checkpoint[]> {
    return checkpoints(this.reader, options);
  }

  /** Deletes a checkpoint; later backups cannot go on from it. virDomainCheckpointDelete. */
  deleteCheckpoint(name: string, options: CallOptions = {}): Promise<void> {
    return deleteCheckpoint(this.reader, name, options);
  }

  /** The jobs on the disks of the running domain: those that a program which crashed has left, too. */
  blockJobs({ signal }: CallOptions = {}): Promise<BlockJob[]> {
    return blockJobs(this.reader, signal);
  }

  /**
   * Takes over a copy or an active commit that runs on a disk, and finishes it: `keep` or `pivot` for a copy, the pivot for
   * a commit. A guest that the program before left frozen is thawed. Errors: `DOMAIN_STATE` when there is none, and those of
   * {@link copyDisk}.
   */
  adoptBlockJob(disk: string, options: AdoptOptions): Promise<CopyResult> {
    return adoptBlockJob(this.reader, disk, options);
  }

  /**
   * Takes over the backup that runs, and waits for its end; an abort ends it, as that of {@link backup}. A guest that
   * the program before left frozen is thawed. virDomainBackupGetXMLDesc. Errors: `DOMAIN_STATE` when none runs, `JOB_FAILED`,
   * `ABORTED`.
   */
  adoptBackup(options: AdoptBackupOptions = {}): Promise<Omit<BackupResult, 'consistency'>> {
    return adoptBackup(this.reader, options);
  }

  /**
   * Cancels the job on a disk, which stays on its image; what the job wrote stays, too, but for a backup, which ends for
   * all its disks and whose files libvirt deletes. A guest that a program left frozen is thawed. virDomainBlockJobAbort.
   */
  async abortBlockJob(disk: string, { signal }: CallOptions = {}): Promise<void> {
    const { target } = diskOf(await this.reader.documents({ signal }), disk);
    await endJob(this.reader, target, 'cancel');
    await thawLeft(this.reader, { signal });
  }
}
