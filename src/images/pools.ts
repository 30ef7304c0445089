import { type CallOptions, type Connection, LibvirtError, type StoragePoolHandle } from '../connection/index.js';
import { parseElement, valueAt } from '../xml/index.js';

const STATES = ['inactive', 'building', 'running', 'degraded', 'inaccessible'] as const;

/** A storage pool of the host. */
export interface HostPool {
  readonly name: string;
  readonly uuid: string;
  /** `dir`, `logical`, `rbd`, … */
  readonly type: string;
  readonly state: (typeof STATES)[number];
  readonly persistent: boolean;
  /** Whether it starts with the host. */
  readonly autostart: boolean;
  /** Its folder, on the host; undefined for a pool that has none. */
  readonly path: string | undefined;
  /** Bytes; 0 of a pool that is not active. */
  readonly capacity: bigint;
  readonly allocation: bigint;
  readonly available: bigint;
}

/** Lists the storage pools of a host, also those that are not active. virConnectListAllStoragePools. */
export async function poolsOf(connection: Connection, call: CallOptions = {}): Promise<HostPool[]> {
  const { pools } = await connection.call('CONNECT_LIST_ALL_STORAGE_POOLS', { need_results: 1, flags: 0 }, call);
  const read = await Promise.all(pools.map((pool) => poolOf(connection, pool, call)));
  return read.filter((each) => each !== undefined);
}

/** Undefined for a pool that went since it was listed. */
async function poolOf(
  connection: Connection,
  pool: StoragePoolHandle,
  call: CallOptions,
): Promise<HostPool | undefined> {
  try {
    const [{ xml }, info, { persistent }, { autostart }] = await Promise.all([
      connection.call('STORAGE_POOL_GET_XML_DESC', { pool, flags: 0 }, call),
      connection.call('STORAGE_POOL_GET_INFO', { pool }, call),
      connection.call('STORAGE_POOL_IS_PERSISTENT', { pool }, call),
      connection.call('STORAGE_POOL_GET_AUTOSTART', { pool }, call),
    ]);
    const root = parseElement(xml);
    const { capacity, allocation, available } = info;
    return {
      name: pool.name,
      uuid: pool.uuid,
      type: root.getAttribute('type') ?? '',
      state: STATES[info.state] ?? 'inaccessible',
      persistent: persistent === 1,
      autostart: autostart === 1,
      path: valueAt(root, 'target/path'),
      ...{ capacity, allocation, available },
    };
  } catch (error) {
    if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_STORAGE_POOL') return undefined;
    throw error;
  }
}
