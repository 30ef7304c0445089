import { closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { LibvirtCanonicalError } from '../errors.js';
import { type Account, handOver } from './account.js';
import { findProgram, run } from './programs.js';

export interface DiskOptions {
  /** `'64 MiB'`, `'1 GiB'` … or bytes. Default 16 MiB, or the size of `backing`. */
  readonly size?: string | number | bigint;
  /** Default: `raw` when the name ends in `.raw`, `.img` or `.iso`, else `qcow2`. */
  readonly format?: 'qcow2' | 'raw';
  /** Path of a qcow2 image below this one. Makes the image qcow2. */
  readonly backing?: string;
}

const UNITS: Readonly<Record<string, bigint>> = {
  B: 1n,
  KiB: 1n << 10n,
  MiB: 1n << 20n,
  GiB: 1n << 30n,
  TiB: 1n << 40n,
};
const RAW = new Set(['.raw', '.img', '.iso']);

/** Makes an empty image at `path`, owned by the host's user. */
export async function createDiskImage(path: string, options: DiskOptions, account: Account): Promise<void> {
  const { backing } = options;
  const format = options.format ?? (RAW.has(extname(path)) && backing === undefined ? 'raw' : 'qcow2');
  const size = options.size === undefined ? (backing === undefined ? 16n << 20n : undefined) : bytesOf(options.size);
  if (format === 'raw') {
    if (backing !== undefined)
      throw new LibvirtCanonicalError('SPEC_INVALID', 'A raw image cannot have a backing image', { path: 'backing' });
    const file = openSync(path, 'wx');
    ftruncateSync(file, Number(size));
    closeSync(file);
  } else {
    const below = backing === undefined ? [] : ['-b', backing, '-F', 'qcow2'];
    await run(findProgram('qemu-img'), [
      'create',
      '-q',
      '-f',
      'qcow2',
      ...below,
      path,
      ...(size === undefined ? [] : [String(size)]),
    ]);
  }
  handOver(path, account);
}

/** Makes a raw image whose first bytes are `content`, padded to whole CD sectors. */
export function createMedium(path: string, content: string, account: Account): void {
  const text = Buffer.from(content);
  const image = Buffer.alloc(Math.max(1, Math.ceil(text.length / 2048)) * 2048);
  text.copy(image);
  writeFileSync(path, image, { flag: 'wx' });
  handOver(path, account);
}

function bytesOf(size: string | number | bigint): bigint {
  if (typeof size !== 'string') return BigInt(size);
  const [, amount, unit = 'B'] = /^(\d+)\s*([KMGT]iB|B)?$/.exec(size.trim()) ?? [];
  const factor = UNITS[unit];
  if (amount === undefined || factor === undefined) {
    throw new LibvirtCanonicalError('SPEC_INVALID', `"${size}" is not a size`, {
      path: 'size',
      remedy: "Write '64 MiB' or a number of bytes",
    });
  }
  return BigInt(amount) * factor;
}
