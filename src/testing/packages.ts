import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HostSetupError } from './errors.js';
import { findProgram, run } from './programs.js';

const MANAGERS = ['apt-get', 'dnf', 'zypper', 'pacman'] as const;
type PackageManager = (typeof MANAGERS)[number];

/** Shell that downloads packages into the working directory, for each package manager. For apt-get the body of a function that hands its arguments on to apt. */
export type PackageScripts = Readonly<Record<PackageManager, string>>;

/** How each package manager's downloads are unpacked into `root`. */
const UNPACK: Readonly<Record<PackageManager, (download: string) => string>> = {
  // Lists that are missing or out of date, as in most container images, are fetched into a place of our own, which
  // needs no privilege.
  'apt-get': (download) => `fetch() {
      ${download}
    }
    fetch 2>/dev/null || {
      rm -f ./*.deb
      mkdir -p lists/partial cache/archives/partial
      own="-o Dir::State::lists=$PWD/lists -o Dir::Cache=$PWD/cache"
      apt-get -q $own update >&2
      fetch $own || { echo "the package could not be fetched with apt-get" >&2; exit 1; }
    }
    for package in *.deb; do dpkg-deb -x "$package" root; done`,
  dnf: (download) => `${download}
    mkdir root; for package in *.rpm; do rpm2cpio "$package" | (cd root && cpio -idm --quiet); done`,
  zypper: (download) => `${download}
    mkdir root; find cache -name '*.rpm' | while read -r package; do rpm2cpio "$package" | (cd root && cpio -idm --quiet); done`,
  pacman: (download) => `${download}
    mkdir root; for package in *.pkg.tar.zst; do tar -x --zstd -f "$package" -C root; done`,
};

/**
 * Downloads distribution packages and unpacks them into `directory`; nothing is installed. Returns the package manager
 * that did it, the first one present.
 *
 * @throws HostSetupError `HOST_SETUP`: no package manager known, or the package manager's complaint
 */
export async function unpackPackages(
  what: string,
  scripts: PackageScripts,
  directory: string,
  options: { readonly signal?: AbortSignal },
): Promise<PackageManager> {
  const manager = MANAGERS.find(isInstalled);
  if (!manager) {
    throw new HostSetupError(`No known package manager (${MANAGERS.join(', ')}) to fetch the guest's ${what} with`, {
      remedy: `Unpack the package of any distribution into ${directory}`,
    });
  }
  mkdirSync(dirname(directory), { recursive: true });
  const scratch = mkdtempSync(join(dirname(directory), 'fetch-'));
  try {
    await run('/bin/sh', ['-e', '-c', UNPACK[manager](scripts[manager])], { cwd: scratch, ...options });
    rmSync(directory, { recursive: true, force: true });
    renameSync(join(scratch, 'root'), directory);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return manager;
}

function isInstalled(program: string): boolean {
  try {
    findProgram(program);
    return true;
  } catch {
    return false;
  }
}
