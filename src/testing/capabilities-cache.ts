import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from './account.js';
import { cacheDirectory } from './cache.js';

/**
 * libvirt's first question to each QEMU binary takes seconds, its cached answer milliseconds. The answers are carried
 * from host to host. libvirt itself checks each file against its own and QEMU's build before it trusts it
 * (virQEMUCapsIsValid), so a stale copy costs a new probe and nothing else.
 */
export class CapabilitiesCache {
  readonly #own: string;
  readonly #shared: string;
  readonly #seeded = new Map<string, number>();

  /** `folder`: where the host's libvirtd keeps them. */
  constructor(folder: string, daemon: string, account: Pick<Account, 'uid'>) {
    // Whether the user may open /dev/kvm is part of the answer, and two libvirt builds would overwrite each other.
    const key = createHash('sha256').update(`${daemon}\0${account.uid}`).digest('hex').slice(0, 16);
    this.#own = folder;
    this.#shared = join(cacheDirectory(), 'capabilities', key);
  }

  /** Copies what is known into the new host. Call before the folder is handed to the host's user. */
  seed(): void {
    for (const name of filesOf(this.#shared)) {
      mkdirSync(this.#own, { recursive: true });
      const target = join(this.#own, name);
      copyFileSync(join(this.#shared, name), target);
      this.#seeded.set(name, statSync(target).mtimeMs);
    }
  }

  /** Keeps what this host's libvirtd found out by itself. Best effort: the cache only saves time. */
  harvest(): void {
    try {
      for (const name of filesOf(this.#own)) {
        const source = join(this.#own, name);
        if (this.#seeded.get(name) === statSync(source).mtimeMs) continue;
        mkdirSync(this.#shared, { recursive: true });
        const partial = join(this.#shared, `.${name}.${process.pid}`);
        copyFileSync(source, partial);
        renameSync(partial, join(this.#shared, name));
      }
    } catch {}
  }
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith('.xml'));
  } catch {
    return [];
  }
}
