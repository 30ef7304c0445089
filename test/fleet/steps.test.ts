/** The steps that carry a plan out: what they do once, twice, and after a death; and what they refuse. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fleet, type FleetOptions, FleetPlanStaleError, type MoveInput } from '../../src/fleet/index.js';
import { freeUri } from '../migration/pair.js';
import { failure, scaled, within } from '../support/deadline.js';
import { Wire } from '../support/wire.js';
import { type Name, trioOnDemand } from './trio.js';

const trio = trioOnDemand();
test.after(trio.stop);
const MINUTE = 60_000;

async function hostsOf(): Promise<FleetOptions['hosts']> {
  const { uris } = await trio();
  const spec = async (name: Name) => [name, { uri: uris[name], migration: { uri: await freeUri() } }] as const;
  return Object.fromEntries(await Promise.all([spec('a'), spec('b'), spec('c')]));
}
const fleetOf = async (timeout = 20_000) => Fleet.open({ hosts: await hostsOf(), timeout: scaled(timeout) });

/** Where the domain is: a host or nothing, twice never. */
async function whereabouts(fleet: Fleet, uuid: string): Promise<string> {
  const { found, outcome, certain } = await fleet.where(uuid);
  assert.ok(certain);
  assert.ok(['running', 'off', 'absent'].includes(outcome), outcome);
  return found.map(({ host, state }) => `${host} ${state}`).join();
}

test('a drain by its plan: every domain is where the plan said, the hosts have what it said, and twice does nothing twice', async () => {
  const { clear, domain, hosts } = await trio();
  await clear();
  const file = await hosts.a.createDisk('drained.qcow2', { size: '1 MiB' });
  await domain('a', { name: 'web', disks: [{ id: 'root', target: 'vda', file, format: 'qcow2' }] });
  await domain('a', { name: 'db', vcpus: 2 });
  await domain('a', { name: 'old' }, 'off');
  await domain(
    'a',
    { name: 'batch', devices: [{ shmem: { name: 'x', model: 'ivshmem-plain', size: '4 MiB' } }] },
    'awake',
  );
  await using fleet = await fleetOf();
  const plan = await fleet.planDrain('a', { off: 'cold', cannotMove: { shutdown: ['batch'] } });
  assert.ok(plan.isPossible, String(plan));
  await fleet.assertCurrent(plan);
  const { moves, shutdowns } = JSON.parse(JSON.stringify(plan.steps)) as typeof plan.steps;
  assert.equal([moves.length, shutdowns.length], [3, 1]);
  const phases = new Set<string>();
  for (const input of moves) {
    const onProgress = (progress: object) => void phases.add((progress as { phase: string }).phase);
    const outcome = await within(fleet.steps.move(input, { onProgress }), MINUTE);
    assert.equal([outcome.outcome, outcome.host, outcome.unfinished], ['moved', input.to, []]);
    assert.equal(JSON.parse(JSON.stringify(outcome)), outcome, 'it can be kept');
    assert.is(await whereabouts(fleet, input.domain.uuid), `${input.to} ${input.running ? 'paused' : 'shutoff'}`);
  }
  assert.ok(phases.has('sending'), [...phases].join());
  for (const input of shutdowns) {
    // There is no guest in it that could hear the button.
    await failure(fleet.steps.shutDown({ ...input, shutdown: { timeout: 10 } }), 'TIMEOUT');
    const done = await fleet.steps.shutDown({ ...input, shutdown: { timeout: 10, onTimeout: 'destroy' } });
    assert.is(done.outcome, 'shut-down');
    assert.is((await fleet.steps.shutDown(input)).outcome, 'already');
  }
  const now = await fleet.planDrain('a');
  for (const { name, after } of plan.hosts) {
    const host = now.hosts.find((each) => each.name === name);
    assert.equal([host?.before?.domains, host?.before?.vcpus], [after?.domains, after?.vcpus], name);
  }
  using wire = new Wire();
  for (const input of moves) assert.is((await fleet.steps.move(input)).outcome, 'already');
  assert.equal(wire.mutators(), [], 'asked twice it does nothing twice');
});

test('move: what is not as planned any more is refused, and nothing is changed', async () => {
  const { clear, domain, hosts } = await trio();
  await clear();
  const web = await domain('a', { name: 'web' });
  await using fleet = await fleetOf(3_000);
  const plan = await fleet.planDrain('a', { to: ['b'] });
  const [input] = plan.steps.moves as [MoveInput];
  using wire = new Wire();
  const full = await failure(fleet.steps.move({ ...input, keepFree: { memory: '100 %' } }), 'FLEET_NO_CAPACITY');
  assert.match(full.message, /domain web does not go to b: it takes 64 MiB of memory, and b has 0 B to give/);
  for (const wrong of [
    { ...input, to: 'x' },
    { ...input, way: 'fly' },
    { ...input, domain: { name: 'web', uuid: 'w' } },
    undefined,
  ])
    await failure(fleet.steps.move(wrong as never), 'ARGUMENT_INVALID');
  await failure(fleet.steps.move(input, { signal: AbortSignal.abort() }), 'ABORTED');
  assert.equal(wire.mutators(), []);
  await fleet.assertCurrent(plan);

  const twin = await domain('c', { name: 'web', uuid: web.uuid });
  const twice = await failure(fleet.steps.move(input), 'DOMAIN_RUNNING_ELSEWHERE');
  assert.match(twice.message, /paused on a; .*paused on c/);
  await twin.destroy();
  await twin.undefine();
  const there = await domain('b', { name: 'web', uuid: web.uuid }, 'off');
  assert.match((await failure(fleet.steps.move(input), 'FLEET_PLAN_STALE')).message, /b has a definition of it too/);
  await there.undefine();

  process.kill(hosts.b.pid as number, 'SIGSTOP');
  await failure(fleet.steps.move(input), 'DAEMON_UNREACHABLE', MINUTE);
  process.kill(hosts.b.pid as number, 'SIGCONT');

  await web.destroy();
  assert.match(
    (await failure(fleet.steps.move(input), 'FLEET_PLAN_STALE')).message,
    /it is off, and was planned to run on/,
  );
  await domain('a', { name: 'new' });
  const stale = await failure<FleetPlanStaleError>(fleet.assertCurrent(plan), 'FLEET_PLAN_STALE');
  assert.instance(stale, FleetPlanStaleError);
  assert.equal(stale.changes, ['web ran move live to b, and now was off stay', 'new came to a']);
  await web.undefine();
  assert.match((await failure(fleet.steps.move(input), 'FLEET_PLAN_STALE')).message, /neither on a nor on b/);
});

test('move cold: shut down as was said, moved, started there; cut in between it goes on from there', async () => {
  const { clear, domain, managers } = await trio();
  await clear();
  const web = await domain(
    'a',
    { name: 'web', devices: [{ shmem: { name: 'y', model: 'ivshmem-plain', size: '4 MiB' } }] },
    'awake',
  );
  await using fleet = await fleetOf();
  const plan = await fleet.planDrain('a', { to: ['b'], cannotMove: 'cold' });
  const [planned] = plan.steps.moves as [MoveInput];
  assert.equal([planned.way, planned.running], ['cold', true]);
  await failure(fleet.steps.move({ ...planned, shutdown: { timeout: 10 } }), 'TIMEOUT');
  assert.is(await whereabouts(fleet, web.uuid), 'a running', 'a guest that does not shut down stays');
  const input: MoveInput = { ...planned, shutdown: { timeout: 10, onTimeout: 'destroy' } };
  assert.is((await within(fleet.steps.move(input), MINUTE)).state, 'running');
  // As if it had died before the start, and after the shutdown.
  await (await managers.b.get(web.uuid)).destroy();
  assert.is((await within(fleet.steps.move(input), MINUTE)).state, 'running');
  const back: MoveInput = { ...input, from: 'b', to: 'a' };
  await (await managers.b.get(web.uuid)).destroy();
  assert.is((await within(fleet.steps.move(back), MINUTE)).state, 'running');
  assert.is(await whereabouts(fleet, web.uuid), 'a running');
});

for (const phase of ['sending', 'finishing', 'confirming'])
  test(`move: killed while ${phase}, the next process ends it, and it runs once`, async () => {
    const { clear, domain, uris } = await trio();
    await clear();
    // Awake: QEMU migrates one that was paused before, and whose memory has gone over once, no second time.
    const web = await domain('a', { name: 'web' }, 'awake');
    await using fleet = await fleetOf();
    const named = { name: 'web', uuid: web.uuid };
    const input: MoveInput = { domain: named, from: 'a', to: 'b', running: true, way: 'live' };
    const script = fileURLToPath(new URL('move-child.js', import.meta.url));
    const hosts = JSON.stringify(await hostsOf());
    const child = spawn(process.execPath, [script, hosts, JSON.stringify(input)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.stdout.on('data', (part) => {
      said += part;
      if (said.split('\n').includes(phase)) child.kill('SIGKILL');
    });
    await within(ended, MINUTE, 'the child');
    assert.match(said, phase, `it came so far: ${said}`);
    const { host } = await within(fleet.steps.move(input), MINUTE);
    assert.is(host, 'b');
    assert.is(await whereabouts(fleet, web.uuid), 'b running', `${uris.a} has let it go`);
  });

test.run();
