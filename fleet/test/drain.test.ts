/** A drain as an operation: it is begun from one process, carried out by another, looked at from a third. */

import type { DrainResult, OperationProgress } from 'libvirt-canonical-fleet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Trio } from './trio.js';

let trio: Trio;
test.before(async () => {
  trio = await Trio.start();
});
test.after(() => trio.stop());
test.before.each(() => trio.clear());

test('a drain: every domain is where the plan said, the host is empty, and the same id does nothing twice', async () => {
  for (const name of ['d1', 'd2', 'd3', 'd4']) await trio.domain('a', { name });
  await using fleet = await trio.fleet();
  await using engine = await trio.operations();
  const plan = await fleet.planDrain('a');
  assert.ok(plan.isPossible, String(plan));
  await trio.worker();
  const operation = await engine.drain(plan, { id: 'drain-1' });
  const seen: OperationProgress[] = [];
  for await (const now of operation.progress()) seen.push(now);
  const result = (await operation.result()) as DrainResult;
  assert.equal(
    result.domains.map(({ uuid, to, outcome }) => [uuid, to, outcome]).sort(),
    plan.moves.map(({ uuid, to }) => [uuid, to, 'moved']).sort(),
  );
  assert.equal([result.empty, result.safeToReboot, result.cancelled, result.left], [true, true, false, []]);
  for (const { uuid, to } of plan.moves) {
    const where = await fleet.where(uuid);
    assert.equal([where.outcome, where.found.map(({ host }) => host)], ['running', [to]]);
  }
  const last = seen.at(-1);
  assert.equal([last?.state, last?.total, last?.done, last?.left], ['ended', 4, 4, 0]);
  assert.ok(
    seen.some(({ moving }) => moving.some(({ phase }) => phase !== undefined)),
    'it tells what is under way',
  );
  for (const { uuid, to } of plan.moves) {
    const xml = await (await trio.managers[to as 'b'].get(uuid)).canonical();
    assert.not.match(xml, /drain-1/, 'its claim is gone');
  }
  const again = await engine.drain(plan, { id: 'drain-1' });
  assert.equal(await again.result(), result);
  const audit = await operation.audit();
  assert.equal(
    audit.map(({ what }) => what),
    ['drain of a begins', 'drain of a ends: empty'],
  );
});

test.run();
