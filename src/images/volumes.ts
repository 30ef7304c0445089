import {
  type CallOptions,
  type Connection,
  LibvirtError,
  type StorageVolHandle,
  VIR_DOMAIN_XML_INACTIVE,
  VIR_STORAGE_VOL_RESIZE_SHRINK,
} from '../connection/index.js';
import { bytesOf, formatBytes, type Size } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { parseElement, select, valueAt } from '../xml/index.js';
import { byName } from './pool.js';

/** A volume by its pool's name and its own. */
export interface VolumeName {
  readonly pool: string;
  readonly volume: string;
}

/** A volume of a storage pool. */
export interface HostVolume extends VolumeName {
  /** Of the host, or a network name such as `pool/image`. */
  readonly path: string;
  /** `qcow2`, `raw`, …; undefined for a pool whose volumes have none. */
  readonly format: string | undefined;
  /** What a guest sees, in bytes. */
  readonly capacity: bigint;
  /** What it takes of the pool, in bytes. */
  readonly allocation: bigint;
  /** The image that it is an overlay of. */
  readonly base: string | undefined;
  readonly encrypted: boolean;
}

/** Options of `resizeVolume`. */
export interface ResizeVolumeOptions extends CallOptions {
  /** What to do about a smaller size, which cuts off what is beyond it: `refuse` (default), or `allow`. */
  readonly shrink?: 'refuse' | 'allow';
}

/** Lists the volumes of a pool. Refresh it by `STORAGE_POOL_REFRESH` to see files that came without libvirt. */
export async function volumesOf(connection: Connection, name: string, call: CallOptions = {}): Promise<HostVolume[]> {
  const pool = await byName(connection, name, call);
  const { vols } = await connection.call('STORAGE_POOL_LIST_ALL_VOLUMES', { pool, need_results: 1, flags: 0 }, call);
  const read = await Promise.all(vols.map((vol) => volumeIfThere(connection, vol, call)));
  return read.filter((each) => each !== undefined);
}

/** The handle of a volume; LIBVIRT when there is none. */
export async function volumeHandle(
  connection: Connection,
  { pool: name, volume }: VolumeName,
  call: CallOptions = {},
): Promise<StorageVolHandle> {
  const { pool } = await connection.call('STORAGE_POOL_LOOKUP_BY_NAME', { name }, call);
  return (await connection.call('STORAGE_VOL_LOOKUP_BY_NAME', { pool, name: volume }, call)).vol;
}

/** Sets what a guest sees of a volume that no guest has. virStorageVolResize. */
export async function resizeVolume(
  connection: Connection,
  name: VolumeName,
  size: Size,
  { shrink = 'refuse', ...call }: ResizeVolumeOptions = {},
): Promise<HostVolume> {
  const capacity = bytesOf(size, 'capacity');
  const vol = await volumeHandle(connection, name, call);
  const before = await readVolume(connection, vol, call);
  const smaller = capacity < before.capacity;
  if (smaller && shrink === 'refuse')
    throw new LibvirtCanonicalError(
      'ARGUMENT_INVALID',
      `volume ${vol.name} has ${formatBytes(before.capacity)}: ${formatBytes(capacity)} would cut off its end`,
      { path: 'capacity', remedy: "Shrink what is on it first, then use shrink: 'allow'" },
    );
  await assertUnused(connection, before, 'resized', call);
  const flags = smaller ? VIR_STORAGE_VOL_RESIZE_SHRINK : 0;
  if (capacity !== before.capacity) await connection.call('STORAGE_VOL_RESIZE', { vol, capacity, flags }, call);
  return readVolume(connection, vol, call);
}

/** Deletes a volume that no domain and no overlay uses. virStorageVolDelete. */
export async function deleteVolume(connection: Connection, name: VolumeName, call: CallOptions = {}): Promise<void> {
  const vol = await volumeHandle(connection, name, call);
  await assertUnused(connection, await readVolume(connection, vol, call), 'deleted', call);
  await connection.call('STORAGE_VOL_DELETE', { vol, flags: 0 }, call);
}

/** `VOLUME_IN_USE` for an image that a domain names in either document, or that an overlay in the same pool is made of. */
async function assertUnused(
  connection: Connection,
  volume: HostVolume,
  what: string,
  call: CallOptions,
): Promise<void> {
  const [domain] = await domainsUsing(connection, volume, call);
  const overlay = (await volumesOf(connection, volume.pool, call)).find(({ base }) => base === volume.path);
  const by = domain ? `domain ${domain}` : overlay && `its overlay ${overlay.volume}`;
  if (by === undefined) return;
  throw new LibvirtCanonicalError('VOLUME_IN_USE', `volume ${volume.volume} is used by ${by} and cannot be ${what}`, {
    remedy: !domain
      ? 'Delete the overlay first, or commit it'
      : what === 'resized'
        ? `Use resizeDisk of ${domain}`
        : `Detach the disk from ${domain} first`,
  });
}

async function domainsUsing(connection: Connection, volume: HostVolume, call: CallOptions): Promise<string[]> {
  const { domains } = await connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 }, call);
  const users: string[] = [];
  for (const dom of domains) {
    const documents = await Promise.all(
      [0, VIR_DOMAIN_XML_INACTIVE].map((flags) =>
        unlessGone(connection.call('DOMAIN_GET_XML_DESC', { dom, flags }, call), 'VIR_ERR_NO_DOMAIN'),
      ),
    );
    const names = documents.flatMap((read) => (read ? sourcesIn(read.xml) : []));
    if (names.some(({ file, pool, name }) => file === volume.path || (pool === volume.pool && name === volume.volume)))
      users.push(dom.name);
  }
  return users;
}

/** Every image that a document names, backing files and mirrors included. */
function sourcesIn(xml: string) {
  return select(parseElement(xml), 'devices/disk/descendant::source').map((source) => ({
    file: source.getAttribute('file') || source.getAttribute('dev') || undefined,
    pool: source.getAttribute('pool') || undefined,
    name: source.getAttribute('volume') || undefined,
  }));
}

const volumeIfThere = (connection: Connection, vol: StorageVolHandle, call: CallOptions) =>
  unlessGone(readVolume(connection, vol, call), 'VIR_ERR_NO_STORAGE_VOL');

async function readVolume(connection: Connection, vol: StorageVolHandle, call: CallOptions): Promise<HostVolume> {
  const [{ xml }, { name: path }, info] = await Promise.all([
    connection.call('STORAGE_VOL_GET_XML_DESC', { vol, flags: 0 }, call),
    connection.call('STORAGE_VOL_GET_PATH', { vol }, call),
    connection.call('STORAGE_VOL_GET_INFO', { vol }, call),
  ]);
  const root = parseElement(xml);
  return {
    pool: vol.pool,
    volume: vol.name,
    path,
    format: valueAt(root, 'target/format/@type'),
    capacity: info.capacity,
    allocation: info.allocation,
    base: valueAt(root, 'backingStore/path'),
    encrypted: select(root, 'target/encryption').length > 0,
  };
}

async function unlessGone<T>(pending: Promise<T>, gone: string): Promise<T | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (error instanceof LibvirtError && error.errorName === gone) return undefined;
    throw error;
  }
}
