import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Fleet } from 'libvirt-canonical/fleet';
import { type ApplyResult, connectEngine, type Operations } from 'libvirt-canonical-fleet';
import pg from 'pg';
import { endChild, nextLine, postmasterOf, startChild } from '../child.js';
import type { WorkerSetup } from '../worker.js';
import type { HostsFigures, HostsSetup } from './hosts.js';
import { record } from './record.js';

/** What is simulated. */
export interface SimulationSetup {
  readonly hosts: number;
  readonly domains: number;
  readonly batch: number;
}

/** What came of a simulation. */
export interface SimulationFigures {
  readonly planSeconds: number;
  readonly planMemory: number;
  readonly drainPlanSeconds: number;
  readonly changeSeconds: number;
  /** Steps that the engine remembers, and as many a second. */
  readonly steps: number;
  readonly stepsPerSecond: number;
  /** Highest resident memory of each worker, in MB. */
  readonly workerMemory: readonly number[];
  /** CPU seconds of each worker, of all of PostgreSQL, of the simulated hosts. */
  readonly cpu: Readonly<Record<string, number>>;
  /** MB of the database. */
  readonly storeSize: number;
  readonly result: ApplyResult;
  readonly hosts: HostsFigures;
}

/** As the documentation says to start a worker that has to be small. */
const SMALL = ['--max-old-space-size=128', '--max-semi-space-size=4'];
const REQUEST = { set: { title: 'changed', description: 'by the fleet' } };
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Changes all domains of simulated hosts by the real engine, on a real PostgreSQL; one of two workers is killed half-way. */
export async function simulate({ hosts: many, domains, batch }: SimulationSetup): Promise<SimulationFigures> {
  const folder = mkdtempSync(join(tmpdir(), 's'));
  chmodSync(folder, 0o755);
  const children: ChildProcess[] = [];
  const start = async (script: string, setup: object, flags: readonly string[] = []): Promise<ChildProcess> => {
    const child = await startChild(beside(script), setup, { flags, input: 'pipe' });
    children.push(child);
    return child;
  };
  try {
    const recording = join(folder, 'recording.json');
    writeFileSync(recording, JSON.stringify(await record(REQUEST)));
    const hosts = await start('hosts.js', { recording, folder, hosts: many, domains } satisfies HostsSetup);
    const specs = Object.fromEntries(
      Array.from({ length: many }, (_, at) => [`h${at}`, `qemu+unix:///session?socket=${join(folder, String(at))}`]),
    );
    const plan = await planned(specs);
    const store = join(folder, 'pg');
    const engine = await connectEngine({ store: { folder: store } });
    const common = { hosts: specs, store, timeout: 120_000 };
    const worker = (name: string) => start('../worker.js', { ...common, worker: name } satisfies WorkerSetup, SMALL);
    const [first, second] = [await worker('first'), await worker('second')];
    const memory = [new Highest(first), new Highest(second)];
    const begun = performance.now();
    const operation = await engine.applyEverywhere(plan.change, { id: 'simulated', request: REQUEST, batch });
    await halfDone(engine, many * domains);
    const killedCpu = cpuOf(first.pid as number);
    first.kill('SIGKILL');
    const result = (await operation.result()) as ApplyResult;
    const changeSeconds = (performance.now() - begun) / 1_000;
    const { steps, size } = await sizeOf(store);
    const cpu = {
      'killed worker': killedCpu,
      'other worker': cpuOf(second.pid as number),
      hosts: cpuOf(hosts.pid as number),
      // Of its backends that have ended, too.
      PostgreSQL: treeCpu(postmasterOf(store)),
    };
    const figures = nextLine(hosts);
    hosts.stdin?.write('\n');
    const said = JSON.parse(await figures) as HostsFigures;
    await endChild(second);
    await engine.close();
    return {
      planSeconds: plan.seconds,
      planMemory: plan.memory,
      drainPlanSeconds: plan.drainSeconds,
      changeSeconds,
      steps,
      stepsPerSecond: steps / changeSeconds,
      workerMemory: memory.map((each) => each.stop()),
      cpu,
      storeSize: size,
      result,
      hosts: said,
    };
  } finally {
    for (const child of children) await endChild(child);
    // Who closes last stops PostgreSQL.
    await (await connectEngine({ store: { folder: join(folder, 'pg') } })).close();
    rmSync(folder, { recursive: true });
  }
}

async function planned(hosts: Readonly<Record<string, string>>) {
  await using fleet = await Fleet.open({ hosts, timeout: 120_000 });
  let begun = performance.now();
  const change = await fleet.planApply({ request: REQUEST });
  const seconds = (performance.now() - begun) / 1_000;
  const memory = process.memoryUsage.rss() / 1e6;
  if (!change.isPossible || change.silent.length > 0) throw new Error(String(change));
  begun = performance.now();
  const drain = await fleet.planDrain('h0');
  const drainSeconds = (performance.now() - begun) / 1_000;
  if (!drain.isPossible) throw new Error(String(drain));
  return { change, seconds, memory, drainSeconds };
}

async function halfDone(engine: Operations, all: number): Promise<void> {
  for (;;) {
    const { done, state } = await engine.operation('simulated').look();
    if (done >= all / 2) return;
    if (state === 'ended' || state === 'broken') return;
    await sleep(50);
  }
}

async function sizeOf(store: string): Promise<{ readonly steps: number; readonly size: number }> {
  const client = new pg.Client({ host: join(store, 'socket'), user: 'lvc_fleet', database: 'lvc_fleet' });
  await client.connect();
  const { rows } = await client.query(
    `SELECT (SELECT count(*) FROM dbos.operation_outputs)::int AS steps, pg_database_size(current_database())::float / 1e6 AS size`,
  );
  await client.end();
  return rows[0];
}

/** The highest resident memory of a process, looked at while it lives. */
class Highest {
  #most = 0;
  readonly #timer: NodeJS.Timeout;

  constructor({ pid }: ChildProcess) {
    this.#timer = setInterval(() => {
      try {
        const [, kilobytes] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
        if (kilobytes !== undefined) this.#most = Math.max(this.#most, (Number(kilobytes) * 1024) / 1e6);
      } catch {
        // It has ended.
      }
    }, 200);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.#most;
  }
}

/** Clock ticks of a second: USER_HZ. */
const TICKS = 100;

/** CPU seconds of a process, with those of its children that have ended. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / TICKS;
}

/** The same of a process and its children that live. */
function treeCpu(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children
    .split(' ')
    .filter(Boolean)
    .reduce((sum, child) => sum + cpuOf(Number(child)), cpuOf(pid));
}
