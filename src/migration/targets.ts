import { basename, dirname } from 'node:path';
import type { CallOptions, Connection } from '../connection/index.js';
import { buildElement } from '../xml/index.js';
import type { MigrationDisk } from './disks.js';
import { blocks, type MigrationFinding } from './findings.js';
import type { MigrationRequest } from './options.js';
import { isLibvirt, withPool } from './pools.js';

/** What stands in the way of the targets of copied disks: at the destination, by its storage pools. */
export async function checkTargets(
  destination: Connection,
  disks: readonly MigrationDisk[],
  { targets }: MigrationRequest,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  const findings: MigrationFinding[] = [];
  const needed = new Map<string, number>();
  for (const { identity, destination: path, capacity, allocation = 0, how, backing } of disks) {
    if (how !== 'copied' || path === undefined) continue;
    const about = (problem: string, remedy: string) => blocks('destination', identity, problem, remedy);
    if (!path.startsWith('/') || path.startsWith('/dev/')) {
      if (targets === 'create')
        findings.push(
          about(
            `${path} is not a file, so libvirt makes no target for it`,
            "Make it yourself and ask for targets: 'given'",
          ),
        );
      continue;
    }
    const found = await volumeAt(destination, path, options);
    if (found === 'no folder')
      findings.push(about(`there is no folder ${dirname(path)}`, 'Make it, or give another by paths'));
    else if (targets === 'create' && found)
      findings.push(about(`${path} is there already`, "Remove it when nobody needs it, or ask for targets: 'given'"));
    else if (targets === 'given' && !found)
      findings.push(about(`${path} is not there`, "Make it, or ask for targets: 'create'"));
    else if (targets === 'given' && found && found.capacity !== capacity)
      findings.push(about(`${path} has ${found.capacity} bytes, the disk has ${capacity}`, 'Make it exactly as large'));
    if (backing && (await volumeAt(destination, backing.path, options).then((each) => !each || each === 'no folder')))
      findings.push(
        about(`the image below it, ${backing.path}, is not there`, "Bring it there, or ask for copy: 'all'"),
      );
    if (targets === 'create' && !found) needed.set(dirname(path), (needed.get(dirname(path)) ?? 0) + allocation);
  }
  for (const [folder, bytes] of needed) findings.push(...(await checkSpace(destination, folder, bytes, options)));
  return findings;
}

async function checkSpace(
  connection: Connection,
  folder: string,
  bytes: number,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  const { available } = await withPool(
    connection,
    folder,
    (pool) => connection.call('STORAGE_POOL_GET_INFO', { pool }, options),
    options,
  );
  if (Number(available) >= bytes) return [];
  return [
    blocks(
      'destination',
      'domain',
      `${folder} has ${available} bytes left, the disks take ${bytes}`,
      'Make room there',
    ),
  ];
}

/** A file of a folder as its pool shows it. */
async function volumeAt(
  connection: Connection,
  path: string,
  options: CallOptions,
): Promise<{ readonly capacity: number } | 'no folder' | undefined> {
  try {
    return await withPool(
      connection,
      dirname(path),
      async (pool) => {
        const { vol } = await connection.call('STORAGE_VOL_LOOKUP_BY_NAME', { pool, name: basename(path) }, options);
        const { capacity } = await connection.call('STORAGE_VOL_GET_INFO', { vol }, options);
        return { capacity: Number(capacity) };
      },
      options,
    );
  } catch (error) {
    if (isLibvirt(error, 'VIR_ERR_NO_STORAGE_VOL')) return undefined;
    if (isLibvirt(error, 'VIR_ERR_SYSTEM_ERROR')) return 'no folder';
    throw error;
  }
}

/** The targets that a migration makes itself. */
export function targetsToMake(disks: readonly MigrationDisk[], { targets }: MigrationRequest): MigrationDisk[] {
  return targets === 'create' ? disks.filter(({ how, destination }) => how === 'copied' && destination) : [];
}

/** Makes the target of a copied disk, of its size and format and over its backing image. virStorageVolCreateXML. */
export async function makeTarget(
  connection: Connection,
  { destination, capacity, format, backing }: MigrationDisk,
  options: CallOptions,
): Promise<void> {
  const path = destination as string;
  const xml = buildElement('volume', [
    ['name', basename(path)],
    ['capacity/@unit', 'bytes'],
    ['capacity', String(capacity)],
    ['allocation', '0'],
    ['target/format/@type', format ?? 'raw'],
    ...(backing
      ? [['backingStore/path', backing.path] as const, ['backingStore/format/@type', backing.format ?? 'raw'] as const]
      : []),
  ]);
  await withPool(
    connection,
    dirname(path),
    (pool) => connection.call('STORAGE_VOL_CREATE_XML', { pool, xml, flags: 0 }, options),
    options,
  );
}

/** Removes targets that were made. One that is not there is as asked. Returns those that are still there. */
export async function removeTargets(connection: Connection, paths: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const path of paths) {
    try {
      await withPool(connection, dirname(path), async (pool) => {
        const { vol } = await connection.call('STORAGE_VOL_LOOKUP_BY_NAME', { pool, name: basename(path) });
        await connection.call('STORAGE_VOL_DELETE', { vol, flags: 0 });
      });
    } catch (error) {
      if (!isLibvirt(error, 'VIR_ERR_NO_STORAGE_VOL')) left.push(path);
    }
  }
  return left;
}
