import { randomUUID } from 'node:crypto';
import { basename, dirname } from 'node:path';
import type { CallOptions, Connection } from '../connection/index.js';
import { isLibvirt, withPool } from '../images/index.js';
import { buildElement } from '../xml/index.js';

/** Whether a file of the source is the same file at the destination. */
export type Shared = 'shared' | 'separate' | { readonly unknown: string };

/**
 * Tells whether folders of two hosts are the same storage: a volume with a random name is made in the one and looked for in
 * the other. That a path is on both sides proves nothing. Each pair of folders is looked at once.
 */
export class SharedStorage {
  readonly #source: Connection;
  readonly #destination: Connection;
  readonly #folders = new Map<string, Promise<Shared>>();

  constructor(source: Connection, destination: Connection) {
    this.#source = source;
    this.#destination = destination;
  }

  /** Whether two paths are the same file. */
  async sameFile(here: string, there: string, options: CallOptions): Promise<Shared> {
    const folders = await this.sameFolder(dirname(here), dirname(there), options);
    return folders === 'shared' && basename(here) !== basename(there) ? 'separate' : folders;
  }

  /** Whether two folders are the same storage. */
  sameFolder(here: string, there: string, options: CallOptions): Promise<Shared> {
    const key = JSON.stringify([here, there]);
    const known = this.#folders.get(key) ?? this.#look(here, there, options);
    this.#folders.set(key, known);
    return known;
  }

  async #look(here: string, there: string, options: CallOptions): Promise<Shared> {
    try {
      return await withPool(
        this.#source,
        here,
        async (pool) => {
          const name = `.lvc-marker-${randomUUID()}`;
          const xml = buildElement('volume', [
            ['name', name],
            ['capacity', '1'],
            ['target/format/@type', 'raw'],
          ]);
          const { vol } = await this.#source.call('STORAGE_VOL_CREATE_XML', { pool, xml, flags: 0 }, options);
          try {
            return await this.#isThere(there, name, options);
          } finally {
            await this.#source.call('STORAGE_VOL_DELETE', { vol, flags: 0 });
          }
        },
        options,
      );
    } catch (error) {
      options.signal?.throwIfAborted();
      return { unknown: error instanceof Error ? error.message : String(error) };
    }
  }

  async #isThere(folder: string, name: string, options: CallOptions): Promise<Shared> {
    try {
      return await withPool(
        this.#destination,
        folder,
        async (pool) => {
          await this.#destination.call('STORAGE_VOL_LOOKUP_BY_NAME', { pool, name }, options);
          return 'shared' as const;
        },
        options,
      );
    } catch (error) {
      if (isLibvirt(error, 'VIR_ERR_NO_STORAGE_VOL')) return 'separate';
      // No such folder: what is in it here cannot be there.
      if (isLibvirt(error, 'VIR_ERR_SYSTEM_ERROR')) return 'separate';
      throw error;
    }
  }
}
