/** What an apply writes down, for how long, and what it costs. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChangeRequest, ManagedDomain } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { writeEntry } from '../support/entry.js';
import { documentsOf } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const ENTRY = / *<lvcj:entry[\s\S]*?(?:\/>|<\/lvcj:entry>)/g;

async function withPassword(b: Bench): Promise<ManagedDomain> {
  return b.define({ devices: [{ graphics: { type: 'vnc', autoport: true, passwd: 'hunter1' } }] });
}

/** The entries in the canonical document at each step of an apply. */
async function entriesDuring(b: Bench, domain: ManagedDomain, request: ChangeRequest): Promise<string[][]> {
  const seen: Array<Promise<string[]>> = [];
  const rival = await b.rival();
  const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
  const look = async () => {
    const { xml } = await rival.call('DOMAIN_GET_XML_DESC', { dom, flags: 3 });
    return xml.match(ENTRY) ?? [];
  };
  await domain.apply(await domain.plan(request), {
    onProgress: ({ state }) => void (state === 'started' && seen.push(look())),
  });
  return Promise.all(seen);
}

test('there while a plan of several calls runs, gone after its last; small, and without secrets', async () => {
  const b = await bench();
  const domain = await withPassword(b);
  const request: ChangeRequest = {
    update: [
      { graphics: 'vnc', set: { passwd: 'hunter2' } },
      { interface: 'lan', set: { link: 'down' } },
    ],
    attach: [{ interface: { id: 'wan', user: true } }],
    set: { title: 'after', vcpus: 2 },
  };
  const seen = await entriesDuring(b, domain, request);
  assert.ok(seen.length >= 5);
  const found = seen.flat();
  assert.ok(found.length >= 5, 'one at each step');
  for (const entry of found) {
    assert.match(entry, /phase="apply"/);
    assert.not.match(entry, /hunter/);
  }
  const bytes = Math.max(...found.map(({ length }) => length));
  assert.ok(bytes < 20_000, `${bytes} bytes`);
  console.log(`the journal of ${seen.length} calls is ${bytes} bytes long`);
  assert.equal((await domain.canonical()).match(ENTRY), null);
  assert.is(domain.interrupted, undefined);
});

test('what an apply adds to the calls of its plan', async () => {
  const domain = await (await bench()).define();
  const counts: number[][] = [];
  for (const set of [{ title: 'a' }, { title: 'b', description: 'b', vcpus: 2, autostart: true, memory: '48 MiB' }]) {
    const plan = await domain.plan({ set } as ChangeRequest);
    using wire = new Wire();
    await domain.apply(plan);
    counts.push([plan.operations.length, wire.mutators().length, wire.calls.length]);
  }
  for (const [operations, mutators, calls] of counts)
    console.log(`an apply of ${operations} operations makes ${calls} calls, ${mutators} of which write`);
  const [one = [], several = []] = counts;
  assert.ok((one[1] ?? 0) - (one[0] ?? 0) <= 3, 'claim, end and seal');
  assert.ok((several[1] ?? 0) - (several[0] ?? 0) <= 4, 'and the journal');
});

test('an owner that cannot be seen from here: neither applied over nor recovered, but on the caller’s word', async () => {
  const b = await bench();
  const domain = await b.define();
  const plan = await domain.plan({ set: { title: 'x' } });
  await writeEntry(b.connection, domain, { host: 'elsewhere' }, { plan: JSON.stringify(plan) });
  const found = await b.manager.get(domain.uuid);
  assert.equal(found.interrupted?.by.state, 'unknown');
  assert.is(found.interrupted?.by.host, 'elsewhere');
  const refused = await failure(
    found.apply(await found.plan({ set: { title: 'y' } }), { wait: 0 }),
    'APPLY_IN_PROGRESS',
  );
  assert.match(refused.message, /elsewhere/);
  await failure(found.recover({ mode: 'complete' }), 'APPLY_IN_PROGRESS');
  assert.not.match(await found.canonical(), /<title>/);
  await found.recover({ mode: 'complete', owner: 'gone' });
  assert.match(await found.canonical(), /<title>x/);
  assert.is(found.interrupted, undefined);
});

test('a claim whose process has ended stands in nobody’s way', async () => {
  const b = await bench();
  const domain = await b.define();
  await writeEntry(b.connection, domain, {}, { phase: 'claim' });
  const found = await b.manager.get(domain.uuid);
  assert.is(found.interrupted, undefined);
  await found.apply(await found.plan({ set: { title: 'z' } }), { wait: 0 });
  assert.equal((await documentsOf(found)).canonical.match(ENTRY), null);
});

test('a domain that was undefined while it runs: its turn and its journal stand in the live document', async () => {
  const b = await bench();
  const domain = await b.started();
  const rival = await b.rival();
  await rival.call('DOMAIN_UNDEFINE', { dom: { name: domain.name, uuid: domain.uuid, id: -1 } });
  const attach = async (...targets: string[]) =>
    Promise.all(
      targets.map(async (target) => ({
        disk: { id: target, target, file: await b.disk(), format: 'qcow2' } as const,
      })),
    );
  for (const targets of [['vdb'], ['vdc', 'vdd']])
    await domain.apply(await domain.plan({ attach: await attach(...targets), scope: 'live' }));
  const { live = '' } = await documentsOf(domain);
  assert.equal(live.match(ENTRY), null);
  for (const target of ['vdb', 'vdc', 'vdd']) assert.match(live, `dev='${target}'`);
  // An apply of another process that was cut is seen there, and in the way.
  await writeEntry(b.connection, domain, {}, { live: true });
  const plan = await domain.plan({ attach: await attach('vde'), scope: 'live' });
  await failure(domain.apply(plan), 'APPLY_INTERRUPTED');
  assert.is(domain.interrupted?.phase, 'apply');
  await domain.recover({ mode: 'keep' });
  assert.is(domain.interrupted, undefined);
  await domain.destroy();
});

test.run();
