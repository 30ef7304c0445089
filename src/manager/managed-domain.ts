import {
  type ApplyOptions,
  type ApplyResult,
  applyPlan,
  DomainAccess,
  type InterruptedApply,
  inDomainQueue,
  interruptedIn,
  type RecoverOptions,
  type RecoverResult,
  type ResizeOptions,
  type ResizeResult,
  recoverDomain,
  resize,
} from '../apply/index.js';
import type { CallOptions, Connection, DomainHandle } from '../connection/index.js';
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
import {
  type AbiUpgradeOptions,
  type AbiUpgradeProposal,
  type AbiUpgradeRequest,
  abiUpgrade,
  proposeAbiUpgrade,
  type UndefineOptions,
  undefine,
} from '../definition/index.js';
import { type AbiDifference, type DomainSpec, type GuestAbi, guestAbi } from '../domain/index.js';
import type { LibvirtCanonicalError } from '../errors.js';
import { type DomainBundle, type ExportOptions, exportDomain } from '../evacuation/index.js';
import {
  type DomainEventOf,
  type DomainEventType,
  domainEvents,
  type EventStream,
  type EventsOptions,
} from '../events/index.js';
import { type HostCheckOptions, type HostFinding, hostCheck } from '../host/index.js';
import {
  type Migration,
  type MigrationDestination,
  type MigrationInFlight,
  type MigrationOptions,
  type MigrationPlan,
  migrate,
  migrationInFlight,
  planMigration,
} from '../migration/index.js';
import {
  type AddressesOptions,
  acceptDrift,
  addressesOf,
  type DeviceView,
  type DomainStats,
  type Drift,
  deviceViews,
  driftOf,
  type Finding,
  type GuestAddress,
  type KnownAddress,
  type Pending,
  planUndoDriftOf,
  readPending,
  type StatsOptions,
  statsOfDomain,
  summaryOf,
  topologyOf,
  verifyGuestAbi,
  type WaitForAddressOptions,
  type WatchOptions,
  waitForAddress,
  watch,
} from '../observe/index.js';
import type { DomainTopology } from '../picture/index.js';
import {
  type ChangeRequest,
  type DiskStorage,
  disksOf,
  type Plan,
  planChanges,
  planResize,
  planTowards,
  type ResizeRequest,
  type TowardsOptions,
  type UndoDriftOptions,
} from '../plan/index.js';
import {
  type DomainHooks,
  type DomainLog,
  type DomainState,
  type DomainStateReason,
  destroy,
  domainLog,
  GuestAgent,
  type HookOperation,
  HookRunner,
  type RebootOptions,
  type RestoreOptions,
  reboot,
  restore,
  resume,
  type SaveOptions,
  type ShutdownOptions,
  type StartOptions,
  save,
  shutdown,
  start,
  stateOf,
  suspend,
} from '../power/index.js';
import {
  type RescueOptions,
  type RescueState,
  type RescueSubject,
  rescue,
  rescueStateOf,
  type UnrescueOptions,
  unrescue,
} from '../rescue/index.js';
import {
  type ConsoleOptions,
  type GuestStream,
  openChannel,
  openConsole,
  type Screenshot,
  type ScreenshotOptions,
  takeScreenshot,
} from '../transfer/index.js';
import { guard } from './argument-checks.js';
import { AGENT_DOORS, DOMAIN_DOORS } from './methods.js';

/** Work of the caller's own before a domain starts and after it stops. Given to `DomainManager`. */
export type Hooks = DomainHooks<ManagedDomain>;

/**
 * One domain of libvirt, with libvirt's own document as the truth. Made by `DomainManager`. Every public method is here, with
 * what it promises; the work is in the rooms below.
 */
export class ManagedDomain {
  static {
    guard('ManagedDomain', ManagedDomain, DOMAIN_DOORS, ['events', 'watch', 'migrate']);
    guard('GuestAgent', GuestAgent, AGENT_DOORS);
  }

  #reader: DomainAccess;
  readonly #hooks: HookRunner;

  /** @internal */
  constructor(connection: Connection, handle: DomainHandle, hooks: Hooks) {
    this.#reader = new DomainAccess(connection, handle);
    this.#hooks = HookRunner.for(this, hooks);
  }

  get name(): string {
    return this.#reader.handle.name;
  }

  get uuid(): string {
    return this.#reader.handle.uuid;
  }

  /**
   * An apply that was interrupted halfway by the end of its process, as of the last time that this object read the domain:
   * `manager.get()` and `list()` read it. Else a claim that a process left which cannot be seen from here, and which bars the
   * domain. Undefined when there is none. `recover` settles it.
   */
  get interrupted(): InterruptedApply | undefined {
    return this.#reader.last && interruptedIn(this.#reader.last);
  }

  /**
   * Why the domain could not be read the last time, when that is its own trouble: libvirt's refusal, or a document that is
   * none. `manager.list()` yields such a domain all the same. Undefined when it could, or was not read yet.
   */
  get unreadable(): LibvirtCanonicalError | undefined {
    return this.#reader.unreadable;
  }

  /** A migration that is under way or was cut, as of the last read, as {@link interrupted}. `recoverMigration` settles one that was cut. */
  get migration(): MigrationInFlight | undefined {
    return this.#reader.last && migrationInFlight(this.#reader.last);
  }

  /** Which domain it is, and what was seen of it when this object last read it. Nothing is read. */
  toString(): string {
    return summaryOf(this.#reader);
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** What the domain is doing. virDomainGetState. */
  async state(options: CallOptions = {}): Promise<DomainState> {
    return (await stateOf(this.#reader, options)).state;
  }

  /** What the domain is doing, and why, in libvirt's words: `paused` for `ioError`. virDomainGetState. */
  stateReason(options: CallOptions = {}): Promise<{ readonly state: DomainState; readonly reason: DomainStateReason }> {
    return stateOf(this.#reader, options);
  }

  /** The canonical document: the persistent XML, with secrets where the connection may see them. virDomainGetXMLDesc INACTIVE | SECURE. */
  async canonical(options: CallOptions = {}): Promise<string> {
    return (await this.#reader.documents(options)).canonical.xml;
  }

  /** The XML of the running guest; undefined when the domain is shut off. virDomainGetXMLDesc SECURE. */
  async live(options: CallOptions = {}): Promise<string | undefined> {
    return (await this.#reader.documents(options)).live?.xml;
  }

  /**
   * Waits until the running guest has an address, and returns it, as a DHCP server of libvirt, the guest agent or the host's
   * ARP table know it. virDomainInterfaceAddresses.
   *
   * Errors: `DOMAIN_STATE` when the domain does not run, `TIMEOUT` with what each of them said.
   */
  waitForAddress(options: WaitForAddressOptions = {}): Promise<GuestAddress> {
    return waitForAddress(this.#reader, options);
  }

  /**
   * Every address that libvirt's DHCP server, the guest agent or the host's ARP table knows of the running guest, each once,
   * with who knows it. virDomainInterfaceAddresses. `DOMAIN_STATE` when the domain does not run.
   */
  addresses(options: AddressesOptions = {}): Promise<KnownAddress[]> {
    return addressesOf(this.#reader, options);
  }

  /**
   * Figures of the domain at this moment: CPU, memory, vCPUs, disks, interfaces. Two readings and `statsRates` make rates.
   * virConnectGetAllDomainStats, one call.
   */
  stats(options: StatsOptions = {}): Promise<DomainStats> {
    return statsOfDomain(this.#reader, options);
  }

  /** Every device of either document. */
  async devices(options: CallOptions = {}): Promise<DeviceView[]> {
    const { canonical, live } = await this.#reader.documents(options);
    return deviceViews(canonical, live);
  }

  /**
   * Where every device sits, now and from the next cold boot on: buses with their places taken and free, who asked for each
   * device, and what of it waits. Plain data, from which {@link topologySvg}, {@link topologyHtml} and {@link topologyText}
   * make pictures; secrets are not in it. virDomainGetXMLDesc. Errors as {@link devices}.
   */
  async topology(options: CallOptions = {}): Promise<DomainTopology> {
    const { canonical, live } = await this.#reader.documents(options);
    return topologyOf({ canonical, live, versions: { libvirt: this.#reader.connection.libvirtVersion } });
  }

  /**
   * Every disk with where its data is, and the record of how its volume was connected that the caller left by `storage`:
   * of the canonical document, or of the live one.
   */
  async storage(options: CallOptions & { readonly document?: 'canonical' | 'live' } = {}): Promise<DiskStorage[]> {
    const { document = 'canonical', ...call } = options;
    const { canonical, live } = await this.#reader.documents(call);
    return disksOf(document === 'live' ? (live ?? canonical) : canonical);
  }

  /** Everything the guest can see that libvirt fixed: of the canonical document, or of the live one. Keep it to `verify` later. */
  async guestAbi(options: CallOptions & { readonly document?: 'canonical' | 'live' } = {}): Promise<GuestAbi> {
    const { document = 'canonical', ...call } = options;
    const { canonical, live } = await this.#reader.documents(call);
    return guestAbi(document === 'live' ? (live ?? canonical) : canonical);
  }

  /**
   * Compares the canonical document, and the running guest if there is one, with an earlier `guestAbi()`. Resolves when
   * nothing has moved, rejects with `GUEST_ABI_CHANGED` and the list of differences otherwise. What only a newer libvirt
   * lists, though it was always there, is none; it resolves with those, each with the reason why it is `benign`.
   */
  verify(reference: GuestAbi, options: CallOptions = {}): Promise<readonly AbiDifference[]> {
    return verifyGuestAbi(this.#reader, reference, options);
  }

  /**
   * What waits for the next cold boot, each with the reason, and so is not what the running or saved guest sees. A reboot
   * by the guest applies none of it. virDomainGetXMLDesc, virDomainManagedSaveGetXMLDesc.
   */
  pending(options: CallOptions = {}): Promise<Pending> {
    return readPending(this.#reader, options);
  }

  /**
   * The end of the domain's log since its last start, as libvirt and QEMU wrote it: why it crashed, or did not start. Only
   * where this machine has the file, see `logDirectory` of `connect`; otherwise it says why not.
   */
  log(options: CallOptions = {}): Promise<DomainLog> {
    return domainLog(this.#reader, options);
  }

  /** The console of a running domain. The escape character is the caller's. See {@link ConsoleOptions}. */
  console(options: ConsoleOptions = {}): Promise<GuestStream> {
    return openConsole(this.#reader.connection, this.#reader.handle, options);
  }

  /** A channel of a running domain (`type='unix'`) by its target name or its alias. Not the guest agent's: UNSUPPORTED. */
  openChannel(name: string, options: Pick<ConsoleOptions, 'signal'> = {}): Promise<GuestStream> {
    return openChannel(this.#reader.connection, this.#reader.handle, name, options);
  }

  /** What a running domain shows, as PNG. Needs a video device and no graphics. */
  screenshot(options: ScreenshotOptions = {}): Promise<Screenshot> {
    return takeScreenshot(this.#reader.connection, this.#reader.handle, options);
  }

  /** Plans a change request; nothing is changed. See {@link Plan} and {@link ChangeRequest}. */
  async plan(request: ChangeRequest, options: CallOptions = {}): Promise<Plan> {
    return planChanges(request, await this.#reader.context(options));
  }

  /**
   * Plans the way to a whole desired state; nothing is changed. What callers asked for before and do not ask for any more
   * is detached, what anybody else added is kept, and a field that is not mentioned stays as it is.
   *
   * Errors as for {@link plan}; what no call can bring about stands in `plan.refusals`.
   */
  async planTowards(desired: string | DomainSpec, options: TowardsOptions & CallOptions = {}): Promise<Plan> {
    const context = await this.#reader.context({ signal: options.signal, timeout: options.timeout });
    return planTowards(desired, context, options);
  }

  /**
   * Applies a plan: each operation is one libvirt call, verified in both documents. Errors: `PLAN_REFUSED`, `PLAN_STALE`
   * before anything is changed, `DOMAIN_STATE` when a failed transient start left its document in libvirt's memory,
   * `APPLY_IN_PROGRESS` when another process applies and `wait` is over, `APPLY_INTERRUPTED` when one ended halfway;
   * `APPLY_FAILED` (ApplyError) with what was undone.
   */
  async apply(plan: Plan, options: ApplyOptions = {}): Promise<ApplyResult> {
    const result = await applyPlan(this.#reader, plan, options);
    const { connection, handle } = this.#reader;
    // libvirt goes by the UUID; the name in the handle is for people, and follows a rename.
    for (const { call } of result.operations) {
      if (call.procedure === 'DOMAIN_RENAME')
        this.#reader = new DomainAccess(connection, { ...handle, name: call.args.new_name });
    }
    return result;
  }

  /**
   * Plans another number of vCPUs or amount of memory; nothing is changed. At once as far as the running guest and its maxima
   * allow, at the next cold boot otherwise: each operation says which. What no call changes (a maximum that the CPU
   * topology or NUMA cells fix) stands in `plan.refusals` with the way round it. See docs/resize.md.
   */
  async planResize(request: ResizeRequest, options: CallOptions = {}): Promise<Plan> {
    return planResize(request, await this.#reader.context(options));
  }

  /**
   * Plans another size and applies it, then waits a little for the guest's balloon and tells what the guest has now and what
   * it has from the next cold boot on. Errors as for {@link apply}. virDomainSetVcpusFlags, virDomainSetMemoryFlags.
   *
   * @example
   * const { vcpus } = await web.resize({ vcpus: 4, memory: '3 GiB' });
   * if (vcpus.takesEffect === 'next-boot') console.log(`${vcpus.now?.current} until the next cold boot`);
   */
  async resize(request: ResizeRequest, options: ResizeOptions = {}): Promise<ResizeResult> {
    const plan = await this.planResize(request, { signal: options.signal });
    return resize(this.#reader, plan, (each, how) => this.apply(each, how), options);
  }

  /**
   * Settles an apply that was interrupted: `complete` makes what is left of its plan, `undo` takes back what was made of
   * it, `keep` leaves the domain as it stands. Claims of ended processes, and what a copied document brought of another
   * domain, are only taken out. Nothing is done when there is none. Errors: `APPLY_IN_PROGRESS` while the process that
   * applies, or claims, runs or cannot be seen; `DOMAIN_STATE` as for {@link apply}, `PLAN_REFUSED` when a secret is needed
   * that no document has, `APPLY_FAILED`.
   */
  async recover(options: RecoverOptions): Promise<RecoverResult> {
    const result = await recoverDomain(this.#reader, options);
    await this.#reader.documents({ signal: options.signal });
    return result;
  }

  /**
   * What somebody else changed in the canonical document since this library last wrote it, by the seal that it leaves in
   * the domain's `<metadata>`. Nothing is written. A changed value of a secret does not show: a seal holds none.
   */
  drift(options: CallOptions = {}): Promise<Drift> {
    return driftOf(this.#reader, options);
  }

  /** Takes the canonical document as it is: seals it anew. virDomainSetMetadata. Errors: `DOMAIN_STATE` while an apply is under way or interrupted. */
  acceptDrift(options: CallOptions = {}): Promise<void> {
    return this.#exclusively(options, () => acceptDrift(this.#reader, options));
  }

  /**
   * Plans the way back to the canonical document as this library left it; nothing is changed, and nothing is ever defined.
   * What no call can bring back stands in `plan.refusals`; `only` leaves it out. Errors: `DOMAIN_STATE` without a seal.
   */
  planUndoDrift(options: UndoDriftOptions & CallOptions = {}): Promise<Plan> {
    return planUndoDriftOf(this.#reader, options);
  }

  /**
   * What libvirt tells of the domain, in its own words. It listens from the call on, `ready` resolves when the daemon has
   * registered it. A device is named by its alias, its id, and its identity where this object has read a document with it.
   * A `gap` stands where events are missing. virConnectDomainEventRegisterAny. Throws `UNSUPPORTED` for a type in `only` that
   * this libvirt has not; `CONNECTION_LOST` when it is iterated.
   *
   * @example
   * for await (const event of web.events({ signal })) if (event.type === 'io-error') console.log(event.path, event.reason);
   */
  events<T extends DomainEventType = DomainEventType>(options: EventsOptions<T> = {}): EventStream<DomainEventOf<T>> {
    const { connection, handle: domain } = this.#reader;
    return domainEvents(connection, { domain, documents: () => this.#reader.known }, options);
  }

  /**
   * Watches the domain and tells what an operator wants to know: drift, devices that the guest lets go of, however late,
   * crashes with the end of the log, a guest that stands still since a disk failed, a guest that panicked. Nothing is
   * written. Ends when the domain is undefined. Errors, when it is iterated: `CONNECTION_LOST`.
   *
   * @example
   * for await (const finding of web.watch({ signal })) if (finding.type === 'crash') console.log(finding.log.tail);
   */
  watch(options: WatchOptions = {}): EventStream<Finding> {
    return watch(this.#reader.connection, this.#reader, options);
  }

  /**
   * Starts the domain, after the hook `beforeStart`. virDomainCreateWithFlags. Errors: `DOMAIN_STATE` when it runs or a
   * managed-save image waits, `DOMAIN_QUARANTINED` when it was brought back elsewhere from a dead host, `START_FAILED`, `HOOK_FAILED`, and with `verify` `GUEST_ABI_CHANGED`; whichever, a domain
   * that is off afterwards had its `afterStop`.
   */
  start(options: StartOptions = {}): Promise<void> {
    return this.#exclusively(options, () => start(this.#reader, this.#hooks, options));
  }

  /**
   * Asks the guest to shut down, again every 5 seconds, and waits until it is off; then the hook `afterStop`.
   * virDomainShutdownFlags. Errors: `DOMAIN_STATE`, `TIMEOUT`, `AGENT_UNAVAILABLE`, `HOOK_FAILED`.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    return this.#exclusively(options, async () => {
      await shutdown(this.#reader, options);
      await this.#stopped('shutdown', options);
    });
  }

  /** Pulls the plug, then the hook `afterStop`; a domain that is off stays off. virDomainDestroyFlags. Errors: `HOOK_FAILED`. */
  destroy(options: CallOptions = {}): Promise<void> {
    return this.#exclusively(options, async () => {
      await destroy(this.#reader, options);
      await this.#stopped('destroy', options);
    });
  }

  /**
   * Reboots, one of three ways, and resolves with what is pending afterwards: a reboot by the guest applies none of it.
   *
   * `hard` makes no assumption about the state: destroy, the hook `afterStop`, the hook `beforeStart`, start. It can be
   * asked again after any failure. Errors as for {@link shutdown} and {@link start}.
   */
  reboot(options: RebootOptions): Promise<Pending> {
    return this.#exclusively(options, async () => {
      await reboot(this.#reader, this.#hooks, options);
      return this.pending({ signal: options.signal });
    });
  }

  /** Stops the vCPUs; memory and devices stay. virDomainSuspend. Errors: `DOMAIN_STATE` when it is off. */
  suspend(options: CallOptions = {}): Promise<void> {
    return this.#exclusively(options, () => suspend(this.#reader, options));
  }

  /**
   * Lets a suspended guest go on, and wakes one that sleeps; one that runs is as asked. virDomainResume,
   * virDomainPMWakeup. Errors: `DOMAIN_STATE` when it is off.
   */
  resume(options: CallOptions = {}): Promise<void> {
    return this.#exclusively(options, () => resume(this.#reader, options));
  }

  /**
   * Saves memory and live document to an image that libvirt keeps, and stops the domain; then the hook `afterStop`.
   * virDomainManagedSave. Changes made from then on wait for a boot: see {@link pending}. An abort leaves the guest
   * running and no image. Errors: `DOMAIN_STATE`, `ABORTED`, `HOOK_FAILED`.
   */
  save(options: SaveOptions = {}): Promise<void> {
    return this.#exclusively(options, async () => {
      await save(this.#reader, options);
      await this.#stopped('save', {});
    });
  }

  /**
   * Starts from the managed-save image, after the hook `beforeStart`: the guest goes on as it was saved, running or
   * paused, with the document of the image, which the live document is then held to. `verify: 'guest-abi'` refuses an
   * image whose guest sees other things than the canonical document says, and keeps it. Errors as for {@link start}, and
   * `DOMAIN_STATE` when there is no image.
   */
  restore(options: RestoreOptions = {}): Promise<void> {
    return this.#exclusively(options, () => restore(this.#reader, this.#hooks, options));
  }

  /**
   * Removes the domain from libvirt; it must be shut off. Disk images stay. virDomainUndefineFlags. Errors: `DOMAIN_STATE`
   * when it runs, or when it has a managed-save image, UEFI variables or snapshots and the options do not say what of them.
   */
  undefine(options: UndefineOptions = {}): Promise<void> {
    return this.#exclusively(options, () => undefine(this.#reader, options));
  }

  /** QEMU's guest agent in the running guest: ping, freeze and thaw. */
  get agent(): GuestAgent {
    return new GuestAgent(this.#reader);
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
    return snapshot(this.#reader, request);
  }

  /**
   * Writes what a disk has over its backing image into that one, and goes on there. The domain must run.
   * virDomainBlockCommit ACTIVE and virDomainBlockJobAbort PIVOT. Errors: `DOMAIN_STATE`, `ARGUMENT_INVALID`,
   * `JOB_FAILED`, `ABORTED`, `APPLY_IN_PROGRESS`, `APPLY_INTERRUPTED`.
   */
  commitDisk(disk: string, options: CommitOptions = {}): Promise<CommitResult> {
    return commitDisk(this.#reader, disk, options);
  }

  /**
   * Copies a disk of the running domain into a new file: waits until the copy has all of it, cuts it off at a moment in
   * which the guest's file systems are frozen if they can be, and leaves the disk as it is. virDomainBlockCopy.
   * Errors: `DOMAIN_STATE`, `DEVICE_NOT_FOUND`, `AGENT_UNAVAILABLE`, `JOB_FAILED`, `ABORTED`, `LIBVIRT`.
   */
  copyDisk(disk: string, file: string, options: CopyOptions = {}): Promise<CopyResult> {
    return copyDisk(this.#reader, disk, file, 'keep', options);
  }

  /**
   * Moves a disk of the running domain to a new file: a copy that the disk goes over to, in both documents, at the address
   * it has. The old file stays. Errors as for {@link copyDisk}, and `APPLY_IN_PROGRESS`, `APPLY_INTERRUPTED`.
   */
  moveDisk(disk: string, file: string, options: Omit<CopyOptions, 'quiesce'> = {}): Promise<CopyResult> {
    return copyDisk(this.#reader, disk, file, 'pivot', options);
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
    return resizeDisk(this.#reader, disk, options);
  }

  /**
   * Backs disks of the running domain up into new files, as they are at one moment, whole or only what was written since a
   * checkpoint. An incremental file names the disk's image as its backing file: rebase it on the backup before it
   * (`qemu-img rebase -u`). virDomainBackupBegin. Errors: `DOMAIN_STATE`, `DEVICE_NOT_FOUND`, `AGENT_UNAVAILABLE`,
   * `JOB_FAILED`, `ABORTED`, `LIBVIRT`.
   */
  backup(request: BackupRequest): Promise<BackupResult> {
    return backup(this.#reader, request);
  }

  /** The checkpoints of the domain, each after the one before it. virDomainListAllCheckpoints. */
  checkpoints(options: CallOptions = {}): Promise<Checkpoint[]> {
    return checkpoints(this.#reader, options);
  }

  /** Deletes a checkpoint; later backups cannot go on from it. virDomainCheckpointDelete. */
  deleteCheckpoint(name: string, options: CallOptions = {}): Promise<void> {
    return deleteCheckpoint(this.#reader, name, options);
  }

  /** The jobs on the disks of the running domain: those that a program which crashed has left, too. */
  blockJobs({ signal }: CallOptions = {}): Promise<BlockJob[]> {
    return blockJobs(this.#reader, signal);
  }

  /**
   * Takes over a copy or an active commit that runs on a disk, and finishes it: `keep` or `pivot` for a copy, the pivot for
   * a commit. A guest that the program before left frozen is thawed. Errors: `DOMAIN_STATE` when there is none, and those of
   * {@link copyDisk}.
   */
  adoptBlockJob(disk: string, options: AdoptOptions): Promise<CopyResult> {
    return adoptBlockJob(this.#reader, disk, options);
  }

  /**
   * Takes over the backup that runs, and waits for its end; an abort ends it, as that of {@link backup}. A guest that
   * the program before left frozen is thawed. virDomainBackupGetXMLDesc. Errors: `DOMAIN_STATE` when none runs, `JOB_FAILED`,
   * `ABORTED`.
   */
  adoptBackup(options: AdoptBackupOptions = {}): Promise<Omit<BackupResult, 'consistency'>> {
    return adoptBackup(this.#reader, options);
  }

  /**
   * Cancels the job on a disk, which stays on its image; what the job wrote stays, too, but for a backup, which ends for
   * all its disks and whose files libvirt deletes. A guest that a program left frozen is thawed. virDomainBlockJobAbort.
   */
  async abortBlockJob(disk: string, { signal }: CallOptions = {}): Promise<void> {
    const { target } = diskOf(await this.#reader.documents({ signal }), disk);
    await endJob(this.#reader, target, 'cancel');
    await thawLeft(this.#reader, { signal });
  }

  /**
   * Boots the domain from a rescue disk, with every other device there and where it was. The canonical document is not
   * touched: the rescue is one run of another document (virDomainCreateXML), and whatever ends that run ends the rescue. A
   * reboot by the guest stays in it. The document is rehearsed before the guest is stopped, and compared before it runs.
   *
   * Errors: `DOMAIN_STATE` (transient, in a rescue already, a managed-save image), `SPEC_INVALID`, `PLAN_REFUSED` for the
   * disk; `START_FAILED`, `GUEST_ABI_CHANGED` when it did not start, with what became of the domain. An abort after the
   * guest was stopped ends in the same way back.
   */
  rescue(options: RescueOptions): Promise<void> {
    return this.#exclusively(options, () => rescue(this.#subject, options));
  }

  /**
   * Ends a rescue and starts the domain from its canonical document. Works from any state, and again: a rescue that ended by
   * itself is over, and a domain that runs as it should is left alone. Errors as for `start` and `shutdown`.
   */
  unrescue(options: UnrescueOptions = {}): Promise<void> {
    return this.#exclusively(options, () => unrescue(this.#subject, options));
  }

  /** The rescue that is under way, whoever began it; undefined when there is none. */
  async rescueState(options: CallOptions = {}): Promise<RescueState | undefined> {
    return rescueStateOf((await this.#reader.documents(options)).live);
  }

  /**
   * Whether its host can still run the domain: machine type and CPU, removed or deprecated, the emulator, models of devices,
   * networks, pools and secrets it names, files where they can be looked at. A list, worst first. Ask after each upgrade
   * of the host, before the domain is shut down. virConnectGetDomainCapabilities, virConnectCompareHypervisorCPU.
   */
  async hostCheck(options: HostCheckOptions = {}): Promise<HostFinding[]> {
    const { canonical } = await this.#reader.documents({ signal: options.signal });
    return hostCheck(this.#reader.connection, canonical, options);
  }

  /**
   * All that makes the domain's machine the same one on another host, as one JSON value: canonical document, UEFI
   * variables, TPM state, the record of its guest ABI. Nothing of it is changed. With `disks` the contents of its disks go along, as one file
   * for each image in `folder` of this machine, with their SHA-256 in the bundle (virStorageVolDownload).
   *
   * Errors: `DOMAIN_STATE` for a transient domain, for one with a managed-save image unless `managedSave: 'without'`, and for one
   * that runs when its disks are asked for; `UNSUPPORTED` for a disk that is no file of a storage pool's folder;
   * `ARGUMENT_INVALID` when a file is there already; `JOB_FAILED` when an image was written to meanwhile. Whatever fails, the
   * files that were written are removed.
   *
   * @example
   * await writeFile('web1.json', JSON.stringify(await web.export({ secrets: 'include' })), { mode: 0o600 });
   */
  export(options: ExportOptions = {}): Promise<DomainBundle> {
    return this.#exclusively(options, () => exportDomain(this.#reader, options));
  }

  /**
   * Plans a migration to another host; nothing is changed. All findings at once, looked at on both hosts, each with what to
   * do; whether the storage of each disk is shared is found out by a volume that is made for a moment. Errors:
   * `SPEC_INVALID`, `SPEC_UNKNOWN_FIELD`, `DEVICE_NOT_FOUND` for options that are wrong.
   */
  planMigration(destination: MigrationDestination, options: MigrationOptions = {}): Promise<MigrationPlan> {
    return planMigration(this.#reader, destination, options);
  }

  /**
   * Migrates the domain to another host, and lets the source go only when the destination has been compared with it. Iterate
   * it for progress, await `done`; errors as {@link Migration.done} says. virDomainMigrate3, its calls made one by one.
   *
   * @example
   * const job = web.migrate(other, { policy: 'converge' });
   * for await (const { fraction, policy } of job) console.log(fraction, policy);
   * await job.done;
   */
  migrate(destination: MigrationDestination, options: MigrationOptions = {}): Migration {
    return migrate(this.#reader, destination, options);
  }

  /**
   * What a newer machine or CPU would change for the guest, as a proposal; nothing is changed. It is asked for by name and
   * confirmed by its token: no plan, define or start ever does it in passing.
   *
   * Errors: `UNSUPPORTED` for a machine that the host does not have, or of another family.
   *
   * @example
   * const proposal = await web.proposeAbiUpgrade({ machine: 'newest', cpu: 'host-model' });
   * console.log(`${proposal}`);
   * if (await yes()) await web.abiUpgrade(proposal, { confirm: proposal.token });
   */
  async proposeAbiUpgrade(request: AbiUpgradeRequest, options: HostCheckOptions = {}): Promise<AbiUpgradeProposal> {
    return proposeAbiUpgrade(this.#reader, request, options);
  }

  /**
   * Gives a domain that is off the machine and CPU of a proposal, under its UUID, and keeps everything else. The only
   * redefinition there is. libvirt puts the new document in the place of the old one at once or not at all, so that the
   * domain is never lost, whenever the process ends. What was written is read back; when it is other than proposed the old
   * one is put back. Resolves with the bundle of how it was, secrets included: import it, or propose the old
   * machine, to go back.
   *
   * Errors, before anything is changed: `PLAN_STALE` when the token is not the proposal's, or the domain changed since;
   * `DOMAIN_STATE` when it runs, or has a managed-save image, snapshots or checkpoints; `PLAN_REFUSED` when the host could
   * not run what is proposed; `APPLY_IN_PROGRESS`, `APPLY_INTERRUPTED`. `GUEST_ABI_CHANGED` when the old document had to be put back.
   */
  abiUpgrade(proposal: AbiUpgradeProposal, options: AbiUpgradeOptions): Promise<DomainBundle> {
    return this.#exclusively(options, () => abiUpgrade(this.#reader, proposal, options));
  }

  /**
   * Power and apply of one domain never run at once within this process.
   */
  #exclusively<T>({ signal }: { readonly signal?: AbortSignal | undefined }, work: () => Promise<T>): Promise<T> {
    return inDomainQueue(this.uuid, work, signal);
  }

  /** The abort of what came before is none of the hook's business once the domain is off. */
  #stopped(operation: HookOperation, { signal }: CallOptions): Promise<void> {
    return this.#hooks.run('afterStop', { operation, signal });
  }

  get #subject(): RescueSubject {
    return { reader: this.#reader, hooks: this.#hooks };
  }
}
