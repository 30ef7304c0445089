/** The store is away for long, another version of this package works on it, and what hangs is ended by its limit. */
import type { ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DrainResult } from 'libvirt-canonical-fleet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { endChild, postmasterOf, startChild } from './child.js';
import { Trio } from './trio.js';
import type { WorkerSetup } from './worker.js';

/** Milliseconds that PostgreSQL is away. */
const AWAY = 30_000;

let trio: Trio;
test.before(async () => {
  trio = await Trio.start();
});
test.after(() => trio.stop());
test.before.each(() => trio.clear());

test('PostgreSQL is killed and away for half a minute: what moves arrives, nothing is begun, and the operation ends when it is back', async () => {
  await using engine = await trio.operations();
  await using fleet = await trio.fleet();
  const many = 4;
  for (let at = 0; at < many; at++) await trio.domain('a', { name: `away-${at}` }, 'awake');
  // By its URL it is not this worker's own, and nobody starts it again.
  const url = `postgresql://lvc_fleet@localhost/lvc_fleet?host=${encodeURIComponent(join(trio.store, 'socket'))}`;
  const worker = await trio.worker({ store: url, limits: { perSource: 1 } });
  const plan = await fleet.planDrain('a');
  const operation = await engine.drain(plan, { id: 'away' });
  for (;;) {
    const { moving } = await operation.look();
    if (moving.some(({ phase }) => phase !== undefined)) break;
    await sleep(5);
  }
  process.kill(postmasterOf(trio.store), 'SIGKILL');
  await sleep(AWAY);
  assert.is(worker.exitCode, null, 'the worker waits');
  for (const { uuid } of plan.domains) {
    const { outcome, found } = await fleet.where(uuid);
    assert.equal([outcome, found.length], ['running', 1], 'no domain has noticed');
  }
  const left = (await trio.managers.a.all()).length;
  assert.ok(left > 0 && left < many + 1, `nothing new was begun: ${left} are left`);
  // Whoever opens the folder starts it.
  await using again = await trio.operations();
  const result = (await again.operation('away').result()) as DrainResult;
  assert.ok(result.empty, JSON.stringify(result));
  for (const { uuid, to } of plan.moves)
    assert.equal(
      (await fleet.where(uuid)).found.map(({ host }) => host),
      [to],
    );
});

/** This package as another version of it, whose code is changed in one place. */
function otherVersion(
  version: string,
  change?: { readonly file: string; readonly from: string; readonly to: string },
): string {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const folder = join(trio.folder, `version-${version}`);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'libvirt-canonical-fleet'), { recursive: true });
  for (const name of ['@dbos-inc', 'pg', 'commander', 'yaml', 'libvirt-canonical'])
    symlinkSync(name === 'libvirt-canonical' ? root : join(root, 'node_modules', name), join(modules, name));
  const own = join(modules, 'libvirt-canonical-fleet');
  cpSync(join(root, 'fleet/dist'), join(own, 'dist'), { recursive: true });
  const described = JSON.parse(readFileSync(join(root, 'fleet/package.json'), 'utf8')) as object;
  writeFileSync(join(own, 'package.json'), JSON.stringify({ ...described, version }));
  if (change) {
    const file = join(own, 'dist', change.file);
    const text = readFileSync(file, 'utf8');
    assert.ok(text.includes(change.from), `${change.file} has the place`);
    writeFileSync(file, text.replace(change.from, change.to));
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  cpSync(fileURLToPath(new URL('worker.js', import.meta.url)), join(folder, 'worker.js'));
  return join(folder, 'worker.js');
}

async function workerOf(script: string, worker: string): Promise<ChildProcess & AsyncDisposable> {
  const setup: WorkerSetup = { hosts: trio.specs, store: trio.store, worker };
  const child = await startChild(script, setup);
  return Object.assign(child, { [Symbol.asyncDispose]: () => endChild(child) });
}

test('a worker of a newer version leaves what an older one began; a worker of that version ends it', async () => {
  await using engine = await trio.operations();
  await using fleet = await trio.fleet();
  const { uuid } = await trio.domain('a', { name: 'old' });
  // It dies with the plan held to the hosts, and nothing moved.
  const old = await trio.worker({ dies: 'recorded hold plan to hosts' });
  const died = new Promise((resolve) => old.once('exit', resolve));
  const operation = await engine.drain(await fleet.planDrain('a'), { id: 'versions' });
  await died;
  await using newer = await workerOf(otherVersion('0.2.0'), 'newer');
  while ((await engine.workers()).some(({ name }) => name !== 'newer')) await sleep(50);
  // It has taken the dead one's runs off it, and could have begun them by now.
  await sleep(3_000);
  assert.equal([newer.exitCode, (await operation.look()).done], [null, 0]);
  assert.equal(
    (await fleet.where(uuid)).found.map(({ host }) => host),
    ['a'],
  );
  await trio.worker();
  assert.ok(((await operation.result()) as DrainResult).empty);
});

test('within a version a step that is new is behind a patch: what was begun before goes on without it', async () => {
  await using engine = await trio.operations();
  await using fleet = await trio.fleet();
  await trio.domain('a', { name: 'patched' });
  const old = await trio.worker({ dies: 'before move' });
  const died = new Promise((resolve) => old.once('exit', resolve));
  const operation = await engine.drain(await fleet.planDrain('a'), { id: 'patched' });
  await died;
  const patched = otherVersion('0.1.999', {
    file: 'workflows/drain.js',
    from: '    const domains = await allOf(operation, works);',
    to: `    const { DBOS } = await import('@dbos-inc/dbos-sdk');
    if (await DBOS.patch('a step more')) await note(operation, 'new', 'the new step', {});
    const domains = await allOf(operation, works);`,
  });
  await using _ = await workerOf(patched, 'patched');
  assert.ok(((await operation.result()) as DrainResult).empty);
  const said = async (id: string) => (await engine.operation(id).audit()).map(({ what }) => what);
  assert.not.ok((await said('patched')).includes('the new step'), 'it was begun before');
  const host = (await fleet.where('patched')).found[0]?.host as string;
  const next = await engine.drain(await fleet.planDrain(host), { id: 'patched-next' });
  assert.ok(((await next.result()) as DrainResult).empty);
  assert.ok((await said('patched-next')).includes('the new step'));
});

test('a host that hangs in the middle of an operation: the step ends by its limit, which is said, and nothing counts as safe', async () => {
  await using engine = await trio.operations();
  await using fleet = await trio.fleet();
  const { uuid } = await trio.domain('a', { name: 'stuck' });
  const boundaries = join(trio.folder, 'boundaries-stuck');
  await trio.worker({ timeouts: { move: 3_000 }, boundaries });
  const plan = await fleet.planDrain('a', { to: ['b'] });
  const operation = await engine.drain(plan, { id: 'stuck' });
  await operation.pause();
  const passed = () => (existsSync(boundaries) ? readFileSync(boundaries, 'utf8') : '');
  while (!passed().includes('before gate')) await sleep(20);
  const pid = trio.hosts.b.pid as number;
  process.kill(pid, 'SIGSTOP');
  try {
    await operation.resume();
    while ((await operation.look()).failed.length === 0) await sleep(50);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  const { domains, empty, safeToReboot } = (await operation.result()) as DrainResult;
  assert.equal([domains[0]?.error?.code, empty, safeToReboot], ['STEP_TIMEOUT', false, false]);
  assert.match(domains[0]?.error?.message ?? '', /^the move of stuck did not end within 3 s, /);
  const { outcome, found } = await fleet.where(uuid);
  assert.equal([outcome, found.map(({ host }) => host)], ['running', ['a']]);
});

test.run();
