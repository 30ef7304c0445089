/** A host that was dead and is back: what was brought back elsewhere does not start there, and is let go on proof only. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bundleDigest,
  type EvacuateInput,
  Fleet,
  personConfirms,
  type QuarantineInput,
} from '../../src/fleet/index.js';
import type { DomainQuarantinedError, GuestAbiChangedError } from '../../src/index.js';
import { failure, scaled, within } from '../support/deadline.js';
import { Wire } from '../support/wire.js';
import { trioOnDemand } from './trio.js';

const trio = trioOnDemand();
test.after(trio.stop);
const MINUTE = 60_000;
const NAMESPACE = 'urn:libvirt-canonical:quarantine:1';
const fleetOf = async (more: Record<string, string> = {}) =>
  Fleet.open({ hosts: { ...(await trio()).uris, ...more }, timeout: scaled(5_000) });

/** `web` and `db` of host a are brought back on b while it is dead; `own` stays its own. `db` starts with its host. Then it is back. */
async function broughtBack(fleet: Fleet): Promise<QuarantineInput> {
  const { clear, domain, hosts, managers } = await trio();
  await clear();
  const web = await domain('a', { name: 'web' }, 'awake');
  const db = await domain('a', { name: 'db' }, 'awake');
  const own = await domain('a', { name: 'own' }, 'off');
  for (const each of [web, db]) await each.apply(await each.plan({ set: { autostart: true } }));
  const bundles = [await web.export(), await db.export()];
  await web.apply(await web.plan({ set: { autostart: false } }));
  await hosts.a.cutPower();
  const plan = await fleet.planEvacuate('a', { bundles, to: ['b'] });
  const proof = await fleet.fence('a', personConfirms({ by: 'carol', host: 'a' }));
  const inputs = plan.steps.evacuations.map((each): EvacuateInput => ({ ...each, proof }));
  const load = async ({ digest }: { digest: string }) => bundles.find((each) => bundleDigest(each) === digest) ?? '';
  for (const input of inputs) await within(fleet.steps.evacuate(input, { bundles: load }), MINUTE);
  await hosts.a.startDaemon();
  assert.is(await (await managers.a.get(db.uuid)).state(), 'running', 'nobody could look before its daemon started it');
  assert.is(await (await managers.a.get(own.uuid)).state(), 'shutoff');
  // As it came out of the caller's store.
  return JSON.parse(
    JSON.stringify({
      operation: 'evacuate-a',
      from: 'a',
      domains: inputs.map(({ domain, to }) => ({ ...domain, to })),
    }),
  );
}

test('quarantine: what runs elsewhere is marked and starts no more, by its host or by this library; the rest is left alone', async () => {
  await using fleet = await fleetOf();
  const input = await broughtBack(fleet);
  const { hosts, managers } = await trio();
  const own = (await managers.a.all()).find(({ name }) => name === 'own');
  const before = await own?.canonical();
  assert.is((await fleet.where('db')).outcome, 'running-twice');
  const outcome = await fleet.steps.quarantine(input);
  assert.equal(JSON.parse(JSON.stringify(outcome)), outcome, 'it can be kept');
  assert.equal([outcome.outcome, outcome.host, outcome.silent], ['quarantined', 'a', []]);
  const rows = outcome.domains.map(({ name, is, to, here, elsewhere, ended }) => [
    name,
    is,
    to,
    here,
    elsewhere,
    ended,
  ]);
  const there = [{ host: 'b', state: 'running' }];
  assert.equal(rows.sort(), [
    ['db', 'quarantined', 'b', 'running', there, false],
    ['web', 'quarantined', 'b', 'shutoff', there, false],
  ]);
  assert.is(await own?.canonical(), before, 'a domain that nobody else has is left alone');
  const left = await managers.a.get('web');
  const starts = await left.plan({ set: { autostart: true } });
  assert.equal([starts.operations, starts.refusals.map(({ subject }) => subject)], [[], ['autostart']]);
  assert.match(starts.refusals[0]?.reason ?? '', /^it is in quarantine: the operation .* brought it back on b$/);
  assert.ok((await left.plan({ set: { autostart: false } })).refusals.length === 0);
  const drain = await fleet.planDrain('b', { to: ['c'] });
  const said = drain.refusals.find(({ domain }) => domain === 'web');
  assert.match(said?.reason ?? '', /what a was left with is there still, in quarantine/);
  assert.match(said?.remedy ?? '', /fleet\.steps\.release\(\{ domain: .* from: 'a', does: 'undefine' \}\)/);
  assert.is((await fleet.where('db')).outcome, 'running-twice', 'nothing is ended that nobody asked for');

  const ended = await fleet.steps.quarantine({ ...input, running: 'destroy' });
  assert.equal(ended.domains.map(({ name, is, ended: end }) => [name, is, end]).sort(), [
    ['db', 'already', true],
    ['web', 'already', false],
  ]);
  for (const name of ['db', 'web']) {
    const where = await fleet.where(name);
    assert.is(where.outcome, 'running', 'what is in quarantine does not count beside it');
    assert.match(where.meaning, /running on b, shutoff on a in quarantine, brought back on b/);
    const [, left] = where.found;
    assert.equal([left?.host, left?.quarantine?.operation, left?.quarantine?.to], ['a', 'evacuate-a', 'b']);
  }
  using wire = new Wire();
  const { outcome: again } = await fleet.steps.quarantine({ ...input, running: 'destroy' });
  assert.is(again, 'already');
  assert.is(
    (await fleet.steps.quarantine({ operation: 'x', from: 'a' })).outcome,
    'already',
    'found without a note too',
  );
  const web = await managers.a.get(input.domains?.find(({ name }) => name === 'web')?.uuid as string);
  const refused = await failure<DomainQuarantinedError>(web.start(), 'DOMAIN_QUARANTINED');
  assert.match(refused.message, /domain web is in quarantine here since 20.*evacuate-a brought it back on b/);
  assert.match(refused.remedy as string, /fleet\.steps\.release/);
  assert.is(refused.quarantine.operation, 'evacuate-a');
  const moves = { domain: { name: 'web', uuid: web.uuid }, running: false, way: 'cold' } as const;
  await failure(fleet.steps.move({ ...moves, from: 'a', to: 'c' }), 'DOMAIN_RUNNING_ELSEWHERE');
  await failure(fleet.steps.move({ ...moves, from: 'a', to: 'b' }), 'DOMAIN_QUARANTINED');
  await failure(fleet.steps.move({ ...moves, running: true, way: 'live', from: 'b', to: 'a' }), 'DOMAIN_QUARANTINED');
  assert.equal(wire.mutators(), []);
  await failure(web.reboot({ mode: 'hard' }), 'DOMAIN_QUARANTINED');
  assert.equal((await web.drift()).changes, []);
  assert.not.match(JSON.stringify(await web.export()), NAMESPACE);

  // Its next boot, and the control: the one that nobody marked starts with its host.
  await own?.apply(await own.plan({ set: { autostart: true } }));
  await hosts.a.cutPower();
  await hosts.a.startDaemon();
  const states = await Promise.all((await managers.a.all()).map(async (each) => [each.name, await each.state()]));
  assert.equal(states.sort(), [
    ['db', 'shutoff'],
    ['own', 'running'],
    ['web', 'shutoff'],
  ]);
  await own?.destroy();
});

test('release: what is left goes when its new home proves to be the same machine; the mark goes when no other host has it', async () => {
  await using fleet = await fleetOf();
  const input = await broughtBack(fleet);
  const { managers } = await trio();
  const find = (name: string) => {
    const domain = input.domains?.find((each) => each.name === name);
    return { name, uuid: domain?.uuid as string };
  };
  const [web, db] = [find('web'), find('db')];
  await failure(fleet.steps.release({ domain: web, from: 'a', does: 'undefine' }), 'FLEET_PLAN_STALE');
  assert.is((await fleet.steps.release({ domain: web, from: 'a', does: 'clear' })).outcome, 'already');
  await fleet.steps.quarantine(input);
  await failure(fleet.steps.release({ domain: db, from: 'a', does: 'undefine' }), 'DOMAIN_STATE');
  await fleet.steps.quarantine({ ...input, running: 'destroy' });
  await failure(fleet.steps.release({ domain: web, from: 'a', does: 'clear' }), 'DOMAIN_RUNNING_ELSEWHERE');

  const home = await managers.b.get(web.uuid);
  await home.apply(await home.plan({ attach: [{ interface: { id: 'lan', user: true, mac: '52:54:00:00:00:09' } }] }));
  const other = await failure<GuestAbiChangedError>(
    fleet.steps.release({ domain: web, from: 'a', does: 'undefine' }),
    'GUEST_ABI_CHANGED',
  );
  assert.ok(other.differences.length > 0);
  await managers.a.get(web.uuid);
  const done = await fleet.steps.release({ domain: web, from: 'a', does: 'undefine', abi: 'any' });
  assert.equal([done.outcome, done.host, done.home], ['undefined', 'a', 'b']);
  await failure(managers.a.get(web.uuid), 'DOMAIN_NOT_FOUND');
  assert.is((await fleet.steps.release({ domain: web, from: 'a', does: 'undefine' })).outcome, 'already');
  assert.is(await home.state(), 'running');

  // Nobody else has it any more: neither is the last definition undefined, nor does a second name of its host prove it.
  const lost = await managers.b.get(db.uuid);
  await lost.destroy();
  await failure(fleet.steps.release({ domain: db, from: 'a', does: 'clear' }), 'FLEET_PLAN_STALE');
  await lost.undefine();
  await using twins = await fleetOf({ again: (await trio()).uris.a });
  for (const from of ['a', 'again'])
    await failure(twins.steps.release({ domain: db, from, does: 'undefine' }), 'FLEET_PLAN_STALE');
  assert.is((await fleet.steps.release({ domain: db, from: 'a', does: 'clear' })).outcome, 'cleared');
  const back = await managers.a.get(db.uuid);
  assert.not.match(await back.canonical(), NAMESPACE);
  await back.start();
  assert.is((await fleet.where('db')).found[0]?.host, 'a');
});

test('quarantine: what it cannot be sure of it leaves alone and says so; a home that is silent counts as one that runs it', async () => {
  const { clear, domain, hosts, managers } = await trio();
  await clear();
  const [web, db] = [await domain('a', { name: 'web' }), await domain('a', { name: 'db' })];
  await domain('b', { name: 'db', uuid: db.uuid }, 'off');
  await using fleet = await fleetOf();
  const note = [web, db].map(({ name, uuid }) => ({ name, uuid, to: 'b' }));
  const rows = async (input: Partial<QuarantineInput>) => {
    const { domains } = await fleet.steps.quarantine({ operation: 'x', from: 'a', ...input });
    return domains.map(({ name, is, here }) => `${name} ${is} ${here}`);
  };
  using wire = new Wire();
  assert.equal(
    await rows({}),
    ['db unclear paused'],
    'it runs here, and what is on b may be the one that is left over',
  );
  assert.equal(await rows({ domains: note.slice(0, 1), running: 'destroy' }), [
    'web only-here paused',
    'db unclear paused',
  ]);
  const gone = { name: 'gone', uuid: '6f8a2c4e-0000-4000-8000-000000000001', to: 'b' };
  assert.equal((await rows({ domains: [gone] }))[0], 'gone not-here undefined');
  {
    await using twins = await fleetOf({ again: (await trio()).uris.a });
    const { domains } = await twins.steps.quarantine({
      operation: 'x',
      from: 'a',
      domains: note.slice(0, 1),
      running: 'destroy',
    });
    assert.is(domains[0]?.is, 'only-here', 'its host by another name is no other host');
  }
  for (const wrong of [
    { from: 'a' },
    { operation: 'x', from: 'd' },
    { operation: 'x', from: 'a', domains: [{ ...gone, to: 'd' }] },
    { operation: 'x', from: 'a', domains: [{ name: 'x' }] },
    { operation: 'x', from: 'a', running: 'stop' },
  ])
    await failure(fleet.steps.quarantine(wrong as never), 'ARGUMENT_INVALID');
  assert.equal(wire.mutators(), []);

  process.kill(hosts.b.pid as number, 'SIGSTOP');
  try {
    const { domains, silent } = await fleet.steps.quarantine({
      operation: 'x',
      from: 'a',
      domains: note,
      running: 'destroy',
    });
    assert.equal(
      domains.map(({ name, is, ended }) => [name, is, ended]),
      [
        ['web', 'quarantined', false],
        ['db', 'quarantined', false],
      ],
    );
    assert.equal(
      silent.map(({ host }) => host),
      ['b'],
    );
    await failure(fleet.steps.release({ domain: note[0] as never, from: 'a', does: 'clear' }), 'ARGUMENT_INVALID');
    const { name, uuid } = web;
    await web.destroy();
    for (const does of ['clear', 'undefine'] as const)
      await failure(fleet.steps.release({ domain: { name, uuid }, from: 'a', does }), 'DAEMON_UNREACHABLE', MINUTE);
    await failure((await managers.a.get(uuid)).start(), 'DOMAIN_QUARANTINED');
    const domain = { name, uuid };
    const accepted = await fleet.steps.release({ domain, from: 'a', does: 'clear', unknownHosts: 'accept' });
    assert.is(accepted.outcome, 'cleared');
  } finally {
    process.kill(hosts.b.pid as number, 'SIGCONT');
  }
});

test.run();
