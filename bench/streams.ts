import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Line, Section } from './report.js';
import type { Setting } from './setting.js';
import { spreadOf, timed } from './statistics.js';
import { virsh } from './virsh.js';

const MIB = 1 << 20;
const ROUNDS = 5;
const POOL = 'bench-streams';
/** What is carried: full of data, or nearly nothing in a large image. */
const IMAGES = [
  { what: 'data', mib: 256, sparse: false },
  { what: 'holes', mib: 1024, sparse: true },
] as const;

/** Volumes up and down, the library and virsh in turn in each round, in MiB of the image a second. */
export async function benchStreams({ host, connection, manager }: Setting, signal: AbortSignal): Promise<Section[]> {
  const xml = `<pool type='dir'><name>${POOL}</name><target><path>${host.directory}/images</path></target></pool>`;
  const { pool } = await connection.call('STORAGE_POOL_CREATE_XML', { xml, flags: 0 });
  const directory = await mkdtemp(join(tmpdir(), 'lvc-bench-'));
  try {
    const lines: Line[] = [];
    for (const { what, mib, sparse } of IMAGES) {
      const volume = `streams-${what}.raw`;
      const source = join(directory, what);
      await makeFile(source, mib, sparse);
      await manager.createImage({ pool: POOL, name: volume, format: 'raw', size: mib * MIB, preallocation: 'none' });
      const name = { pool: POOL, volume };
      const copy = join(directory, 'copy');
      const flag = sparse ? '--sparse' : '';
      const ways = {
        up: {
          library: () => timed(() => manager.uploadVolume(name, source, { sparse, signal })),
          virsh: () => virsh(host.uri, [`vol-upload ${flag} ${volume} ${source} --pool ${POOL}`]),
        },
        down: {
          library: () => timed(() => manager.downloadVolume(name, copy, { sparse, signal })),
          virsh: () => virsh(host.uri, [`vol-download ${flag} ${volume} ${copy} --pool ${POOL}`]),
        },
      };
      for (const [way, { library, virsh: other }] of Object.entries(ways)) {
        const figures: Record<'library' | 'virsh', number[]> = { library: [], virsh: [] };
        for (let round = 0; round < ROUNDS; round++) {
          for (const [who, run] of [
            ['library', library],
            ['virsh', other],
          ] as const) {
            await rm(copy, { force: true });
            figures[who].push(mib / ((await run()) / 1000));
          }
        }
        lines.push({
          what: `${way}, ${mib} MiB of ${what}`,
          figures: [spreadOf(figures.library), spreadOf(figures.virsh)],
        });
      }
    }
    return [
      {
        title: 'Volumes over streams, MiB/s',
        columns: ['library', 'virsh'],
        digits: 0,
        lines,
        notes: [
          `median (lowest – highest) of ${ROUNDS} rounds, each by turns`,
          'virsh: one process from its start to its end; the library: a socket of its own for each stream',
        ],
        aims: [],
      },
    ];
  } finally {
    await connection.call('STORAGE_POOL_DESTROY', { pool });
    await rm(directory, { recursive: true, force: true });
  }
}

/** A file full of data, or one with a mebibyte of it at its start and in its middle. */
async function makeFile(path: string, mib: number, sparse: boolean): Promise<void> {
  const file = await open(path, 'wx');
  try {
    const data = Buffer.alloc(MIB, 'a line of text that is no hole\n');
    for (const at of sparse ? [0, mib >> 1] : Array(mib).keys()) await file.write(data, 0, MIB, at * MIB);
    await file.truncate(mib * MIB);
  } finally {
    await file.close();
  }
}
