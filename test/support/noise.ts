import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a qcow2 image full of noise in a folder, which takes its time to copy, and returns its path. */
export function noiseDisk(folder: string, name: string, bytes: number): string {
  const [raw, file] = [join(folder, name), join(folder, `${name}.qcow2`)];
  writeFileSync(raw, randomFillSync(Buffer.alloc(bytes)));
  execFileSync('qemu-img', ['convert', '-O', 'qcow2', raw, file]);
  rmSync(raw);
  chmodSync(file, 0o666);
  return file;
}
