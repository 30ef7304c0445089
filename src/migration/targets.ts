import { basename, dirname } from 'node:path';
import type { CallOptions, Connection } from '../connection/index.js';
import { isLibvirt, makeImageFile, withPool } from '../images/index.js';
import type { MigrationDisk } from './disks.js';
import { blocks, type MigrationFinding, unknown } from './findings.js';
import type { MigrationRequest } from './options.js';

/** What stands in the way of the targets of copied disks: at the destination, by its storage pools. */
export async function checkTargets(
  destination: Connection,
  disks: readonly MigrationDisk[],
  { targets }: MigrationRequest,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  const findings: MigrationFinding[] = [];
  const needed = new Map<string, number>();
  for (const disk of disks) {
    const { destination: path, allocation = 0 } = disk;
    if (disk.how !== 'copied' || path === undefined) continue;
    const isFile = path.startsWith('/') && !path.startsWith('/dev/');
    const found = isFile ? await volumeAt(destination, path, options) : 'no file';
    const below = disk.backing && (await volumeAt(destination, disk.backing.path, options));
    findings.push(...targetFindings(disk, path, targets, found), ...backingFindings(disk, below));
    if (targets === 'create' && !found) needed.set(dirname(path), (needed.get(dirname(path)) ?? 0) + allocation);
  }
  for (const [folder, bytes] of needed) findings.push(...(await checkSpace(destination, folder, bytes, options)));
  return findings;
}

/** What is where a target is to be; undefined when nothing is. */
type Found = { readonly capacity: number } | 'no folder' | 'no pools' | 'no file' | undefined;

function targetFindings(
  { identity, capacity }: MigrationDisk,
  path: string,
  targets: MigrationRequest['targets'],
  found: Found,
): MigrationFinding[] {
  const about = (problem: string, remedy: string) => [blocks('destination', identity, problem, remedy)];
  const byHand = "Make it yourself and ask for targets: 'given'";
  if (found === 'no folder') return about(`there is no folder ${dirname(path)}`, 'Make it, or give another by paths');
  if (found === 'no file' && targets === 'create')
    return about(`${path} is not a file, so libvirt makes no target for it`, byHand);
  if (found === 'no pools' && targets === 'create') return about('libvirt there has no storage pools', byHand);
  if (typeof found === 'string')
    return [
      unknown('destination', identity, `it cannot be told whether ${path} is there and large enough`, 'Look there'),
    ];
  if (targets === 'create')
    return found
      ? about(`${path} is there already`, "Remove it when nobody needs it, or ask for targets: 'given'")
      : [];
  if (!found) return about(`${path} is not there`, "Make it, or ask for targets: 'create'");
  return found.capacity === capacity
    ? []
    : about(`${path} has ${found.capacity} bytes, the disk has ${capacity}`, 'Make it exactly as large');
}

function backingFindings({ identity, backing }: MigrationDisk, below: Found): MigrationFinding[] {
  if (!backing || typeof below === 'object' || below === 'no pools') return [];
  const problem = `the image below it, ${backing.path}, is not there`;
  return [blocks('destination', identity, problem, "Bring it there, or ask for copy: 'all'")];
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
async function volumeAt(connection: Connection, path: string, options: CallOptions): Promise<Found> {
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
    // A daemon without a storage driver.
    if (isLibvirt(error, 'VIR_ERR_NO_SUPPORT')) return 'no pools';
    throw error;
  }
}

/** The targets that a migration makes itself. */
export function targetsToMake(disks: readonly MigrationDisk[], { targets }: MigrationRequest): MigrationDisk[] {
  return targets === 'create' ? disks.filter(({ how, destination }) => how === 'copied' && destination) : [];
}

/** Makes the target of a copied disk, of its size and format and over its backing image. */
export function makeTarget(
  connection: Connection,
  { destination, capacity = 0, format = 'raw', backing }: MigrationDisk,
  options: CallOptions,
): Promise<void> {
  return makeImageFile(connection, { path: destination as string, capacity, format, backing }, options);
}
