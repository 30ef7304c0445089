/** The other operations: evacuation with its proof, a change in batches, bundles, an upgrade; and steering them. */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  type ApplyResult,
  type DrainResult,
  directory,
  EngineError,
  type EvacuateResult,
  type ExportResult,
  type Operation,
  type OperationState,
  type Operations,
  type UpgradeResult,
} from 'libvirt-canonical-fleet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scaled } from '../../test/support/deadline.js';
import { endChild } from './child.js';
import { Trio } from './trio.js';

/** How long a host that is dead is waited for. */
const SOON = scaled(3_000);

let trio: Trio;
let engine: Operations;
test.before(async () => {
  trio = await Trio.start();
  engine = await trio.operations();
});
test.after(async () => {
  await engine.close();
  await trio.stop();
});
test.before.each(async () => {
  await trio.clear();
  for (const { id, state } of await engine.operations())
    if (state !== 'ended' && state !== 'broken') await engine.operation(id).cancel();
});

async function reaches(operation: Operation, ...states: OperationState[]): Promise<void> {
  for (;;) {
    const { state } = await operation.look();
    if (states.includes(state)) return;
    if (state === 'ended' || state === 'broken') throw new Error(`it is ${state}`);
    await sleep(50);
  }
}

async function refusal(work: Promise<unknown>, code: string): Promise<EngineError> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, EngineError);
    assert.is((error as EngineError).code, code, (error as Error).message);
    return error as EngineError;
  }
  throw new Error(`nothing was refused with ${code}`);
}

test('bundles of all hosts are kept; a second export finds them unchanged', async () => {
  await trio.domain('a', { name: 'e1' });
  await trio.domain('b', { name: 'e2' }, 'off');
  const bundles = join(trio.folder, 'bundles-1');
  await trio.worker({ bundles });
  const first = (await (await engine.exportAll({ id: 'export-1', hosts: ['a', 'b', 'c'] })).result()) as ExportResult;
  assert.equal(
    first.hosts.map(({ host, written, unchanged, failed }) => [host, written, unchanged, failed.length]),
    [
      ['a', 1, 0, 0],
      ['b', 1, 0, 0],
      ['c', 0, 0, 0],
    ],
  );
  assert.ok(first.complete);
  const second = (await (await engine.exportAll({ id: 'export-2', hosts: ['a', 'b'] })).result()) as ExportResult;
  assert.equal(
    second.hosts.map(({ written, unchanged }) => [written, unchanged]),
    [
      [0, 1],
      [0, 1],
    ],
  );
  const [kept] = await directory(bundles).newest('a');
  assert.is(kept?.name, 'e1');
});

test('the cruel case: a daemon is dead and its guest runs. Nothing is started before a proof; a word about another host is none', async () => {
  const bundles = join(trio.folder, 'bundles-2');
  const worker = await trio.worker({ bundles, timeout: SOON });
  const web = await trio.domain('a', { name: 'web' });
  const { complete } = (await (await engine.exportAll({ id: 'before', hosts: ['a'] })).result()) as ExportResult;
  assert.ok(complete);
  await using fleet = await trio.fleet(SOON);
  const kept = await directory(bundles).newest('a');
  await endChild(worker);
  await trio.hosts.a.killDaemon();
  try {
    const plan = await fleet.planEvacuate('a', { bundles: kept, to: ['b', 'c'] });
    assert.ok(plan.isPossible, String(plan));
    await trio.worker({ bundles, timeout: SOON });
    const operation = await engine.evacuate(plan, { id: 'evacuate-1' });
    await reaches(operation, 'waiting');
    const { waiting } = await operation.look();
    assert.match(waiting.fence?.says ?? '', /that a is off: no fence is configured/);
    await refusal(operation.confirm('fence', { by: 'carol', host: 'b' }), 'CONFIRMATION_INVALID');
    await refusal(operation.confirm('fence', { by: '' }), 'CONFIRMATION_INVALID');
    await refusal(operation.confirm('canary', { by: 'carol' }), 'CONFIRMATION_INVALID');
    for (const name of ['b', 'c'] as const)
      assert.is((await trio.managers[name].all()).length, 0, 'nothing was touched');
    // Now it is really off.
    await trio.hosts.a.cutPower();
    await operation.confirm('fence', { by: 'carol', host: 'a', says: 'pulled both cords' });
    const result = (await operation.result()) as EvacuateResult;
    assert.ok(result.complete, JSON.stringify(result));
    assert.equal([result.proofs.length, result.proofs[0]?.by, result.quarantine.length], [1, 'carol', 1]);
    const { found } = await fleet.where(web.uuid);
    assert.equal(
      found.map(({ host }) => ['b', 'c'].includes(host)),
      [true],
    );
    const words = (await operation.audit()).map(({ who, what }) => `${who}: ${what}`);
    assert.ok(words.includes('carol: confirmed fence'), words.join('\n'));
    assert.ok(words.includes('carol: a is off: pulled both cords (person)'), words.join('\n'));
  } finally {
    await trio.hosts.a.startDaemon();
  }
  // The host is back, with its old definition.
  const config = join(trio.folder, 'quarantine.json');
  writeFileSync(config, JSON.stringify({ hosts: trio.specs, store: { folder: trio.store }, timeout: 60_000 }));
  const command = fileURLToPath(new URL('../../../fleet/dist/cli/main.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    command,
    '--config',
    config,
    '--json',
    'quarantine',
    'evacuate-1',
    '--by',
    'carol',
  ]);
  const { domains } = JSON.parse(stdout) as { domains: { name: string; is: string }[] };
  assert.equal(
    domains.map(({ name, is }) => [name, is]),
    [['web', 'quarantined']],
  );
  const old = await trio.managers.a.get('web');
  try {
    await old.start();
    assert.unreachable('it was started twice');
  } catch (error) {
    assert.is((error as { code?: string }).code, 'DOMAIN_QUARANTINED');
  }
  const audit = await engine.operation('evacuate-1').audit();
  assert.ok(audit.some(({ who, what }) => who === 'carol' && what === 'quarantine of a'));
});

test('a person says that a host is off that answers: it is refused, and asked again', async () => {
  const bundles = join(trio.folder, 'bundles-3');
  await trio.worker({ bundles, timeout: SOON });
  await trio.domain('a', { name: 'lives' });
  await (await engine.exportAll({ id: 'before-lie', hosts: ['a'] })).result();
  await using fleet = await trio.fleet(SOON);
  const others = await (async () => {
    const { b, c } = trio.specs;
    const { Fleet } = await import('libvirt-canonical/fleet');
    return Fleet.open({ hosts: { a: 'qemu:///session?socket=/nonexistent', b, c }, timeout: SOON });
  })();
  const plan = await others.planEvacuate('a', { bundles: await directory(bundles).newest('a') });
  await others.close();
  const operation = await engine.evacuate(plan, { id: 'evacuate-lie' });
  await reaches(operation, 'waiting');
  await operation.confirm('fence', { by: 'mallory', host: 'a' });
  for (;;) {
    const { waiting } = await operation.look();
    if (waiting.fence?.says.includes('libvirt answers there')) break;
    await sleep(50);
  }
  await operation.cancel();
  const result = (await operation.result()) as EvacuateResult;
  assert.equal([result.complete, result.cancelled, result.domains], [false, true, []]);
  const { found } = await fleet.where((await trio.managers.a.get('lives')).uuid);
  assert.equal(
    found.map(({ host }) => host),
    ['a'],
  );
});

test('a change: a canary, a person, batches; one that fails stops it; secrets do not go into the store', async () => {
  for (const on of ['a', 'b', 'c'] as const)
    for (const number of [1, 2]) await trio.domain(on, { name: `${on}${number}` }, 'off');
  await using fleet = await trio.fleet();
  await trio.worker();
  const request = { set: { title: 'changed' } };
  const change = await fleet.planApply({ request });
  await refusal(
    engine.applyEverywhere(change, { id: 'x', request: { set: { metadata: [] } } as never }),
    'SECRET_IN_REQUEST',
  );
  const operation = await engine.applyEverywhere(change, {
    id: 'apply-1',
    request,
    canary: 1,
    batch: 2,
    confirm: true,
  });
  await reaches(operation, 'waiting');
  const titles = async () => {
    const all = (await Promise.all((['a', 'b', 'c'] as const).map((name) => trio.managers[name].all()))).flat();
    const xml = await Promise.all(all.map((domain) => domain.canonical()));
    return xml.filter((text) => text.includes('<title>changed</title>')).length;
  };
  assert.is(await titles(), 1, 'the canary alone');
  await operation.confirm('canary', { by: 'carol' });
  const result = (await operation.result()) as ApplyResult;
  assert.equal([result.applied, result.failed.length, result.notBegun, result.stopped], [6, 0, 0, false]);
  assert.is(await titles(), 6);
  // One of three has changed meanwhile.
  const other = { set: { title: 'again' } };
  const second = await fleet.planApply({ request: other, where: ['a1', 'b1', 'c1'] });
  const [first] = second.domains;
  assert.ok(first);
  const mine = await trio.managers[first.host as 'a'].get(first.name);
  await mine.apply(await mine.plan({ set: { description: 'by another hand' } }));
  const stopped = (await (
    await engine.applyEverywhere(second, { id: 'apply-2', request: other, canary: 1, batch: 1 })
  ).result()) as ApplyResult;
  assert.equal([stopped.applied, stopped.failed.length, stopped.notBegun, stopped.stopped], [0, 1, 2, true]);
  assert.is(stopped.failed[0]?.error.code, 'FLEET_PLAN_STALE');
});

test('a rolling upgrade: each host is emptied, a person upgrades it, and its domains come back', async () => {
  const bundles = join(trio.folder, 'bundles-4');
  await trio.worker({ bundles });
  const web = await trio.domain('a', { name: 'web' });
  const db = await trio.domain('b', { name: 'db' });
  const operation = await engine.rollingUpgrade(
    { hosts: ['a', 'b'], batch: 1, to: ['b', 'c', 'a'] },
    { id: 'upgrade-1', back: true, export: true },
  );
  await using fleet = await trio.fleet();
  for (const host of ['a', 'b']) {
    await reaches(operation, 'waiting');
    const { waiting } = await operation.look();
    assert.equal(Object.keys(waiting), [`upgraded:${host}`]);
    assert.equal((await trio.managers[host as 'a'].all()).length, 0, 'it is empty');
    await operation.confirm(`upgraded:${host}`, { by: 'carol', host });
    await reaches(operation, 'running', 'ended').catch(() => undefined);
    while ((await operation.look()).waiting[`upgraded:${host}`]) await sleep(50);
  }
  const result = (await operation.result()) as UpgradeResult;
  assert.ok(result.complete, JSON.stringify(result));
  assert.equal(
    result.hosts.map(({ host, outcome, back }) => [host, outcome, back?.map((each) => each.outcome)]),
    [
      ['a', 'upgraded', ['moved']],
      ['b', 'upgraded', ['moved']],
    ],
  );
  for (const [uuid, host] of [
    [web.uuid, 'a'],
    [db.uuid, 'b'],
  ] as const)
    assert.equal(
      (await fleet.where(uuid)).found.map((each) => each.host),
      [host],
    );
});

test('steering: a paused drain begins nothing, a cancelled one leaves the rest where it is; another one on these hosts is refused', async () => {
  for (const name of ['s1', 's2', 's3']) await trio.domain('a', { name });
  await using fleet = await trio.fleet();
  const plan = await fleet.planDrain('a');
  const operation = await engine.drain(plan, { id: 'steer' });
  assert.is((await operation.look()).state, 'queued');
  await operation.pause('carol');
  await trio.worker();
  await sleep(1_500);
  assert.equal([(await operation.look()).state, (await trio.managers.a.all()).length], ['paused', 3]);
  const away = await fleet.planDrain('b');
  const error = await refusal(engine.drain(away, { id: 'other' }), 'OPERATION_EXISTS');
  assert.match(error.message, /operation steer \(drain\) is under way on/);
  await refusal(engine.exportAll({ id: 'steer', hosts: ['a'] }), 'OPERATION_EXISTS');
  await refusal(engine.drain(plan as never, { id: 'not an id' }), 'CONFIG_INVALID');
  await operation.resume('carol');
  await reaches(operation, 'running', 'ended').catch(() => undefined);
  await operation.cancel({ by: 'carol' });
  const result = (await operation.result()) as DrainResult;
  const outcomes = result.domains.map(({ outcome }) => outcome);
  assert.ok(
    outcomes.every((each) => each === 'moved' || each === 'not-begun'),
    outcomes.join(),
  );
  const left = outcomes.filter((each) => each === 'not-begun').length;
  assert.equal([result.left?.length, result.empty], [left, left === 0]);
  await refusal(operation.resume(), 'OPERATION_CANCELLED');
  assert.equal(
    (await operation.audit()).filter(({ who }) => who === 'carol').map(({ what }) => what),
    ['pause', 'resume', 'cancel'],
  );
  await engine.forget('steer');
  await refusal(operation.look(), 'OPERATION_NOT_FOUND');
});

test.run();
