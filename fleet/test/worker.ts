/** A worker in a process of its own: `worker OPTIONS-JSON`. It says `ready`, then works until it is ended, or ends itself where it is told to. */
import { appendFileSync } from 'node:fs';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { Fleet, type FleetOptions } from 'libvirt-canonical/fleet';
import { directory, type EngineOptions, openEngine } from 'libvirt-canonical-fleet';

/** What a worker of the tests is started with. */
export interface WorkerSetup {
  readonly hosts: FleetOptions['hosts'];
  /** A folder, or a URL. */
  readonly store: string;
  readonly worker: string;
  readonly bundles?: string;
  readonly limits?: object;
  /** Milliseconds that a host has for an answer. */
  readonly timeout?: number;
  readonly timeouts?: EngineOptions['timeouts'];
  /** A boundary at which the process is killed: see {@link watchSteps}. */
  readonly dies?: string;
  /** File that each boundary is written into. */
  readonly boundaries?: string;
}

const {
  hosts,
  store,
  worker,
  bundles,
  limits,
  timeout = 60_000,
  timeouts,
  dies,
  boundaries,
} = JSON.parse(process.argv[2] ?? '') as WorkerSetup;

/**
 * Names each boundary as it is passed: `before`, `made` (the step has had its effect and the engine does not know), `recorded`; with
 * the step's name, and a number where it comes more than once.
 */
function watchSteps(passed: (boundary: string) => void): void {
  const counts = new Map<string, number>();
  const make = DBOS.runStep.bind(DBOS);
  DBOS.runStep = async (run, config) => {
    // Which host it is about differs from run to run.
    const step = (config?.name ?? '').replace(/^(note (?:begin|end)) .*$/, '$1');
    const number = (counts.get(step) ?? 0) + 1;
    counts.set(step, number);
    const name = `${step}${number > 1 ? ` (${number})` : ''}`;
    let fresh = false;
    const done = await make(async () => {
      fresh = true;
      passed(`before ${name}`);
      const value = await run();
      passed(`made ${name}`);
      return value;
    }, config);
    if (fresh) passed(`recorded ${name}`);
    return done;
  };
}

watchSteps((boundary) => {
  if (boundaries !== undefined) appendFileSync(boundaries, `${boundary}\n`);
  if (boundary === dies) process.kill(process.pid, 'SIGKILL');
});
const fleet = await Fleet.open({ hosts, timeout });
const engine = await openEngine({
  fleet,
  store: store.startsWith('/') ? { folder: store } : (store as `postgresql://${string}`),
  worker,
  ...(bundles !== undefined && { bundles: directory(bundles) }),
  ...(limits && { limits }),
  ...(timeouts && { timeouts }),
});
process.stdout.write('ready\n');
process.once('SIGTERM', async () => {
  await engine.close();
  await fleet.close();
  process.exit(0);
});
