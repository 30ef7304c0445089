import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { HostSetupError } from './errors.js';
import { GUEST_MODULES, INIT } from './guest-init.js';
import type { GuestKernel } from './guest-kernel.js';
import { findProgram, run } from './programs.js';

/** Builds the guest's initramfs at `target`: static busybox, the init script, and its drivers in the order to load. */
export async function buildInitramfs(kernel: GuestKernel, target: string): Promise<void> {
  const busybox = staticBusybox();
  const cpio = findProgram('cpio');
  mkdirSync(dirname(target), { recursive: true });
  const scratch = mkdtempSync(`${target}.`);
  try {
    const root = join(scratch, 'root');
    for (const folder of ['bin', 'dev', 'proc', 'sys', 'tmp', 'lib/modules'])
      mkdirSync(join(root, folder), { recursive: true });
    copyFileSync(busybox, join(root, 'bin/busybox'));
    writeFileSync(join(root, 'init'), INIT);
    chmodSync(join(root, 'init'), 0o755);
    const order: string[] = [];
    for (const { name, content } of modulesInOrder(kernel.modules, GUEST_MODULES)) {
      writeFileSync(join(root, 'lib/modules', `${name}.ko`), content);
      order.push(`${name}.ko\n`);
    }
    writeFileSync(join(root, 'lib/modules/order'), order.join(''));
    const image = join(scratch, 'image');
    // Uncompressed: QEMU copies it in no time, an emulated CPU would unpack it slowly.
    await run('/bin/sh', [
      '-e',
      '-c',
      `cd "$1"; find . | "$2" -o -H newc -R 0:0 --quiet >"$3"`,
      'sh',
      root,
      cpio,
      image,
    ]);
    renameSync(image, target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function staticBusybox(): string {
  const path = findProgram('busybox');
  if (readFileSync(path).includes('/lib64/ld-linux')) {
    throw new HostSetupError(`${path} is dynamically linked, the test guest needs a static one`, {
      remedy: 'Install the package busybox-static',
    });
  }
  return path;
}

interface KernelModule {
  readonly name: string;
  readonly content: Buffer;
}

/** The modules wanted and all they depend on, each after its dependencies. */
function modulesInOrder(directory: string, wanted: readonly string[]): KernelModule[] {
  const files = new Map<string, string>();
  for (const entry of readdirSync(join(directory, 'kernel'), { withFileTypes: true, recursive: true })) {
    if (/\.ko(\.|$)/.test(entry.name)) files.set(plainName(entry.name), join(entry.path, entry.name));
  }
  const ordered = new Map<string, KernelModule>();
  const add = (name: string): void => {
    const file = files.get(name);
    if (file === undefined || ordered.has(name)) return;
    const content = contentOf(file);
    // A package that is not installed has no modules.dep; each module names its dependencies in its .modinfo section.
    const depends = /\0depends=([^\0]*)\0/.exec(content.toString('latin1'))?.[1] ?? '';
    for (const other of depends.split(',')) add(plainName(other));
    ordered.set(name, { name, content });
  };
  for (const name of wanted) add(plainName(name));
  return [...ordered.values()];
}

/** Modules are named with either `-` or `_`, meaning the same. */
function plainName(file: string): string {
  return file.replace(/\.ko(\..*)?$/, '').replaceAll('-', '_');
}

const UNPACKERS: Readonly<Record<string, string>> = { '.xz': 'xz', '.zst': 'zstd', '.gz': 'gzip' };

function contentOf(file: string): Buffer {
  const unpacker = UNPACKERS[extname(file)];
  return unpacker ? execFileSync(findProgram(unpacker), ['-dc', file], { maxBuffer: 64 << 20 }) : readFileSync(file);
}
