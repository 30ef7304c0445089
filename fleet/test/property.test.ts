/**
 * Whatever is begun, steered and killed: no domain runs on two hosts at any moment, none is lost, and every operation ends. The walk
 * follows from `LVC_SEED`, which a failure names.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation, Operations } from 'libvirt-canonical-fleet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { endChild } from './child.js';
import { type Name, Trio } from './trio.js';
import { watchTwice } from './watch.js';

const SEED = Number(process.env.LVC_SEED ?? 20);
const STEPS = Number(process.env.LVC_STEPS ?? 20);
const NAMES: readonly Name[] = ['a', 'b', 'c'];

let trio: Trio;
test.before(async () => {
  trio = await Trio.start();
});
test.after(() => trio.stop());

/** Numbers from a seed: mulberry32. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test(`at most one of each domain runs, over all hosts, kills and orders (seed ${SEED})`, async () => {
  const next = random(SEED);
  await using engine: Operations = await trio.operations();
  await using fleet = await trio.fleet();
  const domains = await Promise.all(
    [0, 1, 2, 3].map((at) => trio.domain(NAMES[at % 2] as Name, { name: `p${at}` }, 'awake')),
  );
  const uuids = domains.map(({ uuid }) => uuid);
  const stop = new AbortController();
  const watching = watchTwice(trio, uuids, stop.signal);
  // Nobody waits for it before the end.
  watching.catch(() => undefined);
  const workers: ChildProcess[] = [await trio.worker()];
  const begun: Operation[] = [];
  const done: string[] = [];
  for (let step = 0; step < STEPS; step++) {
    const live = workers.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const open = begun.at(-1);
    const act = ['drain', 'drain', 'kill', 'worker', 'steer', 'cut'][next(6)];
    if (act === 'drain') {
      const host = NAMES[next(3)] as Name;
      const plan = await fleet.planDrain(host);
      if (plan.moves.length > 0 && plan.isPossible)
        await engine.drain(plan, { id: `p-${step}` }).then(
          (operation) => begun.push(operation),
          (error: { code?: string }) => assert.is(error.code, 'OPERATION_EXISTS'),
        );
    } else if (act === 'kill' && live.length > 0) await endChild(live[next(live.length)] as ChildProcess);
    else if (act === 'worker' && live.length < 2) workers.push(await trio.worker());
    else if (act === 'steer' && open) {
      await open.pause().catch(() => undefined);
      await sleep(next(500));
      await open.resume().catch(() => undefined);
    } else if (act === 'cut' && open)
      await open.cancel({ moving: next(2) === 0 ? 'abort' : 'finish' }).catch(() => undefined);
    done.push(String(act));
    await sleep(next(700));
  }
  workers.push(await trio.worker());
  for (const operation of begun) await operation.result();
  stop.abort();
  const looks = await watching;
  for (const uuid of uuids) {
    const { outcome, certain, found } = await fleet.where(uuid);
    assert.equal([outcome, certain, found.length], ['running', true, 1], `${uuid} after ${done.join()}`);
  }
  assert.ok(looks > uuids.length, 'somebody looked');
  console.log(`figures: fleet walks 1, fleet operations ${begun.length}, looks at domains ${looks}`);
});

test.run();
