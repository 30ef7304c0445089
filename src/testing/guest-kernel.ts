import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache.js';
import { HostSetupError } from './errors.js';
import { findProgram, run } from './programs.js';

/** A distribution's kernel package, unpacked: `boot/vmlinuz-…` and `lib/modules/…` below `directory`. */
export interface GuestKernel {
  readonly version: string;
  readonly image: string;
  readonly modules: string;
}

/** How each package manager hands out a kernel without installing it. The first one present is used. */
const FETCHERS: readonly { readonly manager: string; readonly script: string }[] = [
  {
    manager: 'apt-get',
    // Debian has a -cloud-, Ubuntu a -virtual flavour. The meta package names the one to take in its dependencies.
    // The meta package names the kernel in its dependencies. Lists that are missing or out of date, as in most
    // container images, are fetched into a place of our own, which needs no privilege.
    script: `fetch() {
      for meta in linux-image-cloud-amd64 linux-image-virtual linux-image-amd64; do
        name=$(apt-cache "$@" depends "$meta" 2>/dev/null | sed -n 's/^ *Depends: \\(linux-image-[0-9].*\\)/\\1/p' | head -n 1)
        [ -z "$name" ] || break
      done
      [ -n "$name" ] || return 1
      modules=$(apt-cache "$@" depends "$name" | sed -n 's/^ *Depends: \\(linux-modules-[0-9].*\\)/\\1/p')
      apt-get "$@" -q download $name $modules >&2
    }
    fetch 2>/dev/null || {
      rm -f ./*.deb
      mkdir -p lists/partial cache/archives/partial
      own="-o Dir::State::lists=$PWD/lists -o Dir::Cache=$PWD/cache"
      apt-get -q $own update >&2
      fetch $own || { echo "no kernel package could be fetched with apt-get" >&2; exit 1; }
    }
    for package in *.deb; do dpkg-deb -x "$package" root; done`,
  },
  {
    manager: 'dnf',
    script: `dnf -q download --arch x86_64 kernel-core kernel-modules-core >&2
    mkdir root; for package in *.rpm; do rpm2cpio "$package" | (cd root && cpio -idm --quiet); done`,
  },
  {
    manager: 'zypper',
    script: `zypper --non-interactive --pkg-cache-dir "$PWD/cache" download kernel-default-base >&2
    mkdir root; find cache -name '*.rpm' | while read -r package; do rpm2cpio "$package" | (cd root && cpio -idm --quiet); done`,
  },
  {
    manager: 'pacman',
    script: `mkdir root; curl -fsSL "$(pacman -Sp linux)" | tar -x --zstd -C root`,
  },
];

const directory = () => join(cacheDirectory(), 'guest/kernel');

/** The kernel fetched before, or `undefined`. */
export function guestKernel(): GuestKernel | undefined {
  const root = directory();
  // Distributions with a merged /usr keep modules, and some the kernel itself, under usr/.
  for (const base of ['lib/modules', 'usr/lib/modules']) {
    const modules = join(root, base);
    const [version] = existsSync(modules) ? readdirSync(modules) : [];
    if (!version) continue;
    const image = [join(root, 'boot', `vmlinuz-${version}`), join(modules, version, 'vmlinuz')].find((path) =>
      existsSync(path),
    );
    if (image) return { version, image, modules: join(modules, version) };
  }
  return undefined;
}

/** Fetches the distribution's kernel package and unpacks it into the cache; nothing is installed. */
export async function fetchGuestKernel(options: { readonly signal?: AbortSignal } = {}): Promise<GuestKernel> {
  const fetcher = FETCHERS.find(({ manager }) => isInstalled(manager));
  if (!fetcher) {
    throw new HostSetupError('No known package manager (apt-get, dnf, zypper, pacman) to fetch the guest kernel with', {
      remedy: `Unpack a kernel package of any distribution into ${directory()}`,
    });
  }
  mkdirSync(join(cacheDirectory(), 'guest'), { recursive: true });
  const scratch = mkdtempSync(join(cacheDirectory(), 'guest/fetch-'));
  try {
    await run('/bin/sh', ['-e', '-c', fetcher.script], { cwd: scratch, ...options });
    rmSync(directory(), { recursive: true, force: true });
    renameSync(join(scratch, 'root'), directory());
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const kernel = guestKernel();
  if (!kernel)
    throw new HostSetupError(`The kernel package fetched with ${fetcher.manager} has no kernel in a known place`);
  return kernel;
}

function isInstalled(program: string): boolean {
  try {
    findProgram(program);
    return true;
  } catch {
    return false;
  }
}
