import type { ApplyOptions, RecoverOptions, ResizeOptions, UnplugOptions } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import type {
  AdoptBackupOptions,
  AdoptOptions,
  BackupRequest,
  CommitOptions,
  CopyOptions,
  ResizeDiskOptions,
  SnapshotRequest,
} from '../copies/index.js';
import {
  type AbiUpgradeOptions,
  AbiUpgradeProposal,
  type AbiUpgradeRequest,
  type DefineOptions,
  type UndefineOptions,
} from '../definition/index.js';
import type { DoctorOptions } from '../doctor/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { ExportOptions, ImportOptions } from '../evacuation/index.js';
import type { EventsOptions } from '../events/index.js';
import type { HostCheckOptions } from '../host/index.js';
import type { CreateSeedRequest, ResizeVolumeOptions, VolumeName } from '../images/index.js';
import type { MigrationOptions } from '../migration/index.js';
import {
  type AddressesOptions,
  STATS_GROUPS,
  type StatsOptions,
  type WaitForAddressOptions,
  type WatchOptions,
} from '../observe/index.js';
import {
  ANYTHING,
  BOOLEAN,
  CALLBACK,
  COUNT,
  checkArgument,
  group,
  LIST,
  MILLISECONDS,
  methods,
  OBJECT,
  type OptionTable,
  PERIOD,
  type Rule,
  SIGNAL,
  SIZE,
  shown,
  TEXT,
  TEXTS,
  words,
} from '../options.js';
import {
  type ChangeRequest,
  Plan,
  type ResizeRequest,
  type TowardsOptions,
  type UndoDriftOptions,
} from '../plan/index.js';
import type {
  AgentOptions,
  GuestAgent,
  RebootOptions,
  RestoreOptions,
  SaveOptions,
  ShutdownOptions,
  StartOptions,
} from '../power/index.js';
import type { RescueOptions, UnrescueOptions } from '../rescue/index.js';
import type { ConsoleOptions, ScreenshotOptions, TransferOptions } from '../transfer/index.js';
import { type ArgumentChecks, checked, options, request, required } from './argument-checks.js';

const call: OptionTable<CallOptions> = { signal: SIGNAL, timeout: MILLISECONDS };
const CALL = options<CallOptions>(call);
const SIDE = options<CallOptions & { readonly document?: 'canonical' | 'live' }>({
  ...call,
  document: words('canonical', 'live'),
});
const STATS = options<StatsOptions>({ ...call, groups: allOf(STATS_GROUPS), nowait: BOOLEAN });
const PROGRESS = { signal: SIGNAL, onProgress: CALLBACK };
const QUIESCE = words('agent', 'if-available', 'none');
const FORMAT = words('qcow2', 'raw');
const FILES = methods('a way to files', 'look', 'read', 'write', 'remove', 'list');
const IF_NOT_LIVE = words('refuse', 'next-boot');
const UNPLUG = group<UnplugOptions>({
  attempts: COUNT,
  timeout: MILLISECONDS,
  late: words('complete', 'leave'),
  onLate: CALLBACK,
  onProgress: CALLBACK,
});
const SCREEN = {
  takes: 'the number of a screen, from 0',
  fits: (value: unknown) => Number.isInteger(value) && Number(value) >= 0,
};
const VOLUME = request<VolumeName>({ pool: TEXT, volume: TEXT }, 'pool', 'volume');
const LOCAL_FILE = required('file', { ...TEXT, takes: 'a path of this machine' });
const transferring: OptionTable<TransferOptions> = { ...PROGRESS, sparse: BOOLEAN };
const DESTINATION = required('destination', {
  takes: 'a Connection to the other host, or its DomainManager',
  fits: (value) => OBJECT.fits(value) && ('call' in (value as object) || 'connection' in (value as object)),
});
/** The migration room looks into the objects among them. */
const MIGRATION = options<MigrationOptions>({
  mode: words('live', 'block', 'cold'),
  via: words('client', 'peer-to-peer', 'tunnelled'),
  destinationUri: TEXT,
  policy: ANYTHING,
  uri: TEXT,
  listenAddress: TEXT,
  disksUri: TEXT,
  disksPort: COUNT,
  parallel: COUNT,
  compression: OBJECT,
  tls: ANYTHING,
  disks: TEXTS,
  copy: words('all', 'incremental'),
  targets: words('create', 'given'),
  synchronousWrites: BOOLEAN,
  shared: TEXTS,
  paths: OBJECT,
  sources: OBJECT,
  graphics: OBJECT,
  undefineSource: BOOLEAN,
  prove: words('incoming', 'paused'),
  definitionThere: words('refuse', 'replace'),
  managedSave: words('refuse', 'discard'),
  hooks: OBJECT,
  files: OBJECT,
  abortTimeout: MILLISECONDS,
  signal: SIGNAL,
});
const DEFINE = options<DefineOptions>({
  ...call,
  hotplug: OBJECT,
  pinCpu: BOOLEAN,
  aliases: BOOLEAN,
  files: FILES,
  nvramDirectory: TEXT,
  unstartable: words('refuse', 'allow'),
  onFinding: CALLBACK,
});
const applying: OptionTable<ApplyOptions> = {
  ...PROGRESS,
  onFailure: words('rollback', 'stop'),
  unplug: UNPLUG,
  wait: MILLISECONDS,
};
const stopping: OptionTable<ShutdownOptions> = {
  ...PROGRESS,
  by: words('acpi', 'agent', 'agent-else-acpi'),
  timeout: MILLISECONDS,
  askAgain: PERIOD,
  onTimeout: words('error', 'destroy'),
};
const restoring: OptionTable<RestoreOptions> = {
  signal: SIGNAL,
  paused: BOOLEAN,
  verify: words('none', 'guest-abi'),
};
const watching: OptionTable<WatchOptions> = { signal: SIGNAL, interval: PERIOD, queue: COUNT };
const listening: OptionTable<EventsOptions> = { signal: SIGNAL, only: TEXTS, queue: COUNT };
const checking: OptionTable<HostCheckOptions> = { ...call, files: FILES, brought: TEXTS };
const copying: OptionTable<CopyOptions> = { ...PROGRESS, format: FORMAT, quiesce: QUIESCE, bandwidth: SIZE };
const { quiesce: _, ...moving } = copying;

const DISK = required('disk', { ...TEXT, takes: 'the id or the target of a disk' });
const FILE = required('file', { ...TEXT, takes: 'an absolute path' });
const DEFINITION = {
  takes: 'domain XML, or a spec: an object',
  fits: (value: unknown) => typeof value === 'string' || OBJECT.fits(value),
};
const BUNDLE = { takes: 'a bundle, or its JSON text', fits: DEFINITION.fits };
const DISKS = {
  takes: "'leave', 'include', or an array of disks",
  fits: (value: unknown) => value === 'leave' || value === 'include' || TEXTS.fits(value),
};
const GUEST_ABI = {
  takes: 'what guestAbi() returned',
  fits: (value: unknown) => OBJECT.fits(value) && 'devices' in (value as object),
};

/** An array of some of these words. */
function allOf<Word extends string>(all: readonly Word[]): Rule<readonly Word[]> {
  const { takes, fits } = words(...all);
  return { takes: `an array, each ${takes}`, fits: (value) => Array.isArray(value) && value.every(fits), words: all };
}

/** Refuses what is no plan, and says how to come by one. */
function assertPlan(method: string, value: unknown): void {
  if (value instanceof Plan) return;
  const has = (...names: string[]) => OBJECT.fits(value) && names.some((name) => name in (value as object));
  const [, remedy] = [
    [has('operations', 'formatVersion') || typeof value === 'string', 'Plan.fromJSON makes a plan of its JSON'],
    [has('attach', 'detach', 'update', 'set', 'storage'), 'Plan the request first: apply(await domain.plan(request))'],
    [shown(value) === 'a promise', 'Await it first: apply(await domain.plan(request))'],
    [true, 'Give what `await domain.plan(request)` returned'],
  ].find(([applies]) => applies) as [true, string];
  throw new LibvirtCanonicalError('ARGUMENT_INVALID', `${method}: plan must be a Plan, got ${shown(value)}`, {
    path: 'plan',
    remedy,
  });
}

/** What each public method of a domain takes. */
export const DOMAIN_DOORS = {
  state: [CALL],
  stateReason: [CALL],
  canonical: [CALL],
  live: [CALL],
  devices: [CALL],
  topology: [CALL],
  storage: [SIDE],
  guestAbi: [SIDE],
  addresses: [options<AddressesOptions>({ ...call, sources: TEXTS })],
  stats: [STATS],
  waitForAddress: [
    options<WaitForAddressOptions>({
      signal: SIGNAL,
      timeout: MILLISECONDS,
      family: words('ipv4', 'ipv6'),
      mac: TEXT,
      sources: TEXTS,
    }),
  ],
  verify: [required('reference', GUEST_ABI), CALL],
  pending: [CALL],
  log: [CALL],
  plan: [
    request<ChangeRequest>({
      attach: LIST,
      detach: LIST,
      update: LIST,
      set: OBJECT,
      storage: OBJECT,
      scope: words('persistent', 'both', 'live', 'config'),
      replace: words('refuse', 'allow'),
      ifNotLive: IF_NOT_LIVE,
      detachOrder: words('live-first', 'config-first'),
    }),
    CALL,
  ],
  planTowards: [
    required('desired', DEFINITION, 'request'),
    options<TowardsOptions & CallOptions>({
      ...call,
      replace: words('refuse', 'allow'),
      ifNotLive: IF_NOT_LIVE,
      detachOrder: words('live-first', 'config-first'),
      set: OBJECT,
    }),
  ],
  apply: [checked(assertPlan), options<ApplyOptions>(applying)],
  planResize: [request<ResizeRequest>({ vcpus: ANYTHING, memory: ANYTHING, ifNotLive: IF_NOT_LIVE }), CALL],
  resize: [
    request<ResizeRequest>({ vcpus: ANYTHING, memory: ANYTHING, ifNotLive: IF_NOT_LIVE }),
    options<ResizeOptions>({ ...applying, settle: MILLISECONDS }),
  ],
  recover: [
    options<RecoverOptions>(
      {
        signal: SIGNAL,
        mode: words('complete', 'undo', 'keep'),
        owner: words('ended', 'gone'),
        onProgress: CALLBACK,
        unplug: UNPLUG,
        wait: MILLISECONDS,
      },
      'mode',
    ),
  ],
  console: [options<ConsoleOptions>({ signal: SIGNAL, device: TEXT, force: BOOLEAN })],
  openChannel: [
    required('name', { ...TEXT, takes: 'the target name or the alias of a channel' }),
    options<Pick<ConsoleOptions, 'signal'>>({ signal: SIGNAL }),
  ],
  screenshot: [options<ScreenshotOptions>({ signal: SIGNAL, screen: SCREEN })],
  drift: [CALL],
  acceptDrift: [CALL],
  planUndoDrift: [options<UndoDriftOptions & CallOptions>({ ...call, only: TEXTS, ifNotLive: IF_NOT_LIVE })],
  events: [options<EventsOptions>(listening)],
  watch: [options<WatchOptions>(watching)],
  start: [options<StartOptions>({ ...restoring, managedSave: words('refuse', 'restore', 'discard') })],
  shutdown: [options<ShutdownOptions>(stopping)],
  destroy: [CALL],
  suspend: [CALL],
  resume: [CALL],
  save: [options<SaveOptions>({ ...PROGRESS, restoreAs: words('running', 'paused') })],
  restore: [options<RestoreOptions>(restoring)],
  reboot: [
    options<RebootOptions>(
      {
        ...stopping,
        mode: words('guest', 'cold', 'hard'),
        verify: restoring.verify,
        managedSave: words('refuse', 'discard'),
      },
      'mode',
    ),
  ],
  undefine: [
    options<UndefineOptions>({ signal: SIGNAL, nvram: BOOLEAN, managedSave: BOOLEAN, snapshotsMetadata: BOOLEAN }),
  ],
  snapshot: [
    request<SnapshotRequest>({ name: TEXT, disks: OBJECT, quiesce: QUIESCE, signal: SIGNAL }, 'name', 'disks'),
  ],
  commitDisk: [
    DISK,
    options<CommitOptions>({ ...PROGRESS, into: TEXT, leftover: words('keep', 'delete'), bandwidth: SIZE }),
  ],
  copyDisk: [DISK, FILE, options<CopyOptions>(copying)],
  moveDisk: [DISK, FILE, options<Omit<CopyOptions, 'quiesce'>>(moving)],
  resizeDisk: [DISK, request<ResizeDiskOptions>({ ...call, capacity: SIZE }, 'capacity')],
  backup: [
    request<BackupRequest>({ ...PROGRESS, disks: OBJECT, checkpoint: TEXT, since: TEXT, quiesce: QUIESCE }, 'disks'),
  ],
  checkpoints: [CALL],
  deleteCheckpoint: [required('name', { ...TEXT, takes: 'the name of a checkpoint' }), CALL],
  blockJobs: [CALL],
  adoptBlockJob: [
    DISK,
    options<AdoptOptions>({ ...PROGRESS, finish: words('keep', 'pivot'), quiesce: QUIESCE, bandwidth: SIZE }, 'finish'),
  ],
  adoptBackup: [options<AdoptBackupOptions>({ ...PROGRESS, checkpoint: TEXT })],
  abortBlockJob: [DISK, CALL],
  rescue: [
    request<RescueOptions>(
      {
        ...stopping,
        disk: OBJECT,
        kernel: OBJECT,
        stop: words('destroy', 'shutdown'),
        onFailure: words('restart', 'leave-off'),
      },
      'disk',
    ),
  ],
  unrescue: [
    options<UnrescueOptions>({ ...stopping, stop: words('destroy', 'shutdown'), after: words('start', 'stay-off') }),
  ],
  rescueState: [CALL],
  planMigration: [DESTINATION, MIGRATION],
  migrate: [DESTINATION, MIGRATION],
  hostCheck: [options<HostCheckOptions>(checking)],
  export: [
    options<ExportOptions>({
      signal: SIGNAL,
      files: FILES,
      tpmFolder: TEXT,
      secrets: words('include', 'leave-out'),
      managedSave: words('refuse', 'without'),
      disks: DISKS,
      folder: TEXT,
      onProgress: CALLBACK,
    }),
  ],
  proposeAbiUpgrade: [request<AbiUpgradeRequest>({ machine: TEXT, cpu: TEXT }), options<HostCheckOptions>(checking)],
  abiUpgrade: [
    checked((method, value) =>
      checkArgument(method, 'proposal', value, {
        takes: 'what `await domain.proposeAbiUpgrade(request)` returned',
        fits: (given) => given instanceof AbiUpgradeProposal,
      }),
    ),
    options<AbiUpgradeOptions>(
      { signal: SIGNAL, files: FILES, tpmFolder: TEXT, confirm: TEXT, keep: CALLBACK },
      'confirm',
    ),
  ],
} as const;

/** What each public method of a manager takes. */
export const MANAGER_DOORS = {
  define: [required('definition', DEFINITION, 'request'), DEFINE],
  planDefine: [required('definition', DEFINITION, 'request'), DEFINE],
  createImage: [required('request', OBJECT, 'request'), CALL],
  createSeed: [request<CreateSeedRequest>({ path: TEXT, seed: OBJECT, files: FILES, signal: SIGNAL }, 'path', 'seed')],
  host: [CALL],
  networks: [CALL],
  pools: [CALL],
  volumes: [required('pool', { ...TEXT, takes: 'the name of a pool' }), CALL],
  resizeVolume: [
    VOLUME,
    required('capacity', SIZE),
    options<ResizeVolumeOptions>({ ...call, shrink: words('refuse', 'allow') }),
  ],
  deleteVolume: [VOLUME, CALL],
  stats: [STATS],
  get: [required('nameOrUuid', { ...TEXT, takes: 'the name or the UUID of a domain, a text' }), CALL],
  list: [CALL],
  all: [CALL],
  events: [options<EventsOptions>(listening)],
  watch: [options<WatchOptions>(watching)],
  hostCheck: [
    required('domain', { takes: 'a domain, a bundle, or domain XML', fits: DEFINITION.fits }),
    options<HostCheckOptions>(checking),
  ],
  doctor: [options<DoctorOptions>({ ...call, hosts: LIST, files: FILES, daemonConfig: TEXT, logs: TEXTS })],
  uploadVolume: [VOLUME, LOCAL_FILE, options<TransferOptions>(transferring)],
  downloadVolume: [VOLUME, LOCAL_FILE, options<TransferOptions>(transferring)],
  import: [
    required('bundle', BUNDLE, 'request'),
    options<ImportOptions>({
      signal: SIGNAL,
      files: FILES,
      tpmFolder: TEXT,
      hosts: LIST,
      unknownHosts: words('refuse', 'accept'),
      paths: OBJECT,
      leftOutSecrets: words('refuse', 'without'),
      autostart: words('restore', 'leave-off'),
      disks: words('leave', 'include'),
      folder: TEXT,
      onProgress: CALLBACK,
      onFindings: CALLBACK,
    }),
  ],
} as const;

const agent: OptionTable<AgentOptions> = { signal: SIGNAL, timeout: MILLISECONDS };

/** What each method of a domain's agent takes. */
export const AGENT_DOORS: ArgumentChecks<GuestAgent> = {
  state: [options<AgentOptions>(agent)],
  ping: [options<AgentOptions>(agent)],
  freeze: [options<AgentOptions & { readonly mountpoints?: readonly string[] }>({ ...agent, mountpoints: TEXTS })],
  thaw: [options<AgentOptions>(agent)],
  frozen: [options<AgentOptions>(agent)],
};
