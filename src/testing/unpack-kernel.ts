import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { findProgram } from './programs.js';

/** What a bzImage's payload begins with, and what unpacks it. */
const UNPACKERS: readonly { readonly magic: string; readonly unpack: (payload: Buffer) => Buffer | undefined }[] = [
  { magic: '02214c18', unpack: through('lz4', '-dcq') },
  { magic: '28b52ffd', unpack: through('zstd', '-dcq') },
  { magic: 'fd377a585a00', unpack: through('xz', '-dcq', '--single-stream') },
  { magic: '1f8b', unpack: gunzipSync },
];

/** The ELF note by which QEMU enters an unpacked kernel (PVH): name "Xen", type 18, with an address of 4 or 8 bytes. */
const PVH_NOTES = [4, 8].map((size) => Buffer.from([4, 0, 0, 0, size, 0, 0, 0, 18, 0, 0, 0, 0x58, 0x65, 0x6e, 0]));

/**
 * Writes the kernel inside a bzImage to `target`, so that no emulated CPU has to unpack it: a second less at each start
 * of a domain, and five at each reset, where the unpacking overwrites code that QEMU has translated already. A kernel
 * that cannot be unpacked here or entered this way is used as it is.
 */
export async function unpackKernel(bzImage: string, target: string): Promise<void> {
  const partial = `${target}.${process.pid}`;
  const kernel = payloadOf(readFileSync(bzImage));
  if (kernel && PVH_NOTES.some((note) => kernel.includes(note))) writeFileSync(partial, kernel);
  else linkSync(bzImage, partial);
  chmodSync(partial, 0o644);
  renameSync(partial, target);
  // Renaming one link of a file to another does nothing.
  rmSync(partial, { force: true });
}

function payloadOf(image: Buffer): Buffer | undefined {
  if (image.toString('latin1', 0x202, 0x206) !== 'HdrS') return undefined;
  // Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length; the payload ends in its unpacked size.
  const start = ((image[0x1f1] || 4) + 1) * 512 + image.readUInt32LE(0x248);
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c));
  const unpacker = UNPACKERS.find(({ magic }) => payload.toString('hex', 0, magic.length / 2) === magic);
  const kernel = unpacker?.unpack(payload.subarray(0, -4));
  return kernel?.toString('latin1', 1, 4) === 'ELF' ? kernel : undefined;
}

function through(program: string, ...args: readonly string[]): (payload: Buffer) => Buffer | undefined {
  return (payload) => {
    const { status, stdout } = spawnSync(findProgram(program), args, { input: payload, maxBuffer: 256 << 20 });
    return status === 0 ? stdout : undefined;
  };
}
