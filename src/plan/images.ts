import { posix } from 'node:path';
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
  return [value.startsWith('/') ? posix.normalize(value) : value, ...BESIDE.map((path) => leaves.get(path) ?? '')].join(
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

/** Why an image is not certainly read as what it is: nobody gave its format, and QEMU then takes it for raw. */
export function unsaidFormat({ kind, leaves, identity }: Device): string | undefined {
  const name = leaves.get('source/@file') ?? leaves.get('source/@dev');
  if (kind.element !== 'disk' || name === undefined || leaves.has('driver/@type')) return undefined;
  if (['cdrom', 'floppy'].includes(leaves.get('@device') ?? '') || /\.(raw|iso|img)$/i.test(name)) return undefined;
  return `${identity}: no format is given, so QEMU takes ${name} for raw, whatever it holds; give format: 'qcow2' if it is one`;
}
