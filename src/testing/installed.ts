import { join } from 'node:path';
import { type Account, handOverTree } from './account.js';
import { CapabilitiesCache } from './capabilities-cache.js';
import { Daemon } from './daemon.js';
import { findInRoot, launchInRoot, versionInRoot } from './enter-root.js';
import { HostSetupError } from './errors.js';
import { launchOf } from './kvm.js';
import type { Namespaces } from './privileged.js';
import { findProgram, run } from './programs.js';

/** What is the same for every release that a host's daemon is run from. */
export interface HostPlace {
  readonly directory: string;
  readonly account: Account;
  readonly env: NodeJS.ProcessEnv;
  readonly socket: string;
  /** Arguments of the daemon. */
  readonly args: readonly string[];
  readonly log: 'none' | 'stderr';
  readonly namespaces: Namespaces | undefined;
}

/** One release's libvirt on a host. */
export interface Installed {
  readonly daemon: Daemon;
  readonly capabilities: CapabilitiesCache;
  /** Of the daemon, e.g. `9.0.0`. */
  readonly libvirtVersion: string;
  /** Where it was found; undefined for the machine's own. */
  readonly root: string | undefined;
}

/** A daemon ready to be started over the state in the host's directory, of the machine's own release or of the one in `root`. */
export async function install(place: HostPlace, daemonName: string, root: string | undefined): Promise<Installed> {
  const { directory, account, env, socket, args, log, namespaces } = place;
  if (root !== undefined && (namespaces || !account.switch)) {
    throw new HostSetupError(
      namespaces ? 'A privileged host runs the machine’s own libvirt' : 'A host in a root of its own needs root',
      { remedy: namespaces ? 'Leave out `privileged` or `root`' : 'Run as root, or leave out `root`' },
    );
  }
  const find = (...names: string[]) => (root === undefined ? findProgram(...names) : findInRoot(root, ...names));
  const program = find(daemonName);
  find('qemu-system-x86_64');
  find('virtlogd');
  const capabilities = namespaces
    ? new CapabilitiesCache(join(directory, 'cache/qemu/capabilities'), program, { uid: 0 })
    : new CapabilitiesCache(
        join(directory, 'cache/libvirt/qemu/cache/capabilities'),
        `${root ?? ''}${program}`,
        account,
      );
  capabilities.seed();
  handOverTree(join(directory, 'cache'), account);
  const [launch, version] = await (root === undefined
    ? Promise.all([namespaces?.launch(program) ?? launchOf(program, account, directory), run(program, ['--version'])])
    : Promise.all([launchInRoot(root, program, account, directory), versionInRoot(root, program)]));
  return {
    daemon: new Daemon({
      program,
      launch: { ...launch, args: [...launch.args, ...args] },
      socket,
      logFile: join(directory, 'libvirtd.log'),
      log,
      directory,
      env,
    }),
    capabilities,
    libvirtVersion: /\d+\.\d+\.\d+/.exec(version)?.[0] ?? version.trim(),
    root,
  };
}
