/** A running guest goes to another host: it is the same machine there, and nothing of the domain is left behind or lost. */
import { tracingChannel } from 'node:diagnostics_channel';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainAccess } from '../../src/apply/index.js';
import { METHOD_TRACE, type MethodTrace, type MigrationProgress, type MigrationRefusedError } from '../../src/index.js';
import { migratable } from '../../src/migration/documents.js';
import { canonicalDifferences } from '../../src/migration/prove.js';
import { failure, within } from '../support/deadline.js';
import { identityMap } from '../support/identity-map.js';
import { Wire } from '../support/wire.js';
import { pairOnDemand, plantedMigration } from './pair.js';

const pair = pairOnDemand();
test.after(pair.stop);

const MINUTE = 120_000;
/** A count in the guest that goes on as long as it runs. */
const COUNT = '(i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.05; done) >/dev/null 2>&1 & echo started';
const count = async (guest: { exec(command: string): Promise<{ output: string }> }): Promise<number> =>
  Number((await guest.exec('cat /tmp/count')).output);

test('migrate: the guest goes on at the destination as the same machine, and everything of the domain goes along', async () => {
  const { a, b, guest } = await pair();
  const t = await guest('live');
  const { domain } = t;
  await domain.apply(
    await domain.plan({
      set: {
        autostart: true,
        metadata: { 'urn:test:owner': { prefix: 'o', xml: '<owner><team>blue</team>\n  text  </owner>' } },
      },
      storage: { vda: { driver: 'nfs', share: 'images' } },
    }),
  );
  // Pending for the next boot, in the canonical document alone.
  await domain.apply(
    await domain.plan({
      attach: [{ interface: { id: 'later', user: true, mac: '52:54:00:00:00:09' } }],
      scope: 'config',
    }),
  );
  const before = {
    report: await t.here.report(),
    places: identityMap(await domain.canonical()),
    abi: await domain.guestAbi(),
    liveAbi: await domain.guestAbi({ document: 'live' }),
  };
  await t.here.exec(COUNT);
  const drift = await domain.drift();
  assert.equal(drift.changes, [], 'nothing has drifted before');

  using wire = new Wire();
  const traced: string[] = [];
  const tracing = tracingChannel(METHOD_TRACE);
  const ended = (message: unknown) => void traced.push((message as MethodTrace).method);
  tracing.asyncEnd.subscribe(ended);
  const job = domain.migrate(b.manager, t.options);
  const seen: MigrationProgress[] = [];
  for await (const each of job) seen.push(each);
  const result = await within(job.done, MINUTE, 'the migration');
  tracing.asyncEnd.unsubscribe(ended);

  assert.equal(traced, ['ManagedDomain.migrate'], 'its end is traced');
  assert.equal(result.unfinished, [], 'nothing is left to do');
  assert.ok((result.downtime ?? 0) > 0 && result.total > (result.downtime ?? 0), 'the pause is told');
  const calls = wire.calls
    .map(({ procedure }) => procedure)
    .filter((name) => /^DOMAIN_(MIGRATE_[BPFC]|SET_METADATA)/.test(name));
  assert.ok(
    calls.indexOf('DOMAIN_SET_METADATA') < calls.indexOf('DOMAIN_MIGRATE_BEGIN3_PARAMS'),
    'it was written down before it began',
  );
  assert.equal(
    calls.filter((name) => name.startsWith('DOMAIN_MIGRATE')),
    ['BEGIN', 'PREPARE', 'PERFORM', 'FINISH', 'CONFIRM'].map((name) => `DOMAIN_MIGRATE_${name}3_PARAMS`),
  );
  assert.equal(
    [...new Set(seen.map(({ phase }) => phase))],
    ['checking', 'preparing', 'proving', 'sending', 'finishing', 'confirming', 'tidying'],
  );
  assert.ok(
    seen.some(
      ({ phase, processed, iteration, total }) =>
        phase === 'sending' && processed > 0 && iteration > 0 && total.memory > 90 << 20,
    ),
    'progress tells bytes and passes',
  );

  await failure(a.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  const there = await b.manager.get(t.uuid);
  assert.equal(await there.stateReason(), { state: 'running', reason: 'migrated' });
  const after = await t.there.report();
  assert.is(after.bootId, before.report.bootId, 'it has not booted');
  assert.equal(
    [after.pci, after.disks, after.interfaces],
    [before.report.pci, before.report.disks, before.report.interfaces],
    'it sees the same devices',
  );
  const now = await count(t.there);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok((await count(t.there)) > now, 'it goes on counting');
  assert.equal(identityMap(await there.canonical()), before.places, 'each device is in its place');
  assert.equal(await there.guestAbi(), before.abi);
  assert.equal(await there.guestAbi({ document: 'live' }), before.liveAbi);
  const { changes } = await there.pending();
  assert.equal(
    changes.map(({ subject, action }) => `${action} ${subject}`).sort(),
    ['attach interface later'],
    'what was pending is pending',
  );
  const arrived = await there.drift();
  assert.is(arrived.seal, 'intact');
  assert.equal(arrived.changes, [], 'nothing has drifted on arrival');
  assert.equal((await there.storage())[0]?.connection, { driver: 'nfs', share: 'images' });
  assert.is(there.migration, undefined, 'the record is taken out');
  assert.not.match(await there.canonical(), /libvirt-canonical:(migration|journal)/);
  const { autostart } = await b.connection.call('DOMAIN_GET_AUTOSTART', {
    dom: { name: t.name, uuid: t.uuid, id: -1 },
  });
  assert.is(autostart, 1, 'it starts with its host');
  const planned = await there.plan({ detach: [{ interface: 'later' }], scope: 'config' });
  await there.apply(planned);

  // And back.
  const back = await within(there.migrate(a.connection, t.back).done, MINUTE, 'the way back');
  assert.equal(back.unfinished, []);
  assert.is((await t.here.report()).bootId, before.report.bootId);
  const home = await a.manager.get(t.uuid);
  assert.equal(await home.guestAbi({ document: 'live' }), before.liveAbi);
  assert.equal((await home.drift()).changes, []);
  await home.destroy();
});

test('migrate: prove paused finishes the guest paused, compares it, and then lets it run', async () => {
  const { b, guest } = await pair();
  const t = await guest('proved');
  const { bootId } = await t.here.report();
  const job = t.domain.migrate(b.manager, { ...t.options, prove: 'paused' });
  await within(job.done, MINUTE, 'the migration');
  const there = await b.manager.get(t.uuid);
  assert.is(await there.state(), 'running');
  assert.is((await t.there.report()).bootId, bootId);
  await there.destroy();
});

test('migrate: a paused guest arrives paused; undefineSource: false keeps its definition; hooks run at both ends', async () => {
  const { a, b, guest } = await pair();
  const t = await guest('kept');
  await t.domain.suspend();
  const told: string[] = [];
  const hook =
    (name: string) =>
    ({ host, disks }: { host: string; disks: readonly { target: string }[] }) => {
      told.push(`${name} ${host} ${disks.map(({ target }) => target)}`);
    };
  const hooks = {
    beforePrepare: hook('beforePrepare'),
    afterArrival: hook('afterArrival'),
    afterRelease: hook('afterRelease'),
    afterFailure: hook('afterFailure'),
  };
  const result = await within(
    t.domain.migrate(b.manager, { ...t.options, undefineSource: false, hooks }).done,
    MINUTE,
    'the migration',
  );
  assert.equal(result.unfinished, []);
  assert.equal(told, ['beforePrepare destination vda', 'afterArrival destination vda', 'afterRelease source vda']);
  const there = await b.manager.get(t.uuid);
  assert.is(await there.state(), 'paused');
  const here = await a.manager.get(t.uuid);
  assert.equal(await here.stateReason(), { state: 'shutoff', reason: 'migrated' });
  assert.is(here.migration, undefined, 'the record is taken out there, too');
  await there.resume();
  assert.ok((await t.there.report()).bootId);

  // A definition that is off at the destination is overwritten by libvirt without a word.
  const refused = await failure<MigrationRefusedError>(there.migrate(a.connection, t.back).done, 'MIGRATION_REFUSED');
  assert.match(refused.message, /a definition of it is there, off/);
  const plan = await there.planMigration(a.connection, { ...t.back, definitionThere: 'replace' });
  assert.ok(plan.isPossible, String(plan));
  await within(there.migrate(a.connection, { ...t.back, definitionThere: 'replace' }).done, MINUTE, 'the way back');
  await (await a.manager.get(t.uuid)).destroy();
});

test('migrate: a hook that rejects before anything is there ends it, and the guest has not noticed', async () => {
  const { a, b, guest } = await pair();
  const t = await guest('hooked');
  const { bootId } = await t.here.report();
  let undone = 0;
  const hooks = {
    beforePrepare: () => Promise.reject(new Error('no such volume')),
    afterFailure: () => {
      undone += 1;
    },
  };
  const error = await failure(t.domain.migrate(b.manager, { ...t.options, hooks }).done, 'HOOK_FAILED');
  assert.match(error.message, /no such volume/);
  assert.is(undone, 1);
  assert.equal(await t.domain.stateReason(), { state: 'running', reason: 'booted' });
  assert.is((await t.here.report()).bootId, bootId);
  assert.is((await a.manager.get(t.uuid)).migration, undefined);
  await failure(b.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  await t.domain.destroy();
});

test('the proof catches a manager that sends the live document as the persistent one', async () => {
  const { a, b, guest } = await pair();
  const t = await guest('planted');
  await t.domain.apply(
    await t.domain.plan({
      attach: [{ interface: { id: 'later', user: true, mac: '52:54:00:00:00:09' } }],
      scope: 'config',
    }),
  );
  const reader = new DomainAccess(a.connection, { name: t.name, uuid: t.uuid, id: -1 });
  const sent = await migratable(reader, 'canonical', {});
  await plantedMigration(a, b, t, 'live document as persistent');
  const there = await migratable(
    new DomainAccess(b.connection, { name: t.name, uuid: t.uuid, id: -1 }),
    'canonical',
    {},
  );
  const differences = canonicalDifferences(
    { document: sent, libvirt: a.connection.libvirtVersion },
    there,
    b.connection.libvirtVersion,
  );
  assert.ok(
    differences.some(({ subject, after }) => subject === 'interface later' && after === undefined),
    JSON.stringify(differences),
  );
  await (await b.manager.get(t.uuid)).destroy();
});

test('migrate: four guests both ways at once', async () => {
  const { a, b, guest } = await pair();
  const start = { memoryMiB: 96 };
  const [one, two] = [await guest('one', start), await guest('two', start)];
  await Promise.all([one, two].map((t) => within(t.domain.migrate(b.manager, t.options).done, MINUTE, 'going')));
  const three = await guest('three', start);
  const there = await Promise.all([one, two].map((t) => b.manager.get(t.uuid)));
  await Promise.all([
    within((there[0] as (typeof there)[0]).migrate(a.manager, one.back).done, MINUTE, 'the way back'),
    within((there[1] as (typeof there)[0]).migrate(a.manager, two.back).done, MINUTE, 'the way back'),
    within(three.domain.migrate(b.manager, three.options).done, MINUTE, 'going'),
  ]);
  for (const t of [one, two]) assert.is(await (await a.manager.get(t.uuid)).state(), 'running');
  for (const t of [one, two]) await (await a.manager.get(t.uuid)).destroy();
  const third = await b.manager.get(three.uuid);
  assert.is(await third.state(), 'running');
  await third.destroy();
});

test.run();
