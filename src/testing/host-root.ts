import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { cacheDirectory } from './cache.js';
import { HostSetupError } from './errors.js';
import { findProgram, run } from './programs.js';

/** What a host needs of a distribution; what these depend on comes along. */
const PACKAGES = ['libvirt-daemon', 'libvirt-daemon-driver-qemu', 'qemu-system-x86', 'qemu-utils', 'ovmf'];
const TPM = ['swtpm', 'swtpm-tools'];
/** What is a package of its own since some release; of a release that is not here, all. */
const MORE: Readonly<Record<string, readonly string[]>> = { bullseye: [], bookworm: TPM };
const NEWEST = [...TPM, 'libvirt-daemon-log'];

const packagesOf = (suite: string): string =>
  [...PACKAGES, ...(Object.hasOwn(MORE, suite) ? (MORE[suite] ?? []) : NEWEST)].join(',');
/** Counts the ways a root has been made, so that one made the old way is not used. */
const LAYOUT = 1;
const FETCHED_WITHIN = 300_000;

/** Packages are unpacked, not installed: no script of theirs runs, and nothing is mounted in the root. */
const SCRIPT = `
debootstrap --foreign --variant=minbase --include="$4" "$1" "$2" "$3" >&2
cd "$2"
for package in var/cache/apt/archives/*.deb; do dpkg-deb -x "$package" .; done
rm -r var/cache/apt/archives
for file in passwd group; do cp "usr/share/base-passwd/$file.master" "etc/$file"; done
chroot . /sbin/ldconfig
`;

export interface HostRootOptions {
  /** Ends the download; what was fetched by then is removed. */
  readonly signal?: AbortSignal | undefined;
  /** The Debian release. Default `trixie`: libvirt 11.3, QEMU 10.0. */
  readonly suite?: string;
  /** Where its packages come from. Default `http://deb.debian.org/debian`. */
  readonly mirror?: string;
}

/**
 * Fetches libvirt and QEMU of another Debian release into a folder of the cache, unless they are there, and returns it: for
 * {@link PrivateHostOptions.root}. Some 75 MB to fetch and 365 MB on disk; {@link removeHostRoot} gives them back.
 *
 * @throws HostSetupError `HOST_SETUP`: not root, no debootstrap, no network; the message says which
 * @throws AbortedError `ABORTED`: the signal fired
 */
export async function prepareHostRoot(options: HostRootOptions = {}): Promise<string> {
  const { signal, suite = 'trixie', mirror = 'http://deb.debian.org/debian' } = options;
  const root = placeOf(suite);
  if (existsSync(root)) return root;
  if (process.getuid?.() !== 0)
    throw new HostSetupError(`libvirt and QEMU of ${suite} need root to be unpacked and run`);
  for (const program of ['debootstrap', 'dpkg-deb', 'unshare', 'chroot']) findProgram(program);
  const partial = `${root}.${process.pid}`;
  mkdirSync(dirname(root), { recursive: true });
  try {
    // In a process namespace, so that nothing goes on when it is aborted.
    const spaces = ['--mount', '--pid', '--fork', '--kill-child'];
    const late = AbortSignal.timeout(FETCHED_WITHIN);
    await run(
      findProgram('unshare'),
      [...spaces, '/bin/sh', '-e', '-c', SCRIPT, 'fetch', suite, partial, mirror, packagesOf(suite)],
      {
        signal: signal ? AbortSignal.any([signal, late]) : late,
      },
    );
    if (!existsSync(root)) renameSync(partial, root);
    return root;
  } catch (error) {
    if (signal?.aborted) throw new AbortedError(`fetching libvirt and QEMU of ${suite}`, signal.reason);
    const why = error instanceof Error ? error.message.trim().split('\n').slice(-2).join('; ') : String(error);
    throw new HostSetupError(`libvirt and QEMU of ${suite} could not be fetched: ${why}`, { cause: error });
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Removes what {@link prepareHostRoot} fetched. No host may run in it. */
export function removeHostRoot(suite = 'trixie'): void {
  rmSync(placeOf(suite), { recursive: true, force: true });
}

function placeOf(suite: string): string {
  if (/^[a-z]+$/.test(suite)) return join(cacheDirectory(), 'roots', `${suite}-${LAYOUT}`);
  throw new LibvirtCanonicalError('SPEC_INVALID', `"${suite}" is no name of a release`, { path: 'suite' });
}
