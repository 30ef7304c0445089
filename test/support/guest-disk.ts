import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Guest } from '../../src/testing/index.js';

/** Writes a file into the file system that the guest has at /mnt. */
export async function write(guest: Guest, text: string): Promise<void> {
  const { status, output } = await guest.exec(`echo ${text} >/mnt/${text} && sync`);
  assert.is(status, 0, output);
}

/** Whether an image, with what lies below it, holds a text. Read from outside, without the guest and the library. */
export function holds(image: string, text: string): boolean {
  const raw = `${image}.read`;
  execFileSync('qemu-img', ['convert', '-U', '-O', 'raw', image, raw]);
  try {
    return readFileSync(raw).includes(text);
  } finally {
    rmSync(raw);
  }
}
