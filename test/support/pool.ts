import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../../src/index.js';
import type { PrivateHost } from '../../src/testing/index.js';

/** A pool of directory type on a private host, with its handle. */
export async function makePool(host: PrivateHost, connection: Connection, name = 'pool') {
  const directory = join(host.directory, name);
  mkdirSync(directory);
  if (process.getuid?.() === 0) chownSync(directory, 65_534, 65_534);
  const xml = `<pool type='dir'><name>${name}</name><target><path>${directory}</path></target></pool>`;
  const { pool } = await connection.call('STORAGE_POOL_CREATE_XML', { xml, flags: 0 });
  return { directory, pool };
}

/** A new, empty volume of a pool. */
export async function makeVolume(
  connection: Connection,
  pool: Awaited<ReturnType<typeof makePool>>['pool'],
  name: string,
  bytes: number,
) {
  const xml = `<volume><name>${name}</name><capacity>${bytes}</capacity><allocation>0</allocation>
    <target><format type='raw'/></target></volume>`;
  return (await connection.call('STORAGE_VOL_CREATE_XML', { pool, xml, flags: 0 })).vol;
}
