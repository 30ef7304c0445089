import {
  type CallOptions,
  type Connection,
  LibvirtError,
  VIR_NODE_MEMORY_STATS_ALL_CELLS,
} from '../connection/index.js';
import type { NumaCell } from './numa-cell.js';

/** Fields of virNodeGetMemoryStats that count what the kernel gives up for a new guest. */
const RECLAIMABLE: readonly string[] = ['buffers', 'cached'];

/**
 * Bytes that are free once the host gives up its caches; undefined where it does not tell them. They are added to what
 * virNodeGetFreeMemory says, since the two calls may count different machines: one goes by NUMA cells, the other by
 * /proc/meminfo. What is cached includes shared memory and tmpfs, which stay. virNodeGetMemoryStats.
 */
export async function availableMemory(
  connection: Connection,
  { total, free }: { readonly total: bigint; readonly free: bigint },
  call: CallOptions,
): Promise<bigint | undefined> {
  return ifTold(async () => {
    const args = { cellNum: VIR_NODE_MEMORY_STATS_ALL_CELLS, flags: 0 };
    // libvirt takes no other number of fields than the one it has: asked for none, it tells it.
    const { nparams } = await connection.call('NODE_GET_MEMORY_STATS', { ...args, nparams: 0 }, call);
    const { params } = await connection.call('NODE_GET_MEMORY_STATS', { ...args, nparams }, call);
    const counted = params.filter(({ field }) => RECLAIMABLE.includes(field));
    const available = counted.reduce((sum, { value }) => sum + BigInt(value) * 1024n, free);
    return available < total ? available : total;
  });
}

/** The cells with their free memory and free pages. virNodeGetCellsFreeMemory, virNodeGetFreePages. */
export async function withFree(
  connection: Connection,
  cells: readonly NumaCell[],
  call: CallOptions,
): Promise<NumaCell[]> {
  if (cells.length === 0) return [];
  // The answer goes by the numbers of cells, which may have holes.
  const maxcells = Math.max(...cells.map(({ id }) => id)) + 1;
  const free = await ifTold(() => connection.call('NODE_GET_CELLS_FREE_MEMORY', { startCell: 0, maxcells }, call));
  return Promise.all(
    cells.map(async (cell) => ({
      ...cell,
      free: free?.cells[cell.id],
      pages: await freePages(connection, cell, call),
    })),
  );
}

async function freePages(
  connection: Connection,
  { id, pages }: NumaCell,
  call: CallOptions,
): Promise<NumaCell['pages']> {
  if (pages.length === 0) return pages;
  const sizes = pages.map(({ size }) => Number(size / 1024n));
  const args = { pages: sizes, startCell: id, cellCount: 1, flags: 0 };
  const told = await ifTold(() => connection.call('NODE_GET_FREE_PAGES', args, call));
  return pages.map((each, at) => ({ ...each, free: told?.counts[at] }));
}

/** What a host without the figure answers is no reason to know nothing of it. */
async function ifTold<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof LibvirtError) return undefined;
    throw error;
  }
}
