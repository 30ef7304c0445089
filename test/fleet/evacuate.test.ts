/** A dead host's domains brought back: planned from bundles, started after a proof and not before, once. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleDigest, type EvacuateInput, type FenceProof, Fleet, personConfirms } from '../../src/fleet/index.js';
import type { DomainBundle, GuestAbiChangedError } from '../../src/index.js';
import { failure, scaled, within } from '../support/deadline.js';
import { Wire } from '../support/wire.js';
import { trioOnDemand } from './trio.js';

const trio = trioOnDemand();
test.after(trio.stop);
const MINUTE = 60_000;

const fleetOf = async () => Fleet.open({ hosts: (await trio()).uris, timeout: scaled(3_000) });
const WORD = personConfirms({ by: 'carol', host: 'a', says: 'pulled both cords' });

/** Two domains on host a, running, and one that is off; exported. Then the host dies: all of it, or its daemon alone. */
async function lost(how: 'power' | 'daemon' | 'alive'): Promise<DomainBundle[]> {
  const { clear, domain, hosts } = await trio();
  await clear();
  const file = await hosts.a.createDisk(`web-${Date.now()}.qcow2`, { size: '1 MiB' });
  const disks = [{ id: 'root', target: 'vda', file, format: 'qcow2' }] as const;
  const web = await domain('a', { name: 'web', memory: '96 MiB', disks });
  const db = await domain('a', { name: 'db', title: 'database' });
  await db.apply(await db.plan({ set: { autostart: true } }));
  const old = await domain('a', { name: 'old' }, 'off');
  const bundles = [await web.export(), await db.export(), await old.export()];
  if (how === 'power') await hosts.a.cutPower();
  if (how === 'daemon') await hosts.a.killDaemon();
  return bundles;
}

/** The host comes back, and nobody has looked at it yet. */
const back = async () => (await trio()).hosts.a.startDaemon();
const loaderOf = (bundles: readonly DomainBundle[]) => ({
  bundles: async ({ digest }: { digest: string }) =>
    bundles.find((each) => bundleDigest(each) === digest) as DomainBundle,
});

test('planEvacuate and evacuate: planned from bundles, back once on their targets as the same machines, and twice nothing', async () => {
  const bundles = await lost('power');
  await using fleet = await fleetOf();
  using reading = new Wire();
  const plan = await fleet.planEvacuate('a', {
    bundles: bundles.map((each) => JSON.stringify(each)),
    start: ({ name }) => name !== 'old',
    spread: [],
    order: ['db'],
  });
  assert.equal(reading.mutators(), [], 'it reads only');
  assert.ok(plan.isPossible, String(plan));
  assert.equal(
    plan.domains.map(({ name, does, way, running }) => [name, does, way, running]),
    [
      ['db', 'move', 'import', true],
      ['web', 'move', 'import', true],
      ['old', 'move', 'import', false],
    ],
  );
  assert.match(
    String(plan),
    /^evacuate a: 3 go[\s\S]*web \(96 MiB, 1 vCPUs\) → [bc], import, started[\s\S]*a \(source\): silent/,
  );
  assert.match(plan.notes.join('\n'), /nothing is started before a proof that a is off/);
  await failure(fleet.assertCurrent(plan), 'UNSUPPORTED');

  const proof = await fleet.fence('a', WORD);
  const inputs = plan.steps.evacuations.map((each): EvacuateInput => ({ ...each, proof }));
  assert.equal([plan.steps.moves, inputs.length], [[], 3]);
  assert.not.match(JSON.stringify(inputs), /<domain|base64/, 'no document goes into a store');
  const loader = loaderOf(bundles);
  for (const input of inputs) {
    const outcome = await within(fleet.steps.evacuate(input, loader), MINUTE);
    assert.equal([outcome.outcome, outcome.host], ['evacuated', input.to]);
    assert.is(outcome.state, input.start ? 'running' : 'shutoff');
    const there = await (await fleet.manager(input.to)).get(input.domain.uuid);
    await there.verify(bundles.find(({ uuid }) => uuid === there.uuid)?.abi as DomainBundle['abi']);
  }
  using wire = new Wire();
  for (const input of inputs) assert.is((await fleet.steps.evacuate(input, loader)).outcome, 'already');
  assert.equal(wire.mutators(), []);
  assert.match(
    String((await fleet.planEvacuate('a', { bundles })).refusals[0]?.reason),
    /has it already, running/,
    'planned again it is refused',
  );

  // The host is back: its definitions are seen, and no step goes on.
  await back();
  const where = await fleet.where(inputs[0]?.domain.uuid as string);
  assert.is(where.outcome, 'running-twice', 'db starts with its host: what the docs warn of');
  const again = await failure(fleet.steps.evacuate(inputs[1] as EvacuateInput, loader), 'FENCE_UNPROVED');
  assert.match(again.message, /carol says that it is, and libvirt answers there/);
});

test('evacuate: nothing without a proof that counts; a daemon that is dead while its guests run is none', async () => {
  const bundles = await lost('daemon');
  await using fleet = await fleetOf();
  const plan = await fleet.planEvacuate('a', { bundles, to: ['b'], start: 'autostart' });
  assert.equal(plan.domains.map(({ name, running }) => [name, running]).sort(), [
    ['db', true],
    ['old', false],
    ['web', false],
  ]);
  const [step] = plan.steps.evacuations.filter(({ domain }) => domain.name === 'db') as [Omit<EvacuateInput, 'proof'>];
  const loader = loaderOf(bundles);
  const good = await WORD.prove('a');
  using wire = new Wire();
  for (const proof of [
    undefined,
    {},
    { ...good, validUntil: new Date(Date.now() - 1).toISOString() },
    await personConfirms({ by: 'carol', host: 'b' }).prove('b'),
  ])
    await failure(fleet.steps.evacuate({ ...step, proof: proof as FenceProof }, loader), 'FENCE_UNPROVED');
  const input: EvacuateInput = { ...step, proof: good };
  const other = { bundles: async () => bundles[0] as DomainBundle };
  assert.match(
    (await failure(fleet.steps.evacuate(input, other), 'ARGUMENT_INVALID')).message,
    /is not the one of the plan/,
  );
  const room = { ...input, keepFree: { memory: '100 %' } } as const;
  await failure(fleet.steps.evacuate(room, loader), 'FLEET_NO_CAPACITY');
  await failure(fleet.steps.evacuate({ ...input, to: 'd' }, loader), 'ARGUMENT_INVALID');
  await failure(fleet.steps.evacuate(input, {} as never), 'ARGUMENT_INVALID');
  // It lives: nobody may say that it does not.
  await back();
  await failure(fleet.steps.evacuate(input, loader), 'FENCE_UNPROVED');
  await failure(fleet.fence('a', WORD), 'FENCE_UNPROVED');
  assert.equal(wire.mutators(), [], 'nothing was changed by any of them');
  assert.match((await fleet.planEvacuate('a', { bundles })).notes.join(), /a answers: it is to be drained/);
});

test('evacuate: cut between import and start it goes on; another machine of that UUID is not started; others are asked', async () => {
  const bundles = await lost('power');
  const { hosts, managers } = await trio();
  await using fleet = await fleetOf();
  const plan = await fleet.planEvacuate('a', { bundles, to: ['b'] });
  const proof = await fleet.fence('a', WORD);
  const inputs = plan.steps.evacuations.map((each): EvacuateInput => ({ ...each, proof }));
  const loader = loaderOf(bundles);
  const of = (name: string) => inputs.find(({ domain }) => domain.name === name) as EvacuateInput;

  await fleet.steps.evacuate({ ...of('web'), start: false }, loader);
  assert.is((await fleet.where(of('web').domain.uuid)).outcome, 'off', 'as if it had died here');
  assert.is((await within(fleet.steps.evacuate(of('web'), loader), MINUTE)).state, 'running');

  const { uuid } = of('db').domain;
  await managers.b.define({
    name: 'db',
    uuid,
    type: 'qemu',
    memory: '64 MiB',
    interfaces: [{ id: 'lan', user: true }],
  });
  const changed = await failure<GuestAbiChangedError>(fleet.steps.evacuate(of('db'), loader), 'GUEST_ABI_CHANGED');
  assert.ok(changed.differences.length > 0);
  await (await managers.b.get(uuid)).undefine();

  await managers.c.define({ name: 'db', uuid, type: 'qemu', memory: '64 MiB' });
  assert.match(
    (await failure(fleet.steps.evacuate(of('db'), loader), 'FLEET_PLAN_STALE')).message,
    /c has a definition/,
  );
  await (await managers.c.get(uuid)).start({ paused: true });
  await failure(fleet.steps.evacuate(of('db'), loader), 'DOMAIN_RUNNING_ELSEWHERE');
  await (await managers.c.get(uuid)).destroy();
  await (await managers.c.get(uuid)).undefine();

  process.kill(hosts.c.pid as number, 'SIGSTOP');
  try {
    const { message } = await failure(fleet.steps.evacuate(of('db'), loader), 'DAEMON_UNREACHABLE', MINUTE);
    assert.match(message, /c did not answer/);
    const accepted = { ...of('db'), unknownHosts: 'accept' } as const;
    assert.is((await within(fleet.steps.evacuate(accepted, loader), MINUTE)).state, 'running');
  } finally {
    process.kill(hosts.c.pid as number, 'SIGCONT');
  }
  await back();
});

test('planEvacuate: a bundle of what is elsewhere, two of one domain, no room, and requests that are wrong', async () => {
  const bundles = await lost('power');
  const [web, db] = bundles as [DomainBundle, DomainBundle];
  await using fleet = await fleetOf();
  const plan = await fleet.planEvacuate('a', { bundles: [web, web, db], keepFree: { memory: '100 %' } });
  assert.equal(
    plan.domains.map(({ name, does, because }) => [name, does, because.map(({ subject }) => subject).join()]),
    [
      ['web', 'refused', 'domain'],
      ['web', 'refused', 'domain'],
      ['db', 'refused', 'capacity,capacity'],
    ],
  );
  const away = JSON.parse(JSON.stringify(web).replaceAll('/images/web-', '/images/gone-')) as DomainBundle;
  const missing = await fleet.planEvacuate('a', { bundles: [away] });
  assert.match(String(missing.refusals[0]?.reason), /the image, .*gone-.*, is not there/);
  for (const [request, code] of [
    [{}, 'ARGUMENT_INVALID'],
    [{ bundles: [web], start: 'al' }, 'ARGUMENT_INVALID'],
    [{ bundles: [web], to: ['z'] }, 'ARGUMENT_INVALID'],
    [{ bundles: [{ ...web, name: 'x' }] }, 'SPEC_INVALID'],
    [{ bundles: [web], apart: [['web', 'nobody']] }, 'ARGUMENT_INVALID'],
  ] as const)
    await failure(fleet.planEvacuate('a', request as never), code);
  await back();
});

test.run();
