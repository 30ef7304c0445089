import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache.js';
import { HostSetupError } from './errors.js';
import { type PackageScripts, unpackPackages } from './packages.js';

/** A distribution's kernel package, unpacked: `boot/vmlinuz-…` and `lib/modules/…` below `directory`. */
export interface GuestKernel {
  readonly version: string;
  readonly image: string;
  readonly modules: string;
}

/** How each package manager hands out a kernel without installing it. */
const KERNEL: PackageScripts = {
  // Debian has a -cloud-, Ubuntu a -virtual flavour. The meta package names the one to take in its dependencies.
  'apt-get': `for meta in linux-image-cloud-amd64 linux-image-virtual linux-image-amd64; do
      name=$(apt-cache "$@" depends "$meta" 2>/dev/null | sed -n 's/^ *Depends: \\(linux-image-[0-9].*\\)/\\1/p' | head -n 1)
      [ -z "$name" ] || break
    done
    [ -n "$name" ] || return 1
    modules=$(apt-cache "$@" depends "$name" | sed -n 's/^ *Depends: \\(linux-modules-[0-9].*\\)/\\1/p')
    apt-get "$@" -q download $name $modules >&2`,
  dnf: 'dnf -q download --arch x86_64 kernel-core kernel-modules-core >&2',
  zypper: 'zypper --non-interactive --pkg-cache-dir "$PWD/cache" download kernel-default-base >&2',
  pacman: 'curl -fsSLO "$(pacman -Sp linux)"',
};

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
  const manager = await unpackPackages('kernel', KERNEL, directory(), options);
  const kernel = guestKernel();
  if (!kernel) throw new HostSetupError(`The kernel package fetched with ${manager} has no kernel in a known place`);
  return kernel;
}
