import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache.js';
import { HostSetupError } from './errors.js';
import { AGENT_SCRIPT, fetchGuestAgent, type GuestAgent, guestAgent } from './guest-agent.js';
import { GUEST_MODULES, INIT, STATIC_MODULES } from './guest-init.js';
import { fetchGuestKernel, type GuestKernel, guestKernel } from './guest-kernel.js';
import { buildInitramfs } from './initramfs.js';
import { unpackKernel } from './unpack-kernel.js';

/** Counts the ways the initramfs has been laid out, so that one built the old way is not used. */
const LAYOUT = 3;

export interface GuestImageOptions {
  readonly signal?: AbortSignal;
  /** Fetch QEMU's guest agent as well, which {@link GuestOptions.agent} needs. */
  readonly agent?: boolean;
}

/** What the test guest boots from. */
export interface GuestImage {
  /** The kernel's release, as `uname -r` says it in the guest. */
  readonly version: string;
  readonly kernel: string;
  /** The same kernel as its package has it, with the stub that UEFI starts. */
  readonly efiKernel: string;
  readonly initrd: string;
}

/**
 * Fetches what the test guest is made of into the cache, unless it is there: the distribution's kernel package (some
 * 30 MB, unpacked, not installed) and an initramfs built from it; with `agent` the package of QEMU's guest agent too.
 * `npm run setup` calls it.
 *
 * @throws HostSetupError `HOST_SETUP`: no package manager known, or the package manager's complaint
 */
export async function prepareGuestImage({ agent = false, ...options }: GuestImageOptions = {}): Promise<GuestImage> {
  const kernel = guestKernel() ?? (await fetchGuestKernel(options));
  if (agent) await imageOf(kernel, (await guestAgent()) ?? (await fetchGuestAgent(options)));
  return imageOf(kernel);
}

/** The image from the cache. The initramfs is built anew when the library's init script has changed. */
export async function guestImage(withAgent: boolean): Promise<GuestImage> {
  const kernel = guestKernel() ?? missing('kernel', '');
  return imageOf(kernel, withAgent ? ((await guestAgent()) ?? missing('agent', '{ agent: true }')) : undefined);
}

function missing(what: string, options: string): never {
  throw new HostSetupError(`The ${what} of the test guest has not been fetched`, {
    remedy: `Run \`npm run setup\` in a checkout of libvirt-canonical, or call \`prepareGuestImage(${options})\` once`,
  });
}

async function imageOf(kernel: GuestKernel, agent?: GuestAgent): Promise<GuestImage> {
  const recipe = createHash('sha256').update(
    JSON.stringify([LAYOUT, kernel.version, INIT, GUEST_MODULES, STATIC_MODULES, ...partsOf(agent)]),
  );
  const directory = join(cacheDirectory(), 'guest');
  const initrd = join(directory, `initramfs-${recipe.digest('hex').slice(0, 16)}`);
  const image = join(directory, `vmlinux-${kernel.version}`);
  if (!existsSync(initrd)) await buildInitramfs(kernel, initrd, agent);
  if (!existsSync(image)) await unpackKernel(kernel.image, image);
  return { version: kernel.version, kernel: image, efiKernel: kernel.image, initrd };
}

/** The agent's files by size: a package that is updated has others. */
function partsOf(agent: GuestAgent | undefined): unknown[] {
  if (!agent) return [];
  const { program, loader, libraries } = agent;
  return [AGENT_SCRIPT, ...[program, loader, ...libraries].map((path) => [path, statSync(path).size])];
}
