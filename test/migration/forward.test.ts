/** Memory is sent, the source's client is gone, and the destination waits: whoever comes next can go either way. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainReader } from '../../src/apply/index.js';
import { connect, recoverMigration } from '../../src/index.js';
import { migratable, movedDocument } from '../../src/migration/documents.js';
import { hostOf } from '../../src/migration/hosts.js';
import { leaveRecord, newRecord, writeRecord } from '../../src/migration/record.js';
import { failure, within } from '../support/deadline.js';
import { pairOnDemand } from './pair.js';

const pair = pairOnDemand();
test.after(pair.stop);
const MINUTES = 120_000;

for (const prefer of ['back', 'forward'] as const)
  test(`recoverMigration: sent, and nobody holds the job: ${prefer}, and what is pending stays pending`, async () => {
    const { a, b, guest } = await pair();
    const t = await guest(prefer);
    const { bootId } = await t.here.report();
    await t.domain.apply(
      await t.domain.plan({
        attach: [{ interface: { id: 'later', user: true, mac: '52:54:00:00:00:09' } }],
        scope: 'config',
      }),
    );
    const dom = { name: t.name, uuid: t.uuid, id: -1 };
    const reader = new DomainReader(a.connection, dom);
    const moved = { paths: t.options.paths ?? {} };
    const [source, destination] = [await hostOf(a.connection, {}), await hostOf(b.connection, {})];
    const flagsOf = {
      undefineSource: true,
      paused: false,
      definedBefore: false,
      autostart: true,
      autostartOnce: false,
    };
    const record = newRecord({
      domain: t.uuid,
      mode: 'live',
      via: 'client',
      source,
      destination,
      targets: [],
      nvram: 'none',
      moved,
      ...flagsOf,
    });
    await writeRecord(reader, record, true);
    // Another program's calls, whose connection to the source ends once all is sent; that to the destination lives on.
    const from = await connect(a.host.uri, { redefine: 'allow', callTimeout: 0 });
    const to = await connect(b.host.uri, { redefine: 'allow', callTimeout: 0 });
    const flags = 1 | 8 | 16 | 512;
    const xml = movedDocument(await migratable(reader, 'live', {}), moved).xml;
    const text = (field: string, value: string) => ({ field, value: { type: 'string', value } as const });
    const params = [text('migrate_uri', String(t.options.uri)), text('destination_xml', xml)];
    const begin = await from.call('DOMAIN_MIGRATE_BEGIN3_PARAMS', { dom, params, flags: flags | 256 });
    const prepare = await to.call('DOMAIN_MIGRATE_PREPARE3_PARAMS', { params, cookie_in: begin.cookie_out, flags });
    const busy = await failure(recoverMigration(a.connection, b.connection, t.uuid), 'MIGRATION_IN_PROGRESS');
    assert.match(busy.message, new RegExp(String(process.pid)), 'as long as the process that wrote it down runs');
    await from.call('DOMAIN_MIGRATE_PERFORM3_PARAMS', {
      dom,
      params,
      cookie_in: prepare.cookie_out,
      flags: flags | 256,
    });
    await from.close();
    leaveRecord(record);
    const look = await recoverMigration(a.connection, b.connection, t.uuid, { mode: 'look' });
    assert.ok(['sent-without-owner', 'sent'].includes(look.outcome), look.outcome);

    const { outcome, unfinished, did } = await within(
      recoverMigration(a.connection, b.connection, t.uuid, { prefer }),
      MINUTES,
      'recovery',
    );
    await to.close();
    assert.is(outcome, prefer === 'back' ? 'not-migrated' : 'done', did.join());
    assert.equal(unfinished, []);
    const [side, witness] = prefer === 'back' ? [a, t.here] : [b, t.there];
    const domain = await side.manager.get(t.uuid);
    assert.is(await domain.state(), 'running');
    assert.is((await witness.report()).bootId, bootId);
    const { changes } = await domain.pending();
    assert.equal(
      changes.map(({ action, subject }) => `${action} ${subject}`),
      ['attach interface later'],
    );
    assert.equal((await domain.drift()).changes, []);
    assert.is(domain.migration, undefined);
    await failure((prefer === 'back' ? b : a).manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
    await domain.destroy();
  });

test.run();
