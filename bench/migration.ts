import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connect, DomainManager, type MigrationPhase } from 'libvirt-canonical';
import { PrivateHost } from 'libvirt-canonical/testing';
import type { Section } from './report.js';
import type { Setting } from './setting.js';
import { spreadOf } from './statistics.js';

const ROUNDS = 5;
const MEMORY_MIB = 256;
/** VIR_DOMAIN_JOB_STATS_COMPLETED. */
const COMPLETED = 1;
/** VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE, and INACTIVE. */
const MIGRATABLE = 9;
const INACTIVE = 2;

interface Figures {
  readonly total: number;
  readonly pause: number;
  readonly checks: number;
}

/** Pause and whole time of a migration through the library and by `virsh migrate --live`, there and back in turn. */
export async function benchMigration(_: Setting, signal: AbortSignal): Promise<Section[]> {
  const hosts = await Promise.all([PrivateHost.start({ signal }), PrivateHost.start({ signal })]);
  const scratch = mkdtempSync(join(tmpdir(), 'lvc-bench-'));
  const connections: Connection[] = [];
  try {
    for (const { uri } of hosts) connections.push(await connect(uri));
    const guests = await Promise.all(hosts.map((host) => host.guest({ name: 'move' })));
    const file = await hosts[0].createDisk('move.qcow2', { size: '64 MiB' });
    const [here] = guests as [(typeof guests)[0]];
    const xml = here.domainXml({ memoryMiB: MEMORY_MIB, disks: [{ file, target: 'vda' }] });
    const domain = await new DomainManager(connections[0] as Connection).define(xml);
    await domain.start();
    await here.waitForReport();
    const by: Record<'library' | 'virsh', Figures[]> = { library: [], virsh: [] };
    let at = 0;
    for (let round = 0; round < 2 * (ROUNDS + 1); round++) {
      signal.throwIfAborted();
      const [from, to] = [at, 1 - at];
      const route = {
        source: connections[from] as Connection,
        destination: connections[to] as Connection,
        moved: [`${hosts[from]?.directory}/guests`, `${hosts[to]?.directory}/guests`] as const,
        uuid: domain.uuid,
        port: await freePort(),
      };
      // Two of each in a row, so that each goes both ways.
      const way = round % 4 < 2 ? 'library' : 'virsh';
      const figures = way === 'library' ? await byLibrary(route) : await byVirsh(route, scratch);
      // The first of each warms up.
      if (round >= 4) by[way].push(figures);
      at = to;
    }
    return [section(by.library, by.virsh)];
  } finally {
    for (const each of connections) await each.close();
    await Promise.all(hosts.map((host) => host.stop()));
    rmSync(scratch, { recursive: true });
  }
}

interface Route {
  readonly source: Connection;
  readonly destination: Connection;
  readonly moved: readonly [from: string, to: string];
  readonly uuid: string;
  readonly port: number;
}

async function byLibrary({ source, destination, moved: [from, to], uuid, port }: Route): Promise<Figures> {
  const domain = await new DomainManager(source).get(uuid);
  const start = performance.now();
  const job = domain.migrate(destination, { uri: `tcp://127.0.0.1:${port}`, paths: { [from]: to } });
  const spent = new Map<MigrationPhase, number>();
  let last: { phase: MigrationPhase; since: number } = { phase: 'checking', since: start };
  for await (const { phase } of job) {
    const now = performance.now();
    spent.set(last.phase, (spent.get(last.phase) ?? 0) + now - last.since);
    last = { phase, since: now };
  }
  const { downtime = Number.NaN } = await job.done;
  const checks = (spent.get('checking') ?? 0) + (spent.get('proving') ?? 0);
  return { total: performance.now() - start, pause: downtime, checks };
}

async function byVirsh(
  { source, destination, moved: [from, to], uuid, port }: Route,
  scratch: string,
): Promise<Figures> {
  const dom = { uuid, name: 'move', id: -1 };
  const files = await Promise.all(
    [MIGRATABLE, MIGRATABLE | INACTIVE].map(async (flags) => {
      const { xml } = await source.call('DOMAIN_GET_XML_DESC', { dom, flags });
      const file = join(scratch, `${flags}.xml`);
      writeFileSync(file, xml.replaceAll(`${from}/`, `${to}/`));
      return file;
    }),
  );
  const [live = '', canonical = ''] = files;
  const start = performance.now();
  const flags = ['--live', '--persistent', '--undefinesource', '--unsafe', '--change-protection'];
  const place = ['--migrateuri', `tcp://127.0.0.1:${port}`, '--xml', live, '--persistent-xml', canonical];
  const args = ['-q', '-c', source.uri, 'migrate', ...flags, ...place, uuid, destination.uri];
  const child = spawn('virsh', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  const total = performance.now() - start;
  if (code !== 0) throw new Error(`virsh ended with ${code}`);
  const { params } = await destination.call('DOMAIN_GET_JOB_STATS', { dom, flags: COMPLETED });
  const pause = Number(params.find(({ field }) => field === 'downtime')?.value.value ?? Number.NaN);
  return { total, pause, checks: 0 };
}

function section(library: readonly Figures[], virsh: readonly Figures[]): Section {
  const spread = (list: readonly Figures[], of: keyof Figures) => spreadOf(list.map((each) => each[of]));
  const ours = { total: spread(library, 'total'), pause: spread(library, 'pause'), checks: spread(library, 'checks') };
  const theirs = { total: spread(virsh, 'total'), pause: spread(virsh, 'pause') };
  const over = ours.total.median / theirs.total.median - 1;
  return {
    title: `Migration of a running guest with ${MEMORY_MIB} MiB, in ms: median (lowest – highest) of ${library.length} rounds`,
    columns: ['in all', 'pause', 'checks and proof'],
    digits: 0,
    lines: [
      { what: 'library', figures: [ours.total, ours.pause, ours.checks] },
      { what: 'virsh migrate --live', figures: [theirs.total, theirs.pause, ''] },
    ],
    notes: [
      'both send the live and the persistent document; the pause is what libvirt counts',
      'checks and proof: both hosts looked at before, the incoming machine compared; the comparison at the end is in the whole',
    ],
    aims: [
      {
        aim: 'in all within 10 % of virsh',
        measured: `${over >= 0 ? '+' : ''}${(over * 100).toFixed(0)} %`,
        met: over <= 0.1,
      },
      {
        aim: 'checks and proof under 300 ms',
        measured: `${ours.checks.median.toFixed(0)} ms`,
        met: ours.checks.median < 300,
      },
      {
        aim: 'pause as long as with virsh',
        measured: `${ours.pause.median.toFixed(0)} ms against ${theirs.pause.median.toFixed(0)} ms`,
        met: ours.pause.median <= theirs.pause.high,
      },
    ],
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
