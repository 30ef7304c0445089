import { chownSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostSetupError } from './errors.js';

/** The user a private host runs as. `switch` is true when the calling process is root and has to become that user. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  readonly switch: boolean;
}

/**
 * libvirtd run by root is always the machine's system daemon, so root hands over to `nobody`: the one unprivileged
 * entry every distribution has, which owns no files and is in no group, `kvm` included.
 */
export function hostAccount(): Account {
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  if (uid === undefined || gid === undefined) throw new HostSetupError('A private host needs Linux');
  if (uid !== 0)
    return { uid, gid, name: passwdEntry((entry) => entry.uid === uid)?.name ?? String(uid), switch: false };
  const nobody = passwdEntry((entry) => entry.name === 'nobody');
  if (!nobody || nobody.uid === 0) {
    throw new HostSetupError('There is no user "nobody" for the private host to run as', {
      remedy: 'Create it, or run as a user other than root',
    });
  }
  return { ...nobody, switch: true };
}

function passwdEntry(
  wanted: (entry: { name: string; uid: number; gid: number }) => boolean,
): { name: string; uid: number; gid: number } | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (!name || !uid || !gid) continue;
    const entry = { name, uid: Number(uid), gid: Number(gid) };
    if (wanted(entry)) return entry;
  }
  return undefined;
}

/** Gives a file made by root to the user the host runs as. */
export function handOver(path: string, account: Account): void {
  if (account.switch) chownSync(path, account.uid, account.gid);
}

/** Gives a folder with all below it, made by root, to the user the host runs as. */
export function handOverTree(path: string, account: Account): void {
  if (!account.switch) return;
  chownSync(path, account.uid, account.gid);
  for (const below of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
    chownSync(join(path, below), account.uid, account.gid);
  }
}
