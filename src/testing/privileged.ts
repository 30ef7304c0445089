import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AbortedError } from '../errors.js';
import type { Account } from './account.js';
import { HostSetupError } from './errors.js';
import type { Launch } from './kvm.js';
import { SETUP_SCRIPT } from './privileged-setup.js';
import { findProgram, run } from './programs.js';

const NAMESPACES = ['--mount', '--net', '--pid', '--cgroup'];
const READY_WITHIN = 10_000;

/** Users that a libvirt may have been built to run QEMU as; it looks them up before it reads that it is to be another. */
const QEMU_USERS = ['libvirt-qemu', 'qemu'];

/**
 * Why a privileged host cannot be started here, in a few words for a test that is skipped; undefined when it can.
 *
 * @example
 * const problem = await privilegedProblem();
 * (problem ? test.skip : test)(`bandwidth${problem ? `: ${problem}` : ''}`, async () => { … });
 */
export async function privilegedProblem(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'a privileged host needs root';
  try {
    await run(findProgram('unshare'), [...NAMESPACES, '--fork', 'true']);
    return undefined;
  } catch (error) {
    return `namespaces cannot be made here: ${(error as Error).message}`;
  }
}

/** For the daemon's configuration: whoever may enter the host's directory may use it, no polkit is asked. */
export const SYSTEM_CONFIG = 'auth_unix_rw = "none"\nunix_sock_rw_perms = "0700"\n';

/** A {@link HostSetupError} for a caller who is not root. */
export function assertRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new HostSetupError('A privileged host needs root', { remedy: 'Run as root, or leave out `privileged`' });
}

/** Writes what the namespaces and a system libvirtd in them need below the directory: QEMU is to run as `account`. */
export function prepareNamespaces(directory: string, account: Account): void {
  const place = (...parts: string[]) => join(directory, ...parts);
  for (const folder of ['lib', 'log', 'dev']) mkdirSync(place(folder));
  writeFileSync(
    place('etc/libvirt/qemu.conf'),
    `user = "+${account.uid}"\ngroup = "+${account.gid}"\nsecurity_driver = "none"\n`,
  );
  for (const [file, entry] of [
    ['passwd', `${account.uid}:${account.gid}::/:/bin/false`],
    ['group', `${account.gid}:`],
  ] as const) {
    const lines = readFileSync(`/etc/${file}`, 'utf8').trimEnd().split('\n');
    const missing = QEMU_USERS.filter((name) => !lines.some((line) => line.startsWith(`${name}:`)));
    writeFileSync(place('etc', file), [...lines, ...missing.map((name) => `${name}:x:${entry}`), ''].join('\n'));
  }
  writeFileSync(place('namespaces'), SETUP_SCRIPT);
}

/** The namespaces of one privileged host: of mounts, network, processes and control groups. Gone when their first process is. */
export class Namespaces {
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(directory: string, child: ChildProcess, env: NodeJS.ProcessEnv) {
    this.#directory = directory;
    this.#child = child;
    this.#env = env;
  }

  /** Makes the namespaces and returns when virtlogd runs in them. */
  static async open(directory: string, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<Namespaces> {
    for (const program of ['unshare', 'nsenter', 'ip', 'mount']) findProgram(program);
    const script = join(directory, 'namespaces');
    const child = spawn('/bin/sh', [script, script, 'groups', directory], {
      cwd: directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (chunk) => (complaint += chunk));
    const late = AbortSignal.timeout(READY_WITHIN);
    const end = signal ? AbortSignal.any([signal, late]) : late;
    const outcome = await new Promise<string>((resolve) => {
      child.stdout.once('data', () => resolve('ready'));
      child.once('error', (error) => resolve(error.message)).once('close', () => resolve('it ended'));
      end.addEventListener('abort', () => resolve('it took too long'), { once: true });
    });
    child.unref();
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
    if (signal?.aborted) throw new AbortedError('The start of the private host', signal.reason);
    if (outcome !== 'ready') {
      throw new HostSetupError(
        `The namespaces of a privileged host could not be made, ${outcome}: ${complaint.trim()}`,
        { remedy: 'Run on a machine whose kernel lets root make mount, network, process and cgroup namespaces' },
      );
    }
    return new Namespaces(directory, child, env);
  }

  /** The command that runs a program inside. */
  launch(program: string, ...args: readonly string[]): Launch {
    const { pid } = this.#child;
    const script = join(this.#directory, 'namespaces');
    const spaces = NAMESPACES.map((name) => (name === '--pid' ? `--pid=/proc/${pid}/ns/pid_for_children` : name));
    return {
      program: findProgram('nsenter'),
      // The root too: of a process in a chroot it is not that of its mount namespace.
      args: [
        '--target',
        String(pid),
        '--root',
        ...spaces,
        '/bin/sh',
        script,
        script,
        'join',
        this.#directory,
        program,
        ...args,
      ],
      wrapped: true,
    };
  }

  /** Runs a program inside to its end and returns what it printed. */
  run(program: string, ...args: readonly string[]): Promise<string> {
    const launch = this.launch(program, ...args);
    return run(launch.program, launch.args, { env: this.#env });
  }
}
