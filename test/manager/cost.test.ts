/** What a change costs: the calls that planning and applying it make, and how many of them can change something. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChangeRequest } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { isMutator, Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

interface Job {
  readonly what: string;
  /** Of a domain whose guest runs, its CPUs stopped. */
  readonly running?: boolean;
  readonly request: (b: Bench) => Promise<ChangeRequest>;
  readonly calls: number;
  readonly writes: number;
}

const attach = async (b: Bench, targets: readonly string[]): Promise<ChangeRequest> => ({
  attach: await Promise.all(
    targets.map(async (target) => ({ disk: { id: target, target, file: await b.disk(), format: 'qcow2' } as const })),
  ),
});
const FIVE = ['vdb', 'vdc', 'vdd', 'vde', 'vdf'];

/** Exact, so that neither a call more nor a call less goes by unseen. Reads that libvirt has since 11.2.0 are left out. */
const JOBS: readonly Job[] = [
  { what: 'attach of one disk, off', request: (b) => attach(b, ['vdb']), calls: 23, writes: 6 },
  { what: 'attach of one disk, running', running: true, request: (b) => attach(b, ['vdb']), calls: 23, writes: 6 },
  { what: 'attach of five disks, off', request: (b) => attach(b, FIVE), calls: 35, writes: 10 },
  { what: 'resize, off', request: async () => ({ set: { vcpus: 2 } }), calls: 17, writes: 4 },
  { what: 'autostart, off', request: async () => ({ set: { autostart: true } }), calls: 20, writes: 3 },
  { what: 'detach of a NIC, off', request: async () => ({ detach: [{ interface: 'lan' }] }), calls: 23, writes: 6 },
];

for (const { what, running, request, calls, writes } of JOBS)
  test(`${what}: ${calls} calls, ${writes} of them writes`, async () => {
    const b = await bench();
    const domain = await (running ? b.started({ hotplug: { pciePorts: 8 } }) : b.define({ hotplug: { pciePorts: 8 } }));
    const asked = await request(b);
    using wire = new Wire();
    await domain.apply(await domain.plan(asked));
    const made = wire.calls.map(({ procedure }) => procedure).filter((name) => name !== 'DOMAIN_GET_AUTOSTART_ONCE');
    assert.equal({ calls: made.length, writes: made.filter(isMutator).length }, { calls, writes }, made.join('\n'));
  });

test.run();
