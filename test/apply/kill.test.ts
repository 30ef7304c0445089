/**
 * A process that applies is killed at the calls of a plan, and the domain recovered: it is as before or as after, never
 * between. By default at every call that changes something, which is every boundary between two operations; with
 * `LVC_KILLS=all` at every message of the apply, each request and each answer, both ways.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withoutBookkeeping } from '../../src/domain/index.js';
import type { ChangeRequest, ManagedDomain, RecoverProgress } from '../../src/index.js';
import { runBuilt } from '../examples/run.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { tellFigures } from '../support/figures.js';
import { documentsOf, sorted } from '../support/scenario.js';
import { assertSameTokens } from '../support/tokens.js';
import { isMutator, Wire } from '../support/wire.js';

type Mode = 'complete' | 'undo';
type Phase = 'start' | 'end';
/** A call of the apply, and the moment about it at which its process dies. */
interface Point {
  readonly call: string;
  readonly phase: Phase;
}

const bench = benchOnDemand();
const figures = { kills: 0, halfway: 0, lost: 0 };
test.after(async () => {
  await bench.stop();
  console.log(`${figures.halfway} of the kills were halfway`);
  tellFigures({ 'kills survived': figures.kills, 'domains lost': figures.lost });
});

const ALL = process.env.LVC_KILLS === 'all';
/** Domains at a time: libvirt waits more than it works. */
const AT_A_TIME = 3;

let made = 0;

/** Makes domains of the same images, which all of them only read: their documents are the same, but for name and UUID. */
async function subjects(b: Bench): Promise<{ make(running: boolean): Promise<ManagedDomain>; data: string }> {
  const [root, log, data] = [await b.disk(), await b.disk(), await b.disk()];
  const disks = [
    { id: 'root', target: 'vda', file: root, format: 'qcow2', readonly: true, boot: 1 },
    { id: 'log', target: 'vdl', file: log, format: 'qcow2', readonly: true, serial: 'LOG' },
  ] as const;
  return {
    data,
    async make(running) {
      const domain = await b.define({ name: `killed${++made}`, disks });
      if (running) await domain.start({ paused: true });
      return domain;
    },
  };
}

/** What is asked for; without a guest nothing is unplugged from a running domain, so there an undo is of other changes. */
function requestFor(data: string, running: boolean, mode: Mode): ChangeRequest {
  const disk = {
    disk: { id: 'data', target: 'vdb', file: data, format: 'qcow2', readonly: true, serial: 'S1' },
  } as const;
  const wan = { interface: { id: 'wan', user: true, mac: '52:54:00:00:00:02' } } as const;
  const update = [{ interface: 'lan', set: { link: 'down' } }] as const;
  const metadata = { 'urn:test': { prefix: 't', xml: '<kept a="1"/>' } };
  if (!running) return { detach: [{ disk: 'log' }], update, attach: [disk, wan], set: { title: 'after', metadata } };
  const set = { title: 'after', description: 'after', iotune: { vda: { totalIopsSec: 500 } }, metadata };
  return mode === 'undo' ? { update, set } : { update, attach: [disk, wan], set };
}

/** Both documents, but for what tells one domain from another: libvirt names the sockets of a running one by its number. */
async function textOf(domain: ManagedDomain): Promise<{ canonical: string; live: string }> {
  const { canonical, live = '' } = await documentsOf(domain);
  const plain = (xml: string) =>
    withoutBookkeeping(xml)
      .replaceAll(domain.uuid, 'UUID')
      .replace(/killed\d+/g, 'killed');
  return {
    canonical: plain(canonical),
    live: plain(live)
      .replace(/ id='\d+'/, '')
      .replace(/\b(domain|channel)-\d+-/g, '$1-N-'),
  };
}

async function remove(domain: ManagedDomain): Promise<void> {
  await domain.destroy();
  await domain.undefine();
}

for (const running of [false, true]) {
  for (const mode of ['complete', 'undo'] as const) {
    test(`killed at the calls of a plan, ${running ? 'running' : 'shut off'}: ${mode}`, async () => {
      const b = await bench();
      const { make, data } = await subjects(b);
      const request = requestFor(data, running, mode);
      const child = ({ uuid }: ManagedDomain, { phase, call }: Point) =>
        runBuilt('test/apply/kill-child.js', {
          args: [b.host.uri, uuid, JSON.stringify(request), phase, call],
          deadline: 60_000,
        });

      const control = await make(running);
      const before = await textOf(control);
      assert.ok((await control.plan(request)).operations.length >= 5);
      const whole = await child(control, { phase: 'start', call: 'none' });
      assert.is(whole.code, 0, whole.stderr);
      const calls = JSON.parse(whole.stdout) as string[];
      const after = await textOf(control);
      assert.is.not(after.canonical, before.canonical);
      await remove(control);

      /** Kills the process of an apply to the domain, recovers, and returns whether the apply was halfway. */
      const survive = async (domain: ManagedDomain, point: Point): Promise<boolean> => {
        const where = `${mode} after a kill at the ${point.phase} of ${point.call}`;
        const { signal, stderr } = await child(domain, point);
        assert.is(signal, 'SIGKILL', `${where}: ${stderr}`);
        figures.kills++;
        figures.lost++;
        const found = await within(b.manager.get(domain.uuid), 10_000);
        const { interrupted } = found;
        if (interrupted) {
          assert.is(interrupted.by.state, 'ended');
          assert.ok(interrupted.operations.length >= 5, where);
          const refused = await failure(
            found.apply(await found.plan({ set: { title: 'other' } })),
            'APPLY_INTERRUPTED',
          );
          assert.match(refused.remedy ?? '', /recover/);
        }
        const told: RecoverProgress[] = [];
        const onProgress = (each: RecoverProgress) => told.push(each);
        await within(found.recover({ mode, onProgress }), 60_000, where);
        if (interrupted) assert.equal([told.at(-1)?.state, told.at(-1)?.done], ['done', told.at(-1)?.total], where);
        assert.is(found.interrupted, undefined);
        // The claim of a process that ended before it did anything stays until the next one takes its turn.
        await found.apply(await found.plan({ set: { autostart: true } }));
        await found.apply(await found.plan({ set: { autostart: false } }));
        assert.equal((await found.drift()).changes, [], `${where}: sealed as it is`);
        const now = await textOf(found);
        const through = interrupted ? mode === 'complete' : /<title>after/.test(now.canonical);
        const expected = through ? after : before;
        assertSameTokens(sorted(now.canonical), sorted(expected.canonical), `${where}: canonical`);
        assertSameTokens(sorted(now.live), sorted(expected.live), `${where}: live`);
        figures.lost--;
        return interrupted !== undefined;
      };

      // Over the four tests both moments of every call are met, once with a running domain and once without.
      const chosen: Phase = (mode === 'complete') === running ? 'start' : 'end';
      const points: Point[] = ALL
        ? calls.flatMap((call) => [
            { call, phase: 'start' as const },
            { call, phase: 'end' as const },
          ])
        : calls.filter(isMutatorCall).map((call) => ({ call, phase: chosen }));
      using wire = new Wire();
      let halfway = 0;
      const work = async () => {
        for (let point = points.shift(); point; point = points.shift()) {
          const domain = await make(running);
          if (await survive(domain, point)) halfway++;
          await remove(domain);
        }
      };
      const defined = made;
      await Promise.all(Array.from({ length: AT_A_TIME }, work));
      const defines = wire.defining().filter((name) => name.startsWith('DOMAIN_DEFINE'));
      assert.is(defines.length, made - defined, 'each domain was defined once');
      figures.halfway += halfway;
      assert.ok(halfway > 0, 'some were halfway');
    });
  }
}

function isMutatorCall(call: string): boolean {
  return isMutator(call.split(' ', 1)[0] ?? '');
}

test.run();
