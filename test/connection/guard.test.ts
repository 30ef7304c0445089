import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineOnce } from '../../src/connection/define-permit.js';
import * as front from '../../src/connection/index.js';
import { connect } from '../../src/connection/index.js';
import { callMigration } from '../../src/connection/migration-permit.js';
import { DOM, FakeDaemon, failure, type ReceivedCall, until, within } from './helpers.js';

const XML = `<domain type='qemu'><name>web1</name><uuid>${DOM.uuid.toUpperCase()}</uuid></domain>`;
const FLAGS = 'DOMAIN_DEFINE_XML_FLAGS';
const defining = { DOMAIN_DEFINE_XML_FLAGS: () => ({ dom: DOM }), DOMAIN_UNDEFINE_FLAGS: () => ({}) };

test('procedures that give a domain another document are refused, and nothing is sent', async () => {
  await using daemon = await FakeDaemon.start();
  await using connection = await connect(daemon.uri);
  const count = daemon.calls.length;
  const attempts = [
    connection.call('DOMAIN_DEFINE_XML', { xml: XML }),
    connection.call('DOMAIN_DEFINE_XML_FLAGS', { xml: XML, flags: 0 }),
    connection.call('DOMAIN_CREATE_XML', { xml_desc: XML, flags: 0 }),
    connection.call('DOMAIN_CREATE_XML_WITH_FILES', { xml_desc: XML, flags: 0 }),
    connection.call('DOMAIN_SNAPSHOT_CREATE_XML', { dom: DOM, xml_desc: '<domainsnapshot/>', flags: 16 | 1 }),
    connection.call('DOMAIN_REVERT_TO_SNAPSHOT', { snap: { name: 's', dom: DOM }, flags: 0 }),
  ];
  for (const attempt of attempts) {
    assert.match((await failure(attempt, 'REDEFINE_REFUSED')).message, /redefine: 'allow'/);
  }
  assert.is(daemon.calls.length, count);
});

test('calls of a migration are refused; where they are allowed, a Perform without a cookie still is: it would crash the daemon', async () => {
  await using daemon = await FakeDaemon.start();
  const none = new Uint8Array();
  const perform = { dom: DOM, dconnuri: null, params: [], cookie_in: none, flags: 1 | 256 };
  const older = { dom: DOM, cookie_in: none, flags: 1, resource: 0 };
  for (const redefine of ['refuse', 'allow'] as const) {
    await using connection = await connect(daemon.uri, { redefine });
    const count = daemon.calls.length;
    const attempts = [
      connection.call('DOMAIN_MIGRATE_PERFORM3_PARAMS', perform),
      connection.call('DOMAIN_MIGRATE_PERFORM3', older),
      ...(redefine === 'allow'
        ? [callMigration(connection, 'DOMAIN_MIGRATE_PERFORM3_PARAMS', perform)]
        : [
            connection.call('DOMAIN_MIGRATE_BEGIN3_PARAMS', { dom: DOM, params: [], flags: 1 }),
            connection.call('DOMAIN_MIGRATE_PREPARE3_PARAMS', { params: [], cookie_in: none, flags: 1 }),
            connection.call('DOMAIN_MIGRATE_FINISH3_PARAMS', { params: [], cookie_in: none, flags: 1, cancelled: 0 }),
            connection.call('DOMAIN_MIGRATE_CONFIRM3_PARAMS', {
              dom: DOM,
              params: [],
              cookie_in: none,
              flags: 17,
              cancelled: 0,
            }),
            connection.call('DOMAIN_MIGRATE_PREPARE3', { cookie_in: none, flags: 1, resource: 0, dom_xml: XML }),
          ]),
    ];
    for (const attempt of attempts) await failure(attempt, 'REDEFINE_REFUSED');
    assert.is(daemon.calls.length, count, 'nothing is sent');
  }
});

test('the one definition goes through, a second of the same UUID does not', async () => {
  await using daemon = await FakeDaemon.start(defining);
  await using connection = await connect(daemon.uri);
  assert.equal(await within(defineOnce(connection, XML, DOM.uuid, 1)), DOM);
  const again = defineOnce(connection, XML, DOM.uuid.toUpperCase(), 1);
  assert.match((await failure(again, 'REDEFINE_REFUSED')).message, DOM.uuid);
  await failure(defineOnce(connection, XML, DOM.uuid.replaceAll('-', ''), 1), 'REDEFINE_REFUSED');
  assert.is(daemon.received(FLAGS).length, 1);
  const other = DOM.uuid.replace('7', '8');
  await within(defineOnce(connection, XML.replace(/7/, '8'), other, 1));
  assert.is(daemon.received(FLAGS).length, 2);
});

test('undefine is allowed, define after it is not', async () => {
  await using daemon = await FakeDaemon.start(defining);
  await using connection = await connect(daemon.uri);
  await within(connection.call('DOMAIN_UNDEFINE_FLAGS', { dom: DOM, flags: 0 }));
  await failure(defineOnce(connection, XML, DOM.uuid, 1), 'REDEFINE_REFUSED');
  assert.is(daemon.received(FLAGS).length, 0);
});

test('two definitions of a UUID at once: one is sent', async () => {
  await using daemon = await FakeDaemon.start(defining);
  await using connection = await connect(daemon.uri);
  const both = await Promise.allSettled([
    defineOnce(connection, XML, DOM.uuid, 1),
    defineOnce(connection, XML, DOM.uuid, 1),
  ]);
  assert.equal(
    both.map((result) => result.status),
    ['fulfilled', 'rejected'],
  );
  assert.is(daemon.received(FLAGS).length, 1);
});

test('a definition that libvirt refused may be corrected', async () => {
  let refuse = true;
  await using daemon = await FakeDaemon.start({
    DOMAIN_DEFINE_XML_FLAGS: (call) => (refuse ? void daemon.fail(call, 27, 'XML error') : { dom: DOM }),
  });
  await using connection = await connect(daemon.uri);
  await failure(defineOnce(connection, XML, DOM.uuid, 1), 'LIBVIRT');
  refuse = false;
  assert.equal(await within(defineOnce(connection, XML, DOM.uuid, 1)), DOM);
});

test('a definition whose outcome is unknown is not repeated', async () => {
  await using daemon = await FakeDaemon.start();
  await using connection = await connect(daemon.uri);
  await failure(defineOnce(connection, XML, DOM.uuid, 1, { timeout: 20 }), 'CALL_TIMEOUT');
  await failure(defineOnce(connection, XML, DOM.uuid, 1), 'REDEFINE_REFUSED');
  assert.is(daemon.received(FLAGS).length, 1);
});

test('a definition given up before it was sent may be made again', async () => {
  await using daemon = await FakeDaemon.start(defining);
  await using connection = await connect(daemon.uri);
  await failure(defineOnce(connection, XML, DOM.uuid, 1, { signal: AbortSignal.abort() }), 'ABORTED');
  await failure(defineOnce(connection, `${XML}\0`, DOM.uuid, 1), 'ARGUMENT_INVALID');
  assert.equal(await within(defineOnce(connection, XML, DOM.uuid, 1)), DOM);
});

test('the document must name the UUID that is spent', async () => {
  await using daemon = await FakeDaemon.start(defining);
  await using connection = await connect(daemon.uri);
  const error = await failure(defineOnce(connection, XML, DOM.uuid.replace('7', '8'), 1), 'ARGUMENT_INVALID');
  assert.is(error.path, 'uuid');
  assert.is(daemon.received(FLAGS).length, 0);
});

test("redefine: 'allow' lifts the guard", async () => {
  await using daemon = await FakeDaemon.start({ ...defining, DOMAIN_CREATE_XML: () => ({ dom: DOM }) });
  await using connection = await connect(daemon.uri, { redefine: 'allow' });
  await within(connection.call('DOMAIN_DEFINE_XML_FLAGS', { xml: XML, flags: 0 }));
  await within(connection.call('DOMAIN_CREATE_XML', { xml_desc: XML, flags: 0 }));
  await within(defineOnce(connection, XML, DOM.uuid, 1));
  await within(defineOnce(connection, XML, DOM.uuid, 1));
  assert.is(daemon.received(FLAGS).length, 3);
});

test('users have no door to the permit', () => {
  assert.not.ok('defineOnce' in front);
  assert.not.ok('Connection' in front);
});

test('the definition is on the record with its UUID', async () => {
  const { subscribe, unsubscribe } = await import('node:diagnostics_channel');
  const records: front.CallRecord[] = [];
  const listen = (record: unknown) => records.push(record as front.CallRecord);
  await using daemon = await FakeDaemon.start(defining);
  await using connection = await connect(daemon.uri);
  subscribe(front.CALL_CHANNEL, listen);
  await within(defineOnce(connection, XML, DOM.uuid, 1));
  unsubscribe(front.CALL_CHANNEL, listen);
  await until(() => records.length === 2);
  assert.equal(
    records.map(({ phase, procedure, domain }) => ({ phase, procedure, domain })),
    ['start', 'end'].map((phase) => ({ phase, procedure: FLAGS, domain: { uuid: DOM.uuid } })),
  );
  assert.is((daemon.received(FLAGS)[0] as ReceivedCall).args.flags, 1);
});

test.run();
