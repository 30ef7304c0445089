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
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { HostSetupError } from './errors.js';
import { AGENT_SCRIPT, type GuestAgent } from './guest-agent.js';
import { GUEST_MODULES, INIT, STATIC_MODULES } from './guest-init.js';
import type { GuestKernel } from './guest-kernel.js';
import { findProgram, run } from './programs.js';

/** Builds the guest's initramfs at `target`: static busybox, the init script, its drivers, and the agent if there is to be one. */
export async function buildInitramfs(kernel: GuestKernel, target: string, agent?: GuestAgent): Promise<void> {
  const busybox = staticBusybox();
  const cpio = findProgram('cpio');
  mkdirSync(dirname(target), { recursive: true });
  const scratch = mkdtempSync(`${target}.`);
  try {
    const root = join(scratch, 'root');
    const modules = join('lib/modules', kernel.version);
    for (const folder of ['bin', 'dev', 'proc', 'sys', 'tmp', modules])
      mkdirSync(join(root, folder), { recursive: true });
    copyFileSync(busybox, join(root, 'bin/busybox'));
    for (const applet of (await run(busybox, ['--list'])).split('\n')) {
      if (applet && applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
    }
    writeFileSync(join(root, 'init'), INIT);
    chmodSync(join(root, 'init'), 0o755);
    const found = moduleFiles(kernel.modules);
    const dependencies: string[] = [];
    for (const { name, content, needs } of modulesInOrder(found, [...GUEST_MODULES, ...STATIC_MODULES])) {
      writeFileSync(join(root, modules, `${name}.ko`), content);
      dependencies.push(`${name}.ko:${needs.map((other) => ` ${other}.ko`).join('')}\n`);
    }
    writeFileSync(join(root, modules, 'modules.dep'), dependencies.join(''));
    writeFileSync(
      join(root, 'lib/modules/wanted'),
      `${GUEST_MODULES.filter((name) => found.has(plainName(name))).join(' ')}\n`,
    );
    if (agent) addAgent(root, agent);
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
    // Whatever the umask is: the host's user reads it.
    chmodSync(image, 0o644);
    renameSync(image, target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The agent is no static program: its loader goes where it looks for it, its libraries into a folder of their own. */
function addAgent(root: string, { program, loader, libraries }: GuestAgent): void {
  for (const folder of ['lib/agent', dirname(loader)]) mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(program, join(root, 'bin/qemu-ga'));
  copyFileSync(loader, join(root, loader));
  for (const library of libraries) copyFileSync(library, join(root, 'lib/agent', basename(library)));
  writeFileSync(join(root, 'agent'), AGENT_SCRIPT);
  for (const each of ['agent', 'bin/qemu-ga', loader]) chmodSync(join(root, each), 0o755);
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
  /** All it depends on, each before its own dependencies, as modules.dep has it. */
  readonly needs: readonly string[];
}

/** Name → file of every module of the kernel. */
function moduleFiles(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  const root = join(directory, 'kernel');
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (/\.ko(\.|$)/.test(path)) files.set(plainName(basename(path)), join(root, path));
  }
  return files;
}

/** The modules wanted and all they depend on; those the kernel has built in or lacks are left out. */
function modulesInOrder(files: ReadonlyMap<string, string>, wanted: readonly string[]): KernelModule[] {
  const ordered = new Map<string, KernelModule>();
  const add = (name: string): readonly string[] => {
    const file = files.get(name);
    if (file === undefined) return [];
    const known = ordered.get(name);
    if (known) return [name, ...known.needs];
    const content = contentOf(file);
    // A package that is not installed has no modules.dep; each module names its dependencies in its .modinfo section.
    const depends = /\0depends=([^\0]*)\0/.exec(content.toString('latin1'))?.[1] ?? '';
    const all = new Set(depends.split(',').flatMap((other) => add(plainName(other))));
    const needs = [...ordered.keys()].filter((other) => all.has(other)).reverse();
    ordered.set(name, { name, content, needs });
    return [name, ...needs];
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
