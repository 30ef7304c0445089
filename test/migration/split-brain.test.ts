/** Peer to peer, with the answer to the finish lost between the daemons: the one way by which a guest can run twice. */
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type MigrationError, recoverMigration } from '../../src/index.js';
import { failure, within } from '../support/deadline.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { pairOnDemand, type Traveller } from './pair.js';

const pair = pairOnDemand();
test.after(pair.stop);
const MINUTES = 180_000;

/** Migrates peer to peer; the source's daemon does not get the answer to Finish. */
async function withoutAnswer<T>(t: Traveller, work: (done: Promise<unknown>) => Promise<T>): Promise<T> {
  const { b } = await pair();
  await using proxy: FaultProxy = await FaultProxy.start(b.host.uri, async () => {});
  const socket = new URL(proxy.uri).searchParams.get('socket') ?? '';
  // The daemon that goes through it is another user's.
  chmodSync(dirname(socket), 0o755);
  chmodSync(socket, 0o666);
  proxy.arm({ kind: 'reply lost', at: 1, of: 'DOMAIN_MIGRATE_FINISH3_PARAMS' });
  const { done } = t.domain.migrate(b.manager, { ...t.options, via: 'peer-to-peer', destinationUri: proxy.uri });
  const result = await work(done);
  assert.ok((await proxy.disarm()).happened);
  return result;
}

test('migrate peer-to-peer: two guests without a disk run: the one at the destination is suspended, and nothing is guessed', async () => {
  const { a, b, guest } = await pair();
  const t = await guest('twice', { shared: 0 });
  const { bootId } = await t.here.report();
  const error = await withoutAnswer(t, (done) => failure<MigrationError>(done, 'MIGRATION_UNSETTLED', MINUTES));
  assert.is(error.where.outcome, 'split-brain');
  assert.match(error.message, /suspended at the destination/);
  const there = await b.manager.get(t.uuid);
  assert.equal(await there.stateReason(), { state: 'paused', reason: 'user' });
  assert.is(await t.domain.state(), 'running');
  assert.is((await t.here.report()).bootId, bootId);
  await failure(recoverMigration(a.connection, b.connection, t.uuid), 'MIGRATION_UNSETTLED');
  // Whoever looks at both ends the one that must not live, and the rest is settled.
  await there.destroy();
  await there.undefine();
  const { outcome, did } = await recoverMigration(a.connection, b.connection, t.uuid);
  assert.equal([outcome, did], ['not-migrated', []]);
  assert.is((await a.manager.get(t.uuid)).migration, undefined);
  await t.domain.destroy();
});

test('migrate peer-to-peer: with a shared disk its lock keeps the source from running, and it is settled at the destination', async () => {
  const { a, b, guest } = await pair();
  const t = await guest('locked');
  const { bootId } = await t.here.report();
  await withoutAnswer(t, (done) => within(done, MINUTES, 'the migration'));
  assert.is((await t.there.report()).bootId, bootId);
  await failure(a.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  const there = await b.manager.get(t.uuid);
  assert.equal([await there.state(), there.migration], ['running', undefined]);
  await there.destroy();
});

test.run();
