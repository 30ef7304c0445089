/** planDrain on three private hosts: what it decides, why it refuses, and that it writes nothing. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DrainRequest, Fleet, type FleetOptions, FleetPlan, type PlannedDomain } from '../../src/fleet/index.js';
import type { DomainSpec } from '../../src/index.js';
import { failure, failureNow, scaled } from '../support/deadline.js';
import { Wire } from '../support/wire.js';
import { type Name, trioOnDemand } from './trio.js';

const trio = trioOnDemand();
test.after(trio.stop);

/** The fleet of all three; b and c with what they are given. */
async function fleetOf(more: Partial<Record<Name, object>> = {}): Promise<Fleet> {
  const { uris } = await trio();
  const spec = (name: Name) => ({ uri: uris[name], labels: { rack: name === 'a' ? '0' : name }, ...more[name] });
  const hosts: FleetOptions['hosts'] = { a: spec('a'), b: spec('b'), c: spec('c') };
  return Fleet.open({ hosts, timeout: scaled(20_000) });
}

let images = 0;
/** A domain with a disk in a folder of host a, which all three can read: they are one machine. */
async function withDisk(name: string, spec: Partial<DomainSpec> = {}, how?: 'off') {
  const { hosts, domain } = await trio();
  const file = await hosts.a.createDisk(`${name}-${++images}.qcow2`, { size: '1 MiB' });
  return domain('a', { name, disks: [{ id: 'root', target: 'vda', file, format: 'qcow2' }], ...spec }, how);
}

const of = (plan: FleetPlan, name: string): PlannedDomain => plan.domains.find((each) => each.name === name) as never;
const ways = (plan: FleetPlan) =>
  plan.domains.map(({ name, does, way, to }) => [name, does, way, to].filter(Boolean).join(' '));

test('planDrain: each domain has a target and a way, each host what it has before and after; nothing is written', async () => {
  const { clear, domain } = await trio();
  await clear();
  await withDisk('web', { memory: '96 MiB', vcpus: 2 });
  await withDisk('db');
  await withDisk('old', {}, 'off');
  await domain('b', { name: 'there' });
  await using fleet = await fleetOf();
  using wire = new Wire();
  const plan = await fleet.planDrain('a');
  assert.equal(wire.mutators(), [], 'it reads only');
  assert.ok(plan.isPossible && plan.empties, String(plan));
  assert.equal(
    ways(plan).map((each) => each.replace(/ [bc]$/, ' X')),
    ['web move live X', 'db move live X', 'old stay'],
  );
  assert.is.not(of(plan, 'web').to, of(plan, 'db').to, 'the second goes where most is left then');
  const [note] = of(plan, 'web').notes.filter(({ subject }) => subject === 'disk root');
  assert.match(`${note?.problem}. ${note?.remedy}`, /not told by reading. The move proves it/);
  assert.match(plan.notes.join(), /nothing was written for this plan/);

  const [a, b, c] = plan.hosts;
  assert.equal([a?.role, b?.role, c?.role], ['source', 'target', 'target']);
  assert.equal([a?.before?.domains, a?.after?.domains, a?.before?.vcpus, a?.after?.vcpus], [2, 0, 3, 0]);
  assert.is((a?.after?.memory.available ?? 0) - (a?.before?.memory.available ?? 0), 160 * 1024 * 1024);
  assert.equal([b?.before?.domains, b?.after?.domains], [1, 2]);
  const moved = of(plan, 'web').to === 'b' ? b : c;
  assert.is((moved?.before?.memory.available ?? 0) - (moved?.after?.memory.available ?? 0), 96 * 1024 * 1024);
  for (const line of [
    /^drain a: 2 go, 0 are shut down, 1 stay, 0 are refused$/m,
    /web \(96 MiB, 2 vCPUs\) → [bc], live/,
  ])
    assert.match(String(plan), line);

  const again = FleetPlan.fromJSON(JSON.parse(JSON.stringify(plan)));
  assert.equal([again.digest, String(again)], [plan.digest, String(plan)]);
  const tampered = JSON.parse(JSON.stringify(plan));
  tampered.domains[0].to = tampered.domains[0].to === 'b' ? 'c' : 'b';
  failureNow(() => FleetPlan.fromJSON(tampered), 'SPEC_INVALID');
  await (await fleet.manager('a')).get('db').then((db) => db.destroy());
  assert.is.not((await fleet.planDrain('a')).digest, plan.digest, 'other decisions, another digest');
});

test('planDrain: storage that a target lacks is refused, or copied; a domain that is off goes cold', async () => {
  const { clear, hosts } = await trio();
  await clear();
  await withDisk('web');
  await withDisk('old', {}, 'off');
  const paths = { [join(hosts.a.directory, 'images')]: join(hosts.b.directory, 'images') };
  await using fleet = await fleetOf({ b: { migration: { paths } } });
  const refused = await fleet.planDrain('a', { to: ['b'] });
  assert.equal([refused.isPossible, refused.refusals.length], [false, 1]);
  const [refusal] = refused.refusals;
  assert.equal([refusal?.domain, refusal?.host, refusal?.subject], ['web', 'b', 'disk root']);
  assert.match(`${refusal?.reason}. ${refusal?.remedy}`, /images\/web-\d+\.qcow2, is not there\. .*storage: 'copy'/);
  assert.match(String(refused), /REFUSED[\s\S]*refused b disk root: its storage/);
  const copied = await fleet.planDrain('a', { to: ['b'], storage: 'copy', off: 'cold' });
  assert.equal(ways(copied), ['web move block b', 'old move cold b'], String(copied));
  assert.equal([of(copied, 'web').copies, of(copied, 'old').copies], [['root'], ['root']]);
  const stays = await fleet.planDrain('a', { to: ['b'], off: 'cold', cannotMove: 'shutdown' });
  assert.equal(ways(stays), ['web shutdown', 'old stay'], 'one that is off cannot be shut down');
  const elsewhere = await fleet.planDrain('a', { off: 'cold' });
  assert.equal(ways(elsewhere), ['web move live c', 'old move cold c'], 'c has the images');
});

test('planDrain: capacity, apart, together, spread, by the figures of real hosts', async () => {
  const { clear, domain } = await trio();
  await clear();
  for (const name of ['db1', 'db2', 'app']) await domain('a', { name });
  await domain('b', { name: 'db3' });
  await using fleet = await fleetOf();
  const plan = (request: DrainRequest) => fleet.planDrain('a', request);
  const full = await plan({ keepFree: { memory: '100 %' } });
  assert.is(full.refusals.filter(({ subject }) => subject === 'capacity').length, 6, String(full));
  assert.match(
    String(full.refusals[0]?.reason),
    /takes 64 MiB of memory, and [bc] has 0 B to give beside the .* kept free/,
  );
  const apart = await plan({ apart: [['db1', 'db2', 'db3']], cannotMove: 'stay' });
  assert.equal(
    ways(apart)
      .sort()
      .map((each) => each.replace(/app move live [bc]/, 'app')),
    ['app', 'db1 move live c', 'db2 stay'],
  );
  assert.not.ok(apart.empties);
  const together = await plan({ together: [['app', 'db3']], apart: [['db1', 'db2']] });
  assert.is(of(together, 'app').to, 'b');
  const spread = await plan({ spread: ['rack'], order: ['app'] });
  assert.equal(
    spread.moves.map(({ name, to }) => [name, to].join()),
    ['app,c', 'db1,b', 'db2,c'],
    'b has one already',
  );
});

test('planDrain: what cannot move has the fate that was said, and is refused without one', async () => {
  const { clear, domain, managers } = await trio();
  await clear();
  const pinned = await withDisk('pinned', { title: 'batch' });
  const dom = { name: pinned.name, uuid: pinned.uuid, id: -1 };
  const xml_desc = '<domainsnapshot><name>s</name></domainsnapshot>';
  await managers.a.connection.call('DOMAIN_SNAPSHOT_CREATE_XML', { dom, xml_desc, flags: 16 });
  await domain('a', { name: 'free' });
  await using fleet = await fleetOf();
  const plan = (request: DrainRequest) => fleet.planDrain('a', request);
  const refused = await plan({});
  assert.equal(
    refused.refusals.map(({ domain: name, host, reason }) => [name, host, reason]),
    [['pinned', undefined, 'it has 1 snapshots']],
  );
  assert.is(of(refused, 'free').does, 'move');
  const stays = await plan({ cannotMove: { default: 'refuse', stay: ({ title }) => title === 'batch' } });
  assert.equal([stays.isPossible, stays.empties, of(stays, 'pinned').does], [true, false, 'stay']);
  assert.match(String(stays), /pinned .* stays\n {4}since domain: it has 1 snapshots/);
  const shut = await plan({ cannotMove: { shutdown: ['pinned'] } });
  assert.equal([shut.isPossible, shut.empties, of(shut, 'pinned').does], [true, true, 'shutdown']);
  const cold = await plan({ cannotMove: { cold: [pinned.uuid] } });
  assert.is(of(cold, 'pinned').does, 'refused', 'snapshots do not go cold either');
  await managers.a.connection.call('DOMAIN_SNAPSHOT_DELETE', {
    snap: { name: 's', dom },
    flags: 2,
  });
  // A device that only a running guest cannot take along.
  await clear();
  await domain('a', {
    name: 'shares',
    devices: [{ shmem: { name: 'x', model: 'ivshmem-plain', size: '4 MiB' } }],
  });
  const shares = await plan({ cannotMove: 'cold' });
  assert.equal([of(shares, 'shares').does, of(shares, 'shares').way], ['move', 'cold'], String(shares));
  assert.match(
    String(shares),
    /shares .* → [bc], cold: shut down, started there\n {4}since shmem.*: its memory is shared/,
  );
});

test('planDrain: a domain that is elsewhere too, hosts that are silent, and requests that are wrong', async () => {
  const { clear, domain, hosts, uris } = await trio();
  await clear();
  const web = await domain('a', { name: 'web' });
  await domain('c', { name: 'web-old', uuid: web.uuid }, 'off');
  await using fleet = await Fleet.open({
    hosts: { ...uris, again: uris.a, gone: 'qemu+unix:///session?socket=/nonexistent/sock' },
    timeout: scaled(20_000),
  });
  const plan = await fleet.planDrain('a');
  assert.match(String(plan.refusals[0]?.reason), /^c has it too, off$/);
  assert.match(plan.notes.join('\n'), /gone did not answer, so it is no target.*\nagain is the same host by its UUID/);
  assert.match(String(plan.hosts.find(({ name }) => name === 'gone')?.silent), /nonexistent/);
  for (const [host, request, says] of [
    ['aa', {}, /host: there is no host 'aa'/],
    ['a', { to: ['b', 'x'] }, /to\[1\]: there is no host/],
    ['a', { to: ['a'] }, /to\[0\]: a is the host that is to be empty/],
    ['a', { cannotMove: 'shutdwn' }, /Did you mean 'shutdown'/],
    ['a', { cannotMove: { cold: 'web' } }, /cannotMove\.cold must be/],
    ['a', { apart: [['web', 'wbe']] }, /apart\[0\]\[1\]: no domain is called 'wbe'.*Did you mean web/],
    ['a', { keepFree: { memory: '101 %' } }, /more than all of it/],
    ['a', { colour: 1 }, /no option "colour"/],
  ] as const) {
    const { message } = await failure(fleet.planDrain(host, request as never), 'ARGUMENT_INVALID');
    assert.match(message, says);
  }
  await using hasty = await Fleet.open({ hosts: uris, timeout: scaled(3_000) });
  await hosts.a.killDaemon();
  try {
    const { message } = await failure(hasty.planDrain('a'), 'DAEMON_UNREACHABLE', 60_000);
    assert.match(message, /a did not answer .*evacuated/);
  } finally {
    await hosts.a.startDaemon();
  }
});

test.run();
