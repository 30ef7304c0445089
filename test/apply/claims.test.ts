/** Claims of processes that cannot be seen from here, and of threads that have ended in a process that goes on. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { writeEntry } from '../support/entry.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const ENTRY = /<lvcj:entry/;
/** A process of a container that is not there any more. */
const GONE = { host: 'worker-7f9c', machine: 'abcdefabcdef', boot: 'b', namespace: 'pid:[4026532999]', pid: 17 };

test('a claim of a process that cannot be seen: shown, in the way, and out on the caller’s word alone, whatever the mode', async () => {
  const b = await bench();
  for (const mode of ['complete', 'undo', 'keep'] as const) {
    const domain = await b.define();
    await writeEntry(b.connection, domain, GONE, { phase: 'claim' });
    const found = await b.manager.get(domain.uuid);
    assert.equal(
      [found.interrupted?.phase, found.interrupted?.by, found.interrupted?.operations],
      ['claim', { host: GONE.host, pid: GONE.pid, state: 'unknown' }, []],
    );
    const plan = await found.plan({ set: { title: mode } });
    assert.match((await failure(found.apply(plan, { wait: 0 }), 'APPLY_IN_PROGRESS')).message, "owner: 'gone'");
    await failure(found.recover({ mode }), 'APPLY_IN_PROGRESS');
    assert.match((await failure(found.acceptDrift(), 'DOMAIN_STATE')).message, "owner: 'gone'");
    assert.match(await found.canonical(), ENTRY, 'still there');
    assert.equal((await found.recover({ mode, owner: 'gone' })).operations, []);
    assert.is(found.interrupted, undefined);
    assert.not.match(await found.canonical(), ENTRY);
    await found.apply(await found.plan({ set: { title: mode } }), { wait: 0 });
    await found.acceptDrift();
  }
});

test('claims and an apply of processes that cannot be seen: one recover settles the one and takes out the others', async () => {
  const b = await bench();
  const domain = await b.define();
  const plan = await domain.plan({ set: { title: 'x', description: 'y' } });
  await writeEntry(b.connection, domain, GONE, { phase: 'claim' });
  await writeEntry(b.connection, domain, GONE, { plan: JSON.stringify(plan) });
  await writeEntry(b.connection, domain, { ...GONE, pid: 18 }, { phase: 'claim' });
  const found = await b.manager.get(domain.uuid);
  assert.is(found.interrupted?.phase, 'apply');
  await failure(found.recover({ mode: 'complete' }), 'APPLY_IN_PROGRESS');
  const { operations } = await found.recover({ mode: 'complete', owner: 'gone' });
  assert.is(operations.length, 2);
  const after = await found.canonical();
  assert.match(after, '<title>x</title>');
  assert.not.match(after, ENTRY);
});

test('an apply of an ended process behind a claim that cannot be seen: recovered on the caller’s word about the claim', async () => {
  const b = await bench();
  const domain = await b.define();
  const plan = await domain.plan({ set: { title: 'x', description: 'y' } });
  await writeEntry(b.connection, domain, GONE, { phase: 'claim' });
  await writeEntry(b.connection, domain, {}, { plan: JSON.stringify(plan) });
  await failure(domain.recover({ mode: 'complete', wait: 0 }), 'APPLY_IN_PROGRESS');
  await domain.recover({ mode: 'complete', owner: 'gone', wait: 0 });
  assert.match(await domain.canonical(), '<title>x</title>');
});

test('a claim of a process that is seen to run is left to it', async () => {
  const b = await bench();
  const domain = await b.define();
  await writeEntry(b.connection, domain, { pid: process.pid }, { phase: 'claim' });
  assert.is((await b.manager.get(domain.uuid)).interrupted, undefined);
  await domain.recover({ mode: 'keep', owner: 'gone' });
  assert.match(await domain.canonical(), ENTRY);
  await failure(domain.apply(await domain.plan({ set: { title: 'x' } }), { wait: 0 }), 'APPLY_IN_PROGRESS');
});

/** Claims and leaves, or begins an apply and leaves in the midst of it, in a worker thread that is ended there. */
const WORKER = `const { parentPort, workerData } = require('node:worker_threads');
  const { library, uri, uuid, set } = workerData;
  import(library).then(async ({ connect, DomainManager }) => {
    const domain = await new DomainManager(await connect(uri)).get(uuid);
    const onProgress = ({ state, done }) => {
      if (state !== 'done' || done > 1) return;
      parentPort.postMessage('in the midst');
      // The thread stands still here until it is ended.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    };
    await domain.apply(await domain.plan({ set }), { onProgress });
  });`;

for (const [what, set] of [
  ['a claim', { title: 'x' }],
  ['an apply', { title: 'x', description: 'y' }],
] as const)
  test(`${what} of a worker thread: its own while it lives, and left behind once it was ended in a process that goes on`, async () => {
    const b = await bench();
    const domain = await b.define();
    const library = new URL('../../src/index.js', import.meta.url).href;
    const workerData = { library, uri: b.host.uri, uuid: domain.uuid, set };
    const worker = new Worker(WORKER, { eval: true, workerData });
    await within(once(worker, 'message'), 60_000, 'the worker');
    const plan = async () => domain.plan({ set: { vcpus: 2 } });
    await failure(domain.apply(await plan(), { wait: 0 }), 'APPLY_IN_PROGRESS');
    assert.is(domain.interrupted, undefined);
    await worker.terminate();
    const found = await b.manager.get(domain.uuid);
    if (what === 'an apply') {
      assert.is(found.interrupted?.by.state, 'ended');
      await failure(found.apply(await plan(), { wait: 0 }), 'APPLY_INTERRUPTED');
      assert.is((await found.recover({ mode: 'undo' })).operations.length, 1);
    }
    await found.apply(await plan(), { wait: 0 });
    assert.not.match(await found.canonical(), ENTRY);
  });

test.run();
