/** Workers die, lose their session, and lose the store; domains are on one host each, and operations end. */

import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FleetPlan } from 'libvirt-canonical/fleet';
import type { DrainResult, Operation, Operations } from 'libvirt-canonical-fleet';
import pg from 'pg';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { endChild, postmasterOf } from './child.js';
import { Trio } from './trio.js';

let trio: Trio;
test.before(async () => {
  trio = await Trio.start();
});
test.after(() => trio.stop());
test.before.each(() => trio.clear());

/** A drain of so many domains, begun; it goes in small parts, so that there is time to kill. */
async function begun(engine: Operations, id: string, many = 4): Promise<{ plan: FleetPlan; operation: Operation }> {
  await Promise.all(Array.from({ length: many }, (_, at) => trio.domain('a', { name: `${id}-${at}` })));
  await using fleet = await trio.fleet();
  const plan = await fleet.planDrain('a');
  assert.ok(plan.isPossible, String(plan));
  return { plan, operation: await engine.drain(plan, { id }) };
}

async function until(engine: Operations, id: string, phase: string): Promise<void> {
  for (;;) {
    const { moving, state } = await engine.operation(id).look();
    if (moving.some((each) => phase === 'any' || each.phase === phase)) return;
    if (state === 'ended') throw new Error(`it ended before it was in ${phase}`);
    await sleep(5);
  }
}

/** Every domain of the plan runs at its target and nowhere else. */
async function arrived(plan: FleetPlan, operation: Operation): Promise<void> {
  const result = (await operation.result()) as DrainResult;
  const failed = result.domains.filter(({ outcome }) => outcome !== 'moved' && outcome !== 'already');
  assert.equal(failed, []);
  assert.ok(result.empty);
  await using fleet = await trio.fleet();
  for (const { uuid, to } of plan.moves) {
    const { outcome, certain, found } = await fleet.where(uuid);
    assert.equal([outcome, certain, found.map(({ host }) => host)], ['running', true, [to]]);
  }
}

test('a worker that is killed while domains move: the other one takes its runs, and each domain arrives once', async () => {
  await using engine = await trio.operations();
  const first = await trio.worker({ worker: 'first' });
  const { plan, operation } = await begun(engine, 'killed');
  await until(engine, 'killed', 'any');
  await trio.worker({ worker: 'second' });
  await endChild(first);
  await arrived(plan, operation);
  assert.equal(
    (await engine.workers()).map(({ name }) => name),
    ['second'],
  );
});

test('a worker that is killed alone: one of its name goes on where it was', async () => {
  await using engine = await trio.operations();
  const first = await trio.worker({ worker: 'only' });
  const { plan, operation } = await begun(engine, 'alone', 3);
  await until(engine, 'alone', 'any');
  await endChild(first);
  const { state } = await operation.look();
  assert.is(state, 'running', 'nobody ended it');
  await trio.worker({ worker: 'only' });
  await arrived(plan, operation);
});

test('a worker that is stopped but alive keeps its runs; one whose session is cut ends what it does, and another one goes on', async () => {
  await using engine = await trio.operations();
  const first = await trio.worker({ worker: 'stopped' });
  const { plan, operation } = await begun(engine, 'stopped', 3);
  await until(engine, 'stopped', 'any');
  first.kill('SIGSTOP');
  await trio.worker({ worker: 'waits' });
  await sleep(1_500);
  assert.equal(
    (await engine.workers()).map(({ name }) => name).sort(),
    ['stopped', 'waits'],
    'its session lives, so nobody takes its runs',
  );
  await cutSession(first);
  first.kill('SIGCONT');
  await arrived(plan, operation);
});

test('PostgreSQL is killed: the domains do not notice, and the operation goes on when it is back', async () => {
  await using engine = await trio.operations();
  await trio.worker({ worker: 'through' });
  const { plan, operation } = await begun(engine, 'store', 4);
  await until(engine, 'store', 'any');
  process.kill(postmasterOf(trio.store), 'SIGKILL');
  // The worker starts it again by itself. Whoever looked has to look again.
  for (;;) {
    const state = await operation.look().then(
      (progress) => progress.state,
      () => undefined,
    );
    if (state === 'ended') break;
    await sleep(200);
  }
  await arrived(plan, operation);
});

test('a second worker of a name that lives is refused', async () => {
  await trio.worker({ worker: 'one' });
  let said = '';
  try {
    await trio.worker({ worker: 'one' });
  } catch (error) {
    said = (error as Error).message;
  }
  assert.match(said, /ended with 1/);
});

/** Ends the session of PostgreSQL by which a worker lives. */
async function cutSession({ pid }: ChildProcess): Promise<void> {
  const client = new pg.Client({ host: join(trio.store, 'socket'), user: 'lvc_fleet', database: 'lvc_fleet' });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT name FROM lvc_fleet.worker WHERE pid = $1', [pid]);
    assert.is(rows.length, 1);
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted
       AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended('lvc_fleet:worker:' || $1, 0)`,
      [rows[0].name],
    );
    assert.is(rowCount, 1);
  } finally {
    await client.end();
  }
}

test.run();
