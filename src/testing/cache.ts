import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where what is worth keeping between runs lies (guest kernel, initramfs, libvirt's QEMU capabilities):
 * `$LIBVIRT_CANONICAL_CACHE`, else `$XDG_CACHE_HOME/libvirt-canonical`, else `~/.cache/libvirt-canonical`.
 */
export function cacheDirectory(): string {
  const { LIBVIRT_CANONICAL_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  return own || join(xdg || join(homedir(), '.cache'), 'libvirt-canonical');
}
