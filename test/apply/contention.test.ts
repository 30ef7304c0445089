/**
 * Several processes apply to the same domains as fast as they can: every change is there at the end, and from the first
 * call of a plan to its last no other process has made one. The control does the same without the library's apply.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ManagedDomain } from '../../src/index.js';
import { runBuilt } from '../examples/run.js';
import { benchOnDemand } from '../support/bench.js';
import { tellFigures } from '../support/figures.js';
import { countIn, type Done, isPlugged, type Order, type Report } from './contention-child.js';

const APPLIES = Number(process.env.LVC_APPLIES ?? 200);
const PROCESSES = 4;

const bench = benchOnDemand();
test.after(() => bench.stop());

interface Outcome {
  readonly reports: readonly Report[];
  /** What is wrong with the domains, or with the order of the calls. */
  readonly lost: readonly string[];
  readonly interleaved: readonly string[];
}

async function contend(applies: number, how: Order['how']): Promise<Outcome> {
  const b = await bench();
  const domains = [await b.define(), await b.define(), await b.started()];
  const reports = await Promise.all(
    Array.from({ length: PROCESSES }, async (_, at) => {
      const order: Order = { process: at + 1, domains: domains.map(({ uuid }) => uuid), applies, how };
      const args = [b.host.uri, JSON.stringify(order)];
      const { code, stdout, stderr } = await runBuilt('test/apply/contention-child.js', { args, deadline: 300_000 });
      assert.is(code, 0, stderr);
      return JSON.parse(stdout) as Report;
    }),
  );
  const lost = (await Promise.all(domains.map((domain) => lostOn(domain, reports)))).flat();
  return { reports, lost, interleaved: domains.flatMap(({ uuid }) => interleavedOn(uuid, reports)) };
}

/** What each process did and is not there: the count that each plan added one to, and the device of each process. */
async function lostOn(domain: ManagedDomain, reports: readonly Report[]): Promise<string[]> {
  const canonical = await domain.canonical();
  const all = reports.map(({ done }) => done.filter(({ uuid }) => uuid === domain.uuid));
  const [count, made] = [countIn(canonical), all.flat().length];
  const devices = all.flatMap((done, at) => {
    const [last] = done.slice(-1);
    return !last || last.plugged === isPlugged(canonical, at + 1) ? [] : [`the device of process ${at + 1}`];
  });
  return [...(count === made ? [] : [`${made - count} of ${made} changes of ${domain.name}`]), ...devices];
}

/** Plans whose calls were made while those of another were. */
function interleavedOn(uuid: string, reports: readonly Report[]): string[] {
  const all = reports.flatMap(({ done }) => done).filter((each) => each.uuid === uuid);
  const order = all.map(({ from, to }) => [BigInt(from), BigInt(to)] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  return order.flatMap(([from], at) => {
    const [, before] = order[at - 1] ?? [];
    return before !== undefined && from < before ? [`plan ${at} begins ${before - from} ns before the last ends`] : [];
  });
}

test(`${APPLIES} random applies from ${PROCESSES} processes: none lost, none interleaved`, async () => {
  const { reports, lost, interleaved } = await contend(APPLIES / PROCESSES, 'apply');
  const done: readonly Done[] = reports.flatMap((report) => report.done);
  assert.is(done.length, APPLIES);
  assert.equal(lost, []);
  assert.equal(interleaved, []);
  assert.ok(done.some(({ calls }) => calls > 3));
  const stale = reports.reduce((sum, report) => sum + report.stale, 0);
  assert.ok(stale > 0, 'processes were in each other’s way');
  console.log(`${APPLIES} applies from ${PROCESSES} processes, ${stale} plans were refused as stale and made anew`);
  tellFigures({ 'random operations run': APPLIES, 'domains lost': 0 });
  const b = await bench();
  for await (const domain of b.manager.list()) {
    assert.is(domain.interrupted, undefined);
    assert.not.match(await domain.canonical(), /libvirt-canonical:journal/, 'nobody left an entry');
  }
});

test('control: the same plans carried out without the library’s apply lose changes, and interleave', async () => {
  const { lost, interleaved } = await contend(10, 'raw');
  assert.ok(lost.length > 0, 'some were lost');
  assert.ok(interleaved.length > 0, 'some were interleaved');
});

test.run();
