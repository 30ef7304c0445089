import type { Device } from '../domain/index.js';

/** What tells one image from another, by the leaf of a disk that names it. */
const NAMES = ['source/@file', 'source/@dev', 'source/@dir', 'source/@volume', 'source/@name'] as const;
/** What else belongs to such a name. */
const BESIDE = [
  'source/@pool',
  'source/@protocol',
  'source/host/@name',
  'source/host/@port',
  'source/@namespace',
] as const;

/** The image of a disk as one text; undefined for an empty drive, and for what is no disk. */
function imageOf({ kind, leaves }: Device): string | undefined {
  if (kind.element !== 'disk') return undefined;
  const name = NAMES.find((path) => leaves.has(path));
  if (name === undefined) return undefined;
  const value = leaves.get(name) as string;
  return [value.startsWith('/') ? normalized(value) : value, ...BESIDE.map((path) => leaves.get(path) ?? '')].join(
    '\0',
  );
}

/** A drive that cannot write, and a disk that is said to be shared, may have an image together with another of its kind. */
function mayShare({ leaves }: Device): boolean {
  return leaves.has('readonly') || leaves.has('shareable') || leaves.get('@device') === 'cdrom';
}

/** The disk of `others` that has the image of a disk already, when not both may share it: each write breaks what the other knows. */
export function holderOfImage(disk: Device, others: readonly Device[]): Device | undefined {
  const image = imageOf(disk);
  if (image === undefined) return undefined;
  return others.find((other) => imageOf(other) === image && !(mayShare(disk) && mayShare(other)));
}

/** Why an image is not certainly read as what it is. */
export interface UnsaidFormat {
  readonly reason: string;
  readonly remedy: string;
  /** The name itself says that the image is not raw. */
  readonly isWrong: boolean;
}

/**
 * A disk that is read as raw though nobody said so: the guest sees the header of a qcow2 image, and its first write destroys
 * it. `before` is the disk whose source an update changes: what it was of is its format still.
 */
export function unsaidFormat({ kind, leaves }: Device, before?: Device): UnsaidFormat | undefined {
  const name = NAMES.flatMap((path) => leaves.get(path) ?? [])[0];
  const format = leaves.get('driver/@type');
  if (kind.element !== 'disk' || name === undefined || /\.(raw|iso)$/i.test(name)) return undefined;
  if (before ? format !== before.leaves.get('driver/@type') : format !== undefined) return undefined;
  const isWrong = /\.(qcow2?|vmdk|vdi|vhdx?|qed)$/i.test(name);
  if (before ? !isWrong || (format ?? 'raw') !== 'raw' : !isWrong && isMedium(leaves)) return undefined;
  const why = format === undefined ? 'no format is given, so QEMU' : 'the format stays raw, so QEMU';
  return {
    reason: `${why} takes ${name} for raw, whatever it holds`,
    remedy: "Give its format, such as format: 'qcow2'",
    isWrong,
  };
}

function isMedium(leaves: Device['leaves']): boolean {
  return ['cdrom', 'floppy'].includes(leaves.get('@device') ?? '');
}

/** An absolute path without `.`, `..` and doubled slashes. */
function normalized(path: string): string {
  const steps: string[] = [];
  for (const step of path.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return `/${steps.join('/')}`;
}
