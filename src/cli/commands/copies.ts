import type { BackupRequest, CommitOptions, CopyOptions, Quiesce, Size, SnapshotRequest } from '../../index.js';
import { type Answer, UsageError } from '../exit.js';
import type { Session } from '../session.js';

/** Options of a copy on the command line. */
export interface CopyWords {
  readonly format?: 'qcow2' | 'raw';
  readonly quiesce?: Quiesce;
  readonly bandwidth?: Size;
}

/** `lvc snapshot`: the disks write to new files from now on. */
export async function snapshot(
  session: Session,
  name: string,
  snapshotName: string,
  { disk = [], quiesce }: { readonly disk?: readonly string[]; readonly quiesce?: Quiesce },
): Promise<Answer> {
  if (disk.length === 0)
    throw new UsageError('Which disks? --disk root, or --disk root=/img/root.over.qcow2 for a file of yours');
  const disks: SnapshotRequest['disks'] = Object.fromEntries(
    disk.map((text) => {
      const [id, file] = diskAndFile(text);
      return [id, file === undefined ? {} : { file }];
    }),
  );
  const domain = await session.domain(name);
  const result = await domain.snapshot({
    name: snapshotName,
    disks,
    signal: session.signal,
    ...(quiesce ? { quiesce } : {}),
  });
  const lines = result.disks.map((each) => `${each.disk}: writes to ${each.file} over ${each.base}`);
  return {
    result,
    text: [`Snapshot ${result.name} of ${domain.name}, consistent: ${result.consistency}.`, ...lines].join('\n'),
  };
}

/** `lvc commit`: what a disk has over its base goes into it. */
export async function commit(
  session: Session,
  name: string,
  disk: string,
  { into, leftover, bandwidth }: Pick<CommitOptions, 'into' | 'leftover'> & Pick<CopyWords, 'bandwidth'>,
): Promise<Answer> {
  const domain = await session.domain(name);
  const result = await domain.commitDisk(disk, { ...working(session), ...given({ into, leftover, bandwidth }) });
  const left = result.leftover.length === 0 ? '' : ` No longer needed: ${result.leftover.join(', ')}.`;
  return { result, text: `${result.disk} of ${domain.name} is on ${result.file}.${left}` };
}

/** `lvc copy`: a disk of the running domain into a new file. */
export async function copy(
  session: Session,
  name: string,
  disk: string,
  file: string,
  options: CopyWords,
): Promise<Answer> {
  const domain = await session.domain(name);
  const result = await domain.copyDisk(disk, file, { ...working(session), ...given<CopyOptions>(options) });
  return {
    result,
    text: `${result.disk} of ${domain.name} is copied to ${result.file}, consistent: ${result.consistency}.`,
  };
}

/** `lvc move`: a disk of the running domain goes over to a new file. */
export async function move(
  session: Session,
  name: string,
  disk: string,
  file: string,
  options: Omit<CopyWords, 'quiesce'>,
): Promise<Answer> {
  const domain = await session.domain(name);
  const result = await domain.moveDisk(disk, file, { ...working(session), ...given<CopyOptions>(options) });
  return {
    result,
    text: `${result.disk} of ${domain.name} is on ${result.file}. Its old file stays: ${result.source}.`,
  };
}

/** `lvc backup`: disks of the running domain into new files, as they are at one moment. */
export async function backup(
  session: Session,
  name: string,
  options: {
    readonly disk?: readonly string[];
    readonly checkpoint?: string;
    readonly since?: string;
    readonly quiesce?: Quiesce;
    readonly format?: 'qcow2' | 'raw';
  },
): Promise<Answer> {
  const { disk = [], format, ...rest } = options;
  if (disk.length === 0) throw new UsageError('Which disks, and into which files? --disk root=/backup/root.qcow2');
  const disks: BackupRequest['disks'] = Object.fromEntries(
    disk.map((text) => {
      const [id, file] = diskAndFile(text);
      if (file === undefined) throw new UsageError(`Into which file goes ${id}? --disk ${id}=/backup/${id}.qcow2`);
      return [id, { file, ...(format ? { format } : {}) }];
    }),
  );
  const domain = await session.domain(name);
  const { checkpoint, since, quiesce } = rest;
  const result = await domain.backup({
    disks,
    ...working(session),
    ...given<BackupRequest>({ checkpoint, since, quiesce }),
  });
  const lines = result.files.map((each) => `${each.disk}: ${each.file}`);
  const mark = result.checkpoint === undefined ? '' : ` The next one can go on from it: --since ${result.checkpoint}.`;
  return { result, text: [`Backup of ${domain.name}, consistent: ${result.consistency}.${mark}`, ...lines].join('\n') };
}

function diskAndFile(text: string): [string, string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

const working = ({ signal, progress }: Session) => ({ signal, onProgress: progress.bytes });

/** The options that were given. */
function given<T>(options: { readonly [K in keyof T]?: T[K] | undefined }): { readonly [K in keyof T]?: T[K] } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: T[K];
  };
}
