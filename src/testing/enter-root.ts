import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from './account.js';
import { HostSetupError } from './errors.js';
import type { Launch } from './kvm.js';
import { findProgram, run } from './programs.js';

const FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * Makes the root a host's own in a mount namespace that ends with the daemon and its domains: with the machine's devices but
 * for /dev/kvm, the host's directory in its place, and whatever is written elsewhere on a layer above.
 */
const SCRIPT = `
set -e
root=$1 directory=$2 uid=$3 gid=$4
shift 4
layer=$directory/root
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/here"
mount -t overlay -o "lowerdir=$root,upperdir=$layer/upper,workdir=$layer/work" overlay "$layer/here"
for place in dev sys proc; do mount --rbind "/$place" "$layer/here/$place"; done
[ ! -e "$layer/here/dev/kvm" ] || mount --bind "$directory/no-kvm" "$layer/here/dev/kvm"
mkdir -p "$layer/here$directory"
mount --bind "$directory" "$layer/here$directory"
exec chroot "$layer/here" setpriv --reuid "$uid" --regid "$gid" --clear-groups "$@"
`;

/** The command that runs a program of another root as the host's user, with the host's directory where it always is. */
export function launchInRoot(root: string, program: string, account: Account, directory: string): Launch {
  const cover = join(directory, 'no-kvm');
  if (!existsSync(cover)) writeFileSync(cover, '', { mode: 0 });
  mkdirSync(join(directory, 'root'), { recursive: true });
  const ids = [String(account.uid), String(account.gid)];
  return {
    program: findProgram('unshare'),
    args: ['--mount', '/bin/sh', '-c', SCRIPT, 'enter-root', root, directory, ...ids, program],
  };
}

/** Path within a root of the first of `names` that is there. */
export function findInRoot(root: string, ...names: readonly string[]): string {
  for (const path of names.flatMap((name) => FOLDERS.map((folder) => join(folder, name)))) {
    try {
      accessSync(join(root, path), constants.X_OK);
      return path;
    } catch {}
  }
  throw new HostSetupError(`There is no ${names.join(' or ')} in ${root}`, {
    remedy: 'Give a root that prepareHostRoot() made',
  });
}

/** What a program of a root says of its version. */
export function versionInRoot(root: string, program: string): Promise<string> {
  return run(findProgram('chroot'), [root, program, '--version']);
}
