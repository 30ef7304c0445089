import { setTimeout as sleep } from 'node:timers/promises';
import { type DomainAccess, inDomainQueue, nextItem, withTimeout } from '../apply/index.js';
import {
  LibvirtError,
  paramsToObject,
  VIR_DOMAIN_JOB_COMPLETED,
  VIR_DOMAIN_JOB_NONE,
  VIR_DOMAIN_JOB_OPERATION_BACKUP,
  VIR_DOMAIN_JOB_STATS_COMPLETED,
  VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED,
} from '../connection/index.js';
import { specInvalid } from '../domain/index.js';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { isInvalidNow, ProgressMeter, type ProgressOptions, stateError } from '../power/index.js';
import { buildElement, parseElement, select, valueAt } from '../xml/index.js';
import { deleteCheckpoint } from './backup-checkpoints.js';
import { assertNotAborted } from './block-job.js';
import { diskOf, notRunning, verifyImages } from './copy-disks.js';
import { type Consistency, type Quiesce, quiesced, thawLeft } from './quiesce.js';

/** Abort: libvirt ends the job and deletes the files it made, and the checkpoint is deleted; the next backup can go on from the one before. */
export interface BackupRequest extends ProgressOptions {
  /** The disks to back up, by id or target, each into a new file. */
  readonly disks: Readonly<Record<string, { readonly file: string; readonly format?: 'qcow2' | 'raw' }>>;
  /** Name of a checkpoint to make at the moment of the backup, which a later one can go on from. The disks must be qcow2. */
  readonly checkpoint?: string;
  /** Only what was written since this checkpoint. */
  readonly since?: string;
  /** Freeze the guest's file systems at the moment of the backup. Default `if-available`. */
  readonly quiesce?: Quiesce;
}

/** A finished backup. */
export interface BackupResult {
  readonly files: readonly { readonly disk: string; readonly file: string }[];
  readonly checkpoint: string | undefined;
  readonly since: string | undefined;
  readonly consistency: Consistency;
}

const POLL = 500;
const PATIENT = { timeout: Number.POSITIVE_INFINITY } as const;

/** virDomainBackupBegin in push mode. What the files hold is the disks at the moment of the begin, whatever is written later. */
export async function backup(reader: DomainAccess, request: BackupRequest): Promise<BackupResult> {
  const { connection, handle: dom } = reader;
  const { checkpoint, since, quiesce = 'if-available', signal } = request;
  const what = `backup of ${dom.name}`;
  await using ending = await endOfBackup(reader);
  let begun = false;
  const begin = async (): Promise<BackupResult> => {
    const before = await reader.documents({ signal });
    if (!before.live) throw notRunning(dom.name, 'its disks are backed up as the files they are');
    const files = Object.entries(request.disks).map(([name, target]) => ({ disk: diskOf(before, name), ...target }));
    if (files.length === 0) throw specInvalid('disks', 'a backup of no disk', 'Name the disks and a file for each');
    const targets = before.live.devices.flatMap(({ kind, leaves }) =>
      kind.element === 'disk' ? [leaves.get('target/@dev') ?? ''] : [],
    );
    const wanted = (target: string) => files.find(({ disk }) => disk.target === target);
    const perDisk = (leaves: (target: string, at: string) => [string, string][]) =>
      targets.flatMap((target, index): [string, string][] => {
        const at = `disks/disk[${index + 1}]`;
        return [[`${at}/@name`, target], ...leaves(target, at)];
      });
    const backup_xml = buildElement('domainbackup', [
      ['@mode', 'push'],
      ...(since === undefined ? [] : [['incremental', since] as const]),
      ...perDisk((target, at) => {
        const chosen = wanted(target);
        if (!chosen) return [[`${at}/@backup`, 'no']];
        return [
          [`${at}/@backup`, 'yes'],
          [`${at}/@type`, 'file'],
          [`${at}/driver/@type`, chosen.format ?? 'qcow2'],
          [`${at}/target/@file`, chosen.file],
        ];
      }),
    ]);
    const checkpoint_xml =
      checkpoint === undefined
        ? null
        : buildElement('domaincheckpoint', [
            ['name', checkpoint],
            ...perDisk((target, at) => [[`${at}/@checkpoint`, wanted(target) ? 'bitmap' : 'no']]),
          ]);
    assertNotAborted(what, signal);
    const { consistency } = await quiesced(reader, quiesce, { signal }, async () => {
      await connection
        .call('DOMAIN_BACKUP_BEGIN', { dom, backup_xml, checkpoint_xml, flags: 0 }, PATIENT)
        .catch((error: unknown) => Promise.reject(stateError(reader, 'be backed up', error)));
      begun = true;
    });
    await verifyImages(reader, before, new Map());
    return { files: files.map(({ disk, file }) => ({ disk: disk.identity, file })), checkpoint, since, consistency };
  };
  let result: BackupResult;
  try {
    result = await inDomainQueue(dom.uuid, begin, signal);
  } catch (error) {
    if (begun) await abandon(reader, checkpoint);
    throw error;
  }
  return concluded(reader, what, ending, result, request);
}

/** Which backup it is that a program has left, as far as libvirt does not tell. */
export interface AdoptBackupOptions extends ProgressOptions {
  /** The checkpoint that was to be made with it. It is deleted when the backup fails or is aborted. */
  readonly checkpoint?: string;
}

/** Takes over the backup that another program, or this one before it crashed, left running: waits for its end. */
export async function adoptBackup(
  reader: DomainAccess,
  options: AdoptBackupOptions,
): Promise<Omit<BackupResult, 'consistency'>> {
  const { connection, handle: dom } = reader;
  const { signal, checkpoint } = options;
  await using ending = await endOfBackup(reader);
  const documents = await reader.documents({ signal });
  const { xml } = await connection.call('DOMAIN_BACKUP_GET_XML_DESC', { dom, flags: 0 }, { signal }).catch((error) => {
    if (!(error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_DOMAIN_BACKUP')) throw error;
    throw new LibvirtCanonicalError('DOMAIN_STATE', `no backup of ${dom.name} runs`, {
      cause: error,
      domain: dom.name,
      remedy: 'One that has ended by itself left its files whole, one that failed left none',
    });
  });
  const root = parseElement(xml);
  const files = select(root, 'disks/disk[@backup="yes"]').map((disk) => ({
    disk: diskOf(documents, disk.getAttribute('name') ?? '').identity,
    file: valueAt(disk, 'target/@file') ?? '',
  }));
  await thawLeft(reader, { signal });
  const result = { files, checkpoint, since: valueAt(root, 'incremental') };
  return concluded(reader, `backup of ${dom.name}`, ending, result, options);
}

/** Subscribes to the end of a domain's backup, before it is looked at. */
async function endOfBackup({ connection, handle: domain }: DomainAccess) {
  const events = await connection.subscribe('JOB_COMPLETED', { domain });
  const ended = nextItem(events, ({ params }) => paramsToObject(params).operation === VIR_DOMAIN_JOB_OPERATION_BACKUP);
  ended.catch(() => {});
  return { ended, [Symbol.asyncDispose]: () => events[Symbol.asyncDispose]() };
}

/** Waits for the end of a backup that runs; on failure and abort nothing of it stays. */
async function concluded<T>(
  reader: DomainAccess,
  what: string,
  { ended }: { readonly ended: Promise<unknown> },
  result: T,
  options: AdoptBackupOptions,
): Promise<T> {
  const { signal, checkpoint } = options;
  try {
    await untilDone(reader, what, ended, options);
    return result;
  } catch (error) {
    const outcome = await abandon(reader, checkpoint);
    if (!signal?.aborted) throw error;
    // It was faster than the abort: the files are whole.
    if (outcome === 'complete') return result;
    throw new AbortedError(`${what} (the job is ended; its files and checkpoint are deleted)`, signal.reason);
  }
}

/** Waits until the job of the domain is over, and judges by what libvirt keeps of it. */
async function untilDone(
  reader: DomainAccess,
  what: string,
  ended: Promise<unknown>,
  options: ProgressOptions,
): Promise<void> {
  const { signal } = options;
  const meter = new ProgressMeter(what, options);
  try {
    for (;;) {
      const now = await statsOf(reader, 0, signal);
      if (now.type === VIR_DOMAIN_JOB_NONE || now.operation !== VIR_DOMAIN_JOB_OPERATION_BACKUP) break;
      meter.read(bigint(now.disk_processed), bigint(now.disk_total));
      await withTimeout(ended, POLL, what, signal);
    }
    const last = await statsOf(reader, LAST, signal);
    if (isComplete(last)) return;
    throw failed(reader, what, typeof last.errmsg === 'string' ? last.errmsg : 'it was ended by somebody else');
  } catch (error) {
    throw isInvalidNow(error) ? failed(reader, what, 'the domain is off', error) : error;
  }
}

const LAST = VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED;

type Stats = Readonly<Record<string, unknown>>;

async function statsOf({ connection, handle: dom }: DomainAccess, flags: number, signal?: AbortSignal): Promise<Stats> {
  const { type, params } = await connection.call('DOMAIN_GET_JOB_STATS', { dom, flags }, { signal });
  return { type, ...paramsToObject(params) };
}

const isComplete = ({ type, operation }: Stats): boolean =>
  type === VIR_DOMAIN_JOB_COMPLETED && operation === VIR_DOMAIN_JOB_OPERATION_BACKUP;

const bigint = (value: unknown): bigint => (typeof value === 'bigint' ? value : 0n);

function failed({ handle }: DomainAccess, what: string, why: string, cause?: unknown): LibvirtCanonicalError {
  return new LibvirtCanonicalError('JOB_FAILED', `${what} has failed: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    domain: handle.name,
    remedy: 'Its files are of no use; look for a full disk or an input error and begin again',
  });
}

/** A checkpoint without its backup would make the next incremental one miss what this one had. */
async function abandon(reader: DomainAccess, checkpoint: string | undefined): Promise<'ended' | 'complete'> {
  const { connection, handle: dom } = reader;
  await connection.call('DOMAIN_ABORT_JOB', { dom }).catch(() => {});
  for (let tries = 0; tries < 100; tries++) {
    const job = await statsOf(reader, 0).catch(() => undefined);
    if (!job || job.type === VIR_DOMAIN_JOB_NONE) break;
    await sleep(100);
  }
  const last = await statsOf(reader, LAST).catch(() => undefined);
  if (last && isComplete(last)) return 'complete';
  if (checkpoint !== undefined) await deleteCheckpoint(reader, checkpoint).catch(() => {});
  return 'ended';
}
