import { spawn } from 'node:child_process';
import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from './account.js';
import { findProgram } from './programs.js';

const DEVICE = '/dev/kvm';

/** How to run a program as the host's user. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  /** Ids for `spawn` to take on; absent when the program named does that itself, or nothing is to be taken on. */
  readonly ids?: { readonly uid: number; readonly gid: number };
  /** The daemon is the one child of the program named, which waits for it as `nsenter` into a process namespace does. */
  readonly wrapped?: boolean;
}

/**
 * The launch of a daemon as the host's user. Where /dev/kvm may be opened but does not work, libvirt takes what it knows
 * of QEMU for outdated each time it looks (virQEMUCapsIsValid), and a define takes half a minute. There the daemon gets a
 * mount namespace of its own in which nobody may open the device.
 */
export async function launchOf(program: string, account: Account, directory: string): Promise<Launch> {
  const ids = account.switch ? { ids: { uid: account.uid, gid: account.gid } } : {};
  if (!mayOpenKvm(account) || (await kvmWorks(account))) return { program, args: [], ...ids };
  const cover = join(directory, 'no-kvm');
  writeFileSync(cover, '', { mode: 0 });
  const [namespaces, drop] = account.switch
    ? [['--mount'], `--reuid ${account.uid} --regid ${account.gid} --clear-groups`]
    : [['--user', '--map-current-user', '--keep-caps', '--mount'], '--inh-caps=-all --ambient-caps=-all'];
  const script = `mount --bind "$0" ${DEVICE} && exec setpriv ${drop} "$@"`;
  return { program: findProgram('unshare'), args: [...namespaces, '/bin/sh', '-c', script, cover, program] };
}

function mayOpenKvm(account: Account): boolean {
  try {
    if (account.switch) return (statSync(DEVICE).mode & 0o006) === 0o006;
    accessSync(DEVICE, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

let known: Promise<boolean> | undefined;

/** Asks QEMU, which alone can tell: neither the CPU's flags nor opening the device do. */
function kvmWorks(account: Account): Promise<boolean> {
  known ??= new Promise((resolve) => {
    const child = spawn(
      findProgram('qemu-system-x86_64'),
      ['-M', 'none,accel=kvm', '-nodefaults', '-display', 'none', '-qmp', 'stdio'],
      {
        cwd: '/',
        stdio: ['pipe', 'ignore', 'ignore'],
        ...(account.switch ? { uid: account.uid, gid: account.gid } : {}),
      },
    );
    child.once('exit', (code) => resolve(code === 0));
    child.once('error', () => resolve(false));
    child.stdin.on('error', () => {});
    child.stdin.end('{"execute":"qmp_capabilities"}{"execute":"quit"}');
  });
  return known;
}
