import { randomUUID } from 'node:crypto';
import { type CallOptions, type Connection, LibvirtError, type ProcedureArgs } from '../connection/index.js';
import { formatValue, specInvalid } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { buildElement } from '../xml/index.js';

/** Where an image goes: a storage pool of libvirt's by name, or a folder of the host. */
export interface ImagePlace {
  readonly pool?: string;
  readonly directory?: string;
}

export type Pool = ProcedureArgs<'STORAGE_POOL_REFRESH'>['pool'];

/**
 * Runs `work` with the storage pool of a place. A folder that is in no pool is one for the time of the work: a transient
 * pool is no more than libvirt's view of the folder, and goes without a file of it.
 */
export async function withPool<T>(
  connection: Connection,
  place: ImagePlace,
  call: CallOptions,
  work: (pool: Pool) => Promise<T>,
): Promise<T> {
  const { pool: name, directory } = place;
  if (name !== undefined && directory !== undefined)
    throw specInvalid('directory', 'does not go with pool', 'Give one of them');
  if (directory === undefined) {
    if (name !== undefined && (typeof name !== 'string' || name === ''))
      throw specInvalid('pool', `${formatValue(name)} is not the name of a pool`);
    return work(await byName(connection, name ?? 'default', call));
  }
  if (typeof directory !== 'string' || !directory.startsWith('/'))
    throw specInvalid('directory', `${formatValue(directory)} is not an absolute path`);
  const path = directory.replace(/(?!^)\/+$/, '');
  const known = await ifThere(connection.call('STORAGE_POOL_LOOKUP_BY_TARGET_PATH', { path }, call));
  if (known) return work(known.pool);
  const xml = buildElement('pool', [
    ['@type', 'dir'],
    ['name', `lvc-${randomUUID()}`],
    ['target/path', path],
  ]);
  const { pool } = await connection.call('STORAGE_POOL_CREATE_XML', { xml, flags: 0 }, call);
  try {
    return await work(pool);
  } finally {
    await connection.call('STORAGE_POOL_DESTROY', { pool }, {}).catch(() => undefined);
  }
}

/** A pool that the host has; `SPEC_INVALID` for another. */
export async function byName(connection: Connection, name: string, call: CallOptions): Promise<Pool> {
  const found = await ifThere(connection.call('STORAGE_POOL_LOOKUP_BY_NAME', { name }, call));
  if (found) return found.pool;
  throw new LibvirtCanonicalError('SPEC_INVALID', `there is no storage pool ${name} on this host`, {
    path: 'pool',
    remedy: 'Name one that there is, or give a directory',
  });
}

async function ifThere<T>(pending: Promise<T>): Promise<T | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_STORAGE_POOL') return undefined;
    throw error;
  }
}
