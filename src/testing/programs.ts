import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HostSetupError } from './errors.js';

const SETUP = 'Install it with `npm run setup` in a checkout of libvirt-canonical, or from the distribution package';

/** Program → the Debian package that brings it, for the message. */
const PACKAGES: Readonly<Record<string, string>> = {
  libvirtd: 'libvirt-daemon and libvirt-daemon-driver-qemu',
  virtqemud: 'libvirt-daemon-driver-qemu',
  virtlogd: 'libvirt-daemon',
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  cpio: 'cpio',
  busybox: 'busybox-static',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  ip: 'iproute2',
  sshd: 'openssh-server',
  'ssh-keygen': 'openssh-client',
  openssl: 'openssl',
  setpriv: 'util-linux',
};

/** Daemons live in sbin, which an ordinary user's PATH may lack. */
export const SEARCH_PATH = [
  ...new Set([...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']),
].filter((directory) => directory.startsWith('/'));

/** Absolute path of the first of `names` that is installed; a {@link HostSetupError} otherwise. */
export function findProgram(...names: readonly string[]): string {
  for (const name of names) {
    for (const candidate of name.startsWith('/') ? [name] : SEARCH_PATH.map((directory) => join(directory, name))) {
      try {
        accessSync(candidate, constants.X_OK);
        return candidate;
      } catch {}
    }
  }
  const [first = ''] = names;
  const brought = PACKAGES[first];
  throw new HostSetupError(`${names.join(' or ')} is not installed`, {
    remedy: brought ? `${SETUP} ${brought}` : SETUP,
  });
}

const execFileAsync = promisify(execFile);

/** Runs a program to its end and returns what it printed; a {@link HostSetupError} with its complaint otherwise. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly signal?: AbortSignal } = {},
): Promise<string> {
  try {
    const { stdout } = await execFileAsync(program, args, { ...options, maxBuffer: 64 << 20, encoding: 'utf8' });
    return stdout;
  } catch (cause) {
    const complaint = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    throw new HostSetupError(`\`${program} ${args.join(' ')}\` failed: ${complaint || String(cause)}`, { cause });
  }
}
