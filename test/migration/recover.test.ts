/** What a migration makes of a daemon or an answer that is lost at any step of it, and whom recovery believes. */
import { execFileSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CALL_CHANNEL,
  type CallRecord,
  connect,
  DomainManager,
  type MigrationError,
  recoverMigration,
} from '../../src/index.js';
import { failure, within } from '../support/deadline.js';
import { type FaultKind, FaultProxy } from '../support/fault-proxy.js';
import { freeUri, pairOnDemand, type Traveller } from './pair.js';
import { Program } from './program.js';

const pair = pairOnDemand();
test.after(pair.stop);

const MINUTE = 120_000;
let made: Promise<{ t: Traveller; bootId: string }> | undefined;
/** One guest for all: it goes there and back, and never boots again. */
function witness() {
  made ??= (async () => {
    const t = await (await pair()).guest('witness');
    return { t, bootId: (await t.here.report()).bootId };
  })();
  return made;
}

/** Where the guest is, as both hosts and the guest itself tell. */
async function assertOn(side: 'a' | 'b'): Promise<void> {
  const { a, b } = await pair();
  const { t, bootId } = await witness();
  const [on, off] = side === 'a' ? [a, b] : [b, a];
  const domain = await on.manager.get(t.uuid);
  assert.is(await domain.state(), 'running', `it runs on ${side}`);
  await failure(off.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  assert.is(domain.migration, undefined, 'no record is left');
  assert.is((await (side === 'a' ? t.here : t.there).report()).bootId, bootId, 'it has not booted');
}

/** Brings it back to the first host. */
async function home(): Promise<void> {
  const { a, b } = await pair();
  const { t } = await witness();
  const there = await b.manager.get(t.uuid);
  await within(there.migrate(a.connection, t.back).done, MINUTE, 'the way back');
  await assertOn('a');
}

/** Runs a migration through proxies, with one fault in it. */
async function faulty<T>(
  side: 'source' | 'destination',
  kind: FaultKind,
  of: 'BEGIN' | 'PREPARE' | 'PERFORM' | 'FINISH' | 'CONFIRM',
  work: (ends: { domain: Awaited<ReturnType<DomainManager['get']>>; destination: DomainManager }) => Promise<T>,
): Promise<T> {
  const { a, b } = await pair();
  const { t } = await witness();
  const host = side === 'source' ? a.host : b.host;
  await using proxy: FaultProxy = await FaultProxy.start(host.uri, async () => {
    await host.killDaemon();
    await host.startDaemon();
  });
  const [source, destination] = await Promise.all([
    connect(side === 'source' ? proxy.uri : a.host.uri),
    connect(side === 'destination' ? proxy.uri : b.host.uri),
  ]);
  try {
    const domain = await new DomainManager(source).get(t.uuid);
    proxy.arm({ kind, at: 1, of: `DOMAIN_MIGRATE_${of}3_PARAMS` });
    const result = await work({ domain, destination: new DomainManager(destination) });
    assert.ok((await proxy.disarm()).happened, 'the fault happened');
    return result;
  } finally {
    await source.close();
    await destination.close();
  }
}

const FAULTS: ReadonlyArray<{
  side: 'source' | 'destination';
  kind: FaultKind;
  of: 'BEGIN' | 'PREPARE' | 'PERFORM' | 'FINISH' | 'CONFIRM';
  on: 'a' | 'b';
}> = [
  { side: 'source', kind: 'reply lost', of: 'BEGIN', on: 'a' },
  { side: 'destination', kind: 'reply lost', of: 'PREPARE', on: 'a' },
  { side: 'destination', kind: 'cut after the request', of: 'PREPARE', on: 'a' },
  { side: 'source', kind: 'reply lost', of: 'PERFORM', on: 'a' },
  { side: 'source', kind: 'cut after the request', of: 'PERFORM', on: 'a' },
  { side: 'destination', kind: 'reply lost', of: 'FINISH', on: 'b' },
  { side: 'destination', kind: 'cut before the request', of: 'FINISH', on: 'a' },
  { side: 'source', kind: 'reply lost', of: 'CONFIRM', on: 'b' },
  { side: 'source', kind: 'cut before the request', of: 'CONFIRM', on: 'b' },
  { side: 'source', kind: 'daemon killed after the request', of: 'PERFORM', on: 'a' },
  { side: 'destination', kind: 'daemon killed before the request', of: 'FINISH', on: 'a' },
  { side: 'source', kind: 'daemon killed before the request', of: 'CONFIRM', on: 'b' },
];

for (const { side, kind, of, on } of FAULTS)
  test(`migrate: ${kind} at ${of} of the ${side}: the guest is on ${on === 'a' ? 'the source' : 'the destination'}`, async () => {
    const { t } = await witness();
    await faulty(side, kind, of, async ({ domain, destination }) => {
      const { done } = domain.migrate(destination, t.options);
      if (on === 'b') assert.equal((await within(done, MINUTE, 'the migration')).unfinished, []);
      else {
        const error = await failure<MigrationError>(done, 'MIGRATION_FAILED', MINUTE);
        assert.is(error.where.outcome, 'not-migrated');
      }
    });
    await assertOn(on);
    if (on === 'b') await home();
  });

test('recoverMigration: refuses other hosts than those of the record, and hosts that do not answer', async () => {
  const { a, b } = await pair();
  const { t } = await witness();
  await new Program(a.host.uri, b.host.uri, t.uuid, [['kill', 'perform']], t.options).killed();
  const wrong = await failure<MigrationError>(
    recoverMigration(a.connection, a.connection, t.uuid),
    'MIGRATION_UNSETTLED',
  );
  assert.match(wrong.message, /same host/);
  const silent = await connect(b.host.uri);
  await silent.close();
  const error = await failure<MigrationError>(recoverMigration(a.connection, silent, t.uuid), 'MIGRATION_UNSETTLED');
  assert.is(error.where.destination.is, 'unreachable');
  const here = await a.manager.get(t.uuid);
  assert.equal(await here.stateReason(), { state: 'paused', reason: 'migration' }, 'nobody has resumed it');
  const { did } = await recoverMigration(a.connection, b.connection, t.uuid);
  assert.ok(did.includes('resumed it at the source'), did.join());
  await assertOn('a');
});

test('recoverMigration: refuses words that it does not know, before it looks', async () => {
  const { a, b } = await pair();
  const { t } = await witness();
  for (const [options, path] of [
    [{ mode: 'Look' }, 'mode'],
    [{ prefer: 'sideways' }, 'prefer'],
    [{ owner: 'GONE' }, 'owner'],
    [{ hooks: 5 }, 'hooks'],
    [{ hooks: { afterFailure: 'x' } }, 'hooks.afterFailure'],
  ] as const) {
    const error = await failure(recoverMigration(a.connection, b.connection, t.uuid, options as never), 'SPEC_INVALID');
    assert.is(error.path, path);
  }
});

test('recoverMigration: a definition that is better at the source is not thrown away: it says what differs, and how to go on', async () => {
  const { a, b } = await pair();
  const { t } = await witness();
  await new Program(a.host.uri, b.host.uri, t.uuid, [['kill', 'finish']], t.options).killed();
  // Nothing of libvirt keeps somebody from defining it anew at the source meanwhile; the guest sees nothing of it.
  const rival = await connect(a.host.uri, { redefine: 'allow' });
  const xml = (await (await a.manager.get(t.uuid)).canonical()).replace('</name>', '</name><title>newer</title>');
  await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
  await rival.close();
  const error = await failure<MigrationError>(
    recoverMigration(a.connection, b.connection, t.uuid),
    'MIGRATION_UNSETTLED',
    MINUTE,
  );
  assert.match(error.message, /the destination has it otherwise: .*title.*newer/);
  assert.match(error.remedy ?? '', /Make its definition there like the one at the source/);
  const { where } = error;
  assert.ok(where.source.is === 'there' && where.source.persistent, 'the source keeps its definition');
  const there = await b.manager.get(t.uuid);
  await there.apply(await there.plan({ set: { title: 'newer' }, scope: 'config' }));
  const { outcome, unfinished } = await recoverMigration(a.connection, b.connection, t.uuid);
  assert.equal([outcome, unfinished], ['done', []]);
  await assertOn('b');
  assert.match(await there.canonical(), '<title>newer</title>');
  await home();
});

test('migrate: given up while it waits for another one, and looked at meanwhile: neither waits', async () => {
  const { a, b } = await pair();
  const { t } = await witness();
  const first = t.domain.migrate(b.manager, { ...t.options, policy: { bandwidth: { begin: 4 } } });
  first.done.catch(() => {});
  for await (const { phase } of first) if (phase === 'sending') break;
  const second = t.domain.migrate(b.manager, { ...t.options, uri: await freeUri() });
  const seen = await within(recoverMigration(a.connection, b.connection, t.uuid, { mode: 'look' }), MINUTE, 'the look');
  assert.equal([seen.outcome, seen.did], ['sending', []]);
  const where = await within(second.abort('no more'), MINUTE, 'the abort');
  assert.is(where.outcome, 'sending', 'as the first one has it');
  const error = await failure<MigrationError>(second.done, 'ABORTED');
  assert.is(error.where.outcome, 'sending');
  const waiting = AbortSignal.timeout(100);
  await failure(recoverMigration(a.connection, b.connection, t.uuid, { signal: waiting }), 'ABORTED');
  assert.is(first.phase, 'sending', 'the first one goes on');
  assert.is((await within(first.abort(), MINUTE, 'the abort')).outcome, 'not-migrated');
  await assertOn('a');
});

test('migrate: a guest that was undefined while it ran goes over like any transient one', async () => {
  const { a, b, guest } = await pair();
  const t = await guest('undefined');
  execFileSync('virsh', ['-c', a.host.uri, 'undefine', 'undefined']);
  const { bootId } = await t.here.report();
  const domain = await a.manager.get(t.uuid);
  assert.equal((await within(domain.migrate(b.manager, t.options).done, MINUTE, 'the migration')).unfinished, []);
  assert.is((await t.there.report()).bootId, bootId);
  await (await b.manager.get(t.uuid)).destroy();
  await failure(b.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
});

test('migrate: a transient guest that ended at the destination is not resumed at the source', async () => {
  const { a, b } = await pair();
  const guest = await a.host.guest({ name: 'passing' });
  await b.host.guest({ name: 'passing' });
  const xml = guest.domainXml({ memoryMiB: 96 });
  const others = await connect(a.host.uri, { redefine: 'allow' });
  const { dom } = await others.call('DOMAIN_CREATE_XML', { xml_desc: xml, flags: 0 });
  await others.close();
  await guest.waitForReport();
  const domain = await a.manager.get(dom.uuid);
  let ended = false;
  const after = (message: unknown) => {
    const { phase, procedure } = message as CallRecord;
    if (phase !== 'end' || procedure !== 'DOMAIN_MIGRATE_FINISH3_PARAMS' || ended) return;
    ended = true;
    // Before the migration goes on.
    execFileSync('virsh', ['-c', b.host.uri, 'destroy', 'passing']);
  };
  subscribe(CALL_CHANNEL, after);
  try {
    const paths = { [`${a.host.directory}/guests`]: `${b.host.directory}/guests` };
    const { done } = domain.migrate(b.manager, { uri: await freeUri(), paths });
    const error = await failure<MigrationError>(done, 'MIGRATION_UNSETTLED', MINUTE);
    assert.match(error.message, /ran at the destination and is not there any more/);
  } finally {
    unsubscribe(CALL_CHANNEL, after);
  }
  assert.ok(ended);
  const standing = { state: 'paused', reason: 'migration' };
  assert.equal(await domain.stateReason(), standing);
  // Nor by whoever comes later.
  const error = await failure<MigrationError>(
    recoverMigration(a.connection, b.connection, dom.uuid, { owner: 'gone' }),
    'MIGRATION_UNSETTLED',
  );
  assert.match(error.message, /it is transient and stands still/);
  assert.equal(await domain.stateReason(), standing);
  await domain.destroy();
});

test('recoverMigration: the source is let go while the two are compared: it looks again', async () => {
  const { a, b } = await pair();
  const { t } = await witness();
  await using program: Program = new Program(a.host.uri, b.host.uri, t.uuid, [['stop', 'finish']], t.options);
  await program.stopped();
  // The states of both hosts were read; before the first document of the source is read its program goes on to its end.
  let armed = false;
  let happened = false;
  const source = new Proxy(a.connection, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== 'call') return typeof value === 'function' ? value.bind(target) : value;
      return async (procedure: string, ...rest: unknown[]) => {
        if (procedure === 'DOMAIN_GET_JOB_INFO') armed = true;
        if (armed && !happened && procedure === 'DOMAIN_GET_XML_DESC') {
          happened = true;
          program.goOn();
          await program.ended();
        }
        return Reflect.apply(value as never, target, [procedure, ...rest]);
      };
    },
  });
  const { outcome, did } = await within(
    recoverMigration(source, b.connection, t.uuid, { owner: 'gone' }),
    MINUTE,
    'recovery',
  );
  assert.ok(happened);
  assert.is(outcome, 'done');
  assert.ok(did.includes('looked again'), did.join());
  await assertOn('b');
  await home();
});

test.run();
