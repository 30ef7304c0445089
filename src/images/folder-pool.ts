import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallOptions, type Connection, LibvirtError, type StoragePoolHandle } from '../connection/index.js';
import { buildElement } from '../xml/index.js';

/** How often work with a pool is begun anew, and the longest pause before it, in milliseconds. */
const ATTEMPTS = 20;
const PAUSE = 400;

/**
 * Works with a folder of a host as a storage pool: one that the host has for it, else one of our own for as long as the work
 * takes. The work may be begun anew, since other work can take its pool away, or keep it busy. Rejects with libvirt's
 * error for a folder that is not there.
 */
export async function withPool<T>(
  connection: Connection,
  folder: string,
  work: (pool: StoragePoolHandle) => Promise<T>,
  options: CallOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(connection, folder, work, options);
    } catch (error) {
      if (attempt === ATTEMPTS || !isInTheWay(error)) throw error;
    }
    await sleep(Math.random() * PAUSE, undefined, options.signal && { signal: options.signal });
  }
}

/** What somebody else's use of the same folder leads to: a pool that is busy, gone, or there already. */
function isInTheWay(error: unknown): boolean {
  return (
    isLibvirt(error, 'VIR_ERR_NO_STORAGE_POOL') ||
    (error instanceof LibvirtError &&
      /asynchronous jobs running|source conflict|is not active|already exists|in use by another|being started/.test(
        error.libvirtMessage,
      ))
  );
}

async function once<T>(
  connection: Connection,
  folder: string,
  work: (pool: StoragePoolHandle) => Promise<T>,
  options: CallOptions,
): Promise<T> {
  const there = await poolOf(connection, folder, options);
  if (there) {
    await connection.call('STORAGE_POOL_REFRESH', { pool: there, flags: 0 }, options);
    return await work(there);
  }
  const xml = buildElement('pool', [
    ['@type', 'dir'],
    ['name', `lvc-${randomUUID()}`],
    ['target/path', folder],
  ]);
  const { pool } = await connection.call('STORAGE_POOL_CREATE_XML', { xml, flags: 0 }, options);
  try {
    return await work(pool);
  } finally {
    await connection.call('STORAGE_POOL_DESTROY', { pool }).catch(() => {});
  }
}

async function poolOf(
  connection: Connection,
  path: string,
  options: CallOptions,
): Promise<StoragePoolHandle | undefined> {
  try {
    return (await connection.call('STORAGE_POOL_LOOKUP_BY_TARGET_PATH', { path }, options)).pool;
  } catch (error) {
    if (isLibvirt(error, 'VIR_ERR_NO_STORAGE_POOL')) return undefined;
    throw error;
  }
}

/** True for that error of libvirt. */
export function isLibvirt(error: unknown, name: string): boolean {
  return error instanceof LibvirtError && error.errorName === name;
}
