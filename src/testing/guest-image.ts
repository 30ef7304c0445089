import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache.js';
import { HostSetupError } from './errors.js';
import { GUEST_MODULES, INIT, STATIC_MODULES } from './guest-init.js';
import { fetchGuestKernel, type GuestKernel, guestKernel } from './guest-kernel.js';
import { buildInitramfs } from './initramfs.js';
import { unpackKernel } from './unpack-kernel.js';

/** Counts the ways the initramfs has been laid out, so that one built the old way is not used. */
const LAYOUT = 3;

/** What the test guest boots from. */
export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
}

/**
 * Fetches what the test guest is made of into the cache, unless it is there: the distribution's kernel package (some
 * 30 MB, unpacked, not installed) and an initramfs built from it. `npm run setup` calls it.
 *
 * @throws HostSetupError `HOST_SETUP`: no package manager known, or the package manager's complaint
 */
export async function prepareGuestImage(options: { readonly signal?: AbortSignal } = {}): Promise<GuestImage> {
  return imageOf(guestKernel() ?? (await fetchGuestKernel(options)));
}

/** The image from the cache. The initramfs is built anew when the library's init script has changed. */
export async function guestImage(): Promise<GuestImage> {
  const kernel = guestKernel();
  if (!kernel) {
    throw new HostSetupError('The kernel of the test guest has not been fetched', {
      remedy: 'Run `npm run setup` in a checkout of libvirt-canonical, or call `prepareGuestImage()` once',
    });
  }
  return imageOf(kernel);
}

async function imageOf(kernel: GuestKernel): Promise<GuestImage> {
  const recipe = createHash('sha256').update(
    JSON.stringify([LAYOUT, kernel.version, INIT, GUEST_MODULES, STATIC_MODULES]),
  );
  const directory = join(cacheDirectory(), 'guest');
  const initrd = join(directory, `initramfs-${recipe.digest('hex').slice(0, 16)}`);
  const image = join(directory, `vmlinux-${kernel.version}`);
  if (!existsSync(initrd)) await buildInitramfs(kernel, initrd);
  if (!existsSync(image)) await unpackKernel(kernel.image, image);
  return { kernel: image, initrd };
}
