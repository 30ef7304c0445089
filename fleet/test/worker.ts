/** A worker in a process of its own: `worker OPTIONS-JSON`. It says `ready`, then works until it is ended. */
import { Fleet, type FleetOptions } from 'libvirt-canonical/fleet';
import { directory, openEngine } from 'libvirt-canonical-fleet';

/** What a worker of the tests is started with. */
export interface WorkerSetup {
  readonly hosts: FleetOptions['hosts'];
  readonly store: string;
  readonly worker: string;
  readonly bundles?: string;
  readonly limits?: object;
  /** Milliseconds that a host has for an answer. */
  readonly timeout?: number;
}

const { hosts, store, worker, bundles, limits, timeout = 60_000 } = JSON.parse(process.argv[2] ?? '') as WorkerSetup;
const fleet = await Fleet.open({ hosts, timeout });
const engine = await openEngine({
  fleet,
  store: { folder: store },
  worker,
  ...(bundles !== undefined && { bundles: directory(bundles) }),
  ...(limits && { limits }),
});
process.stdout.write('ready\n');
process.once('SIGTERM', async () => {
  await engine.close();
  await fleet.close();
  process.exit(0);
});
