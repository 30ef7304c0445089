import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defineOnce } from '../../src/connection/define-permit.js';
import {
  CALL_CHANNEL,
  type CallRecord,
  type CallTimeoutError,
  type Connection,
  type ConnectionLostError,
  type ConnectOptions,
  connect,
  type DomainHandle,
  EVENT_CHANNEL,
  type EventRecord,
  type LibvirtError,
  paramsToObject,
  VIR_DOMAIN_EVENT_DEFINED,
  VIR_DOMAIN_EVENT_UNDEFINED,
  VIR_DOMAIN_SHUTOFF,
  VIR_DOMAIN_XML_INACTIVE,
} from '../../src/connection/index.js';
import { scaled } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { overUnix, type Reach } from '../support/reach.js';
import { failure, within } from './helpers.js';

/** How the tests below reach their daemon; files that run them over another transport set it. */
export const reach: { start: () => Promise<Reach> } = { start: overUnix };

export const test = suite<Reach>('a real daemon');

test.before(async (context) => {
  Object.assign(context, await within(reach.start(), 60_000));
});
test.after(async ({ stop }) => {
  await within(stop(), 30_000);
});

const open = ({ uri, options: own }: Reach, options?: ConnectOptions): Promise<Connection> =>
  within(connect(uri, { ...own, ...options }), 30_000);

let domains = 0;
async function define(connection: Connection): Promise<DomainHandle> {
  const number = `${++domains}`;
  const uuid = `11111111-2222-4333-8444-${number.padStart(12, '0')}`;
  const xml = `<domain type='qemu'>
    <name>d${number}</name><uuid>${uuid}</uuid><memory>65536</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type></os>
  </domain>`;
  return within(defineOnce(connection, xml, uuid, 0), 30_000);
}

const undefine = (connection: Connection, dom: DomainHandle) =>
  connection.call('DOMAIN_UNDEFINE_FLAGS', { dom, flags: 0 });

test('versions, and results of many types', async (context) => {
  await using connection = await open(context);
  assert.is(connection.uri, context.uri);
  assert.is(connection.libvirtVersion, context.host.libvirtVersion);
  assert.match(connection.hypervisorVersion, /^[1-9]\d*\.\d+\.\d+$/);
  const node = await connection.call('NODE_GET_INFO', {});
  assert.match(node.model, /^[\w-]+$/);
  assert.is(typeof node.memory, 'bigint');
  assert.ok(node.cpus >= 1);
  const { uri } = await connection.call('CONNECT_GET_URI', {});
  assert.is(uri, 'qemu:///session');
  const { nparams } = await connection.call('NODE_GET_CPU_STATS', { cpuNum: -1, nparams: 0, flags: 0 });
  const { params } = await connection.call('NODE_GET_CPU_STATS', { cpuNum: -1, nparams, flags: 0 });
  assert.is(params.length, nparams);
  assert.is(typeof params[0]?.value, 'bigint');
  const dom = await define(connection);
  const { xml } = await connection.call('DOMAIN_GET_XML_DESC', { dom, flags: VIR_DOMAIN_XML_INACTIVE });
  assert.match(xml, `<uuid>${dom.uuid}</uuid>`);
  const listed = await connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 });
  assert.equal(listed.domains, [dom]);
  const found = await connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid: dom.uuid.toUpperCase() });
  assert.equal(found.dom, dom);
  assert.is((await connection.call('DOMAIN_GET_INFO', { dom })).state, VIR_DOMAIN_SHUTOFF);
  const stats = await connection.call('CONNECT_GET_ALL_DOMAIN_STATS', { doms: [dom], stats: 0, flags: 0 });
  const [record] = stats.retStats;
  assert.equal(record?.dom, dom);
  assert.is(paramsToObject(record?.params ?? [])['state.state'], VIR_DOMAIN_SHUTOFF);
  const security = await connection.call('NODE_GET_SECURITY_MODEL', {}).catch((error: LibvirtError) => error.code);
  assert.ok(typeof security === 'object' || security === 'LIBVIRT');
  await undefine(connection, dom);
});

test('100 concurrent calls', async (context) => {
  await using connection = await open(context);
  const calls = Array.from({ length: 100 }, (_, index) =>
    index % 2 ? connection.call('CONNECT_GET_LIB_VERSION', {}) : connection.call('CONNECT_GET_CAPABILITIES', {}),
  );
  const results = await within(Promise.all(calls), 60_000);
  for (const [index, result] of results.entries())
    assert.ok(index % 2 ? 'lib_ver' in result : 'capabilities' in result);
});

test('each of 300 failing lookups among good calls gets its own error', async (context) => {
  await using connection = await open(context);
  const attempts = Array.from({ length: 300 }, async (_, index) => {
    const name = `nobody-${index}`;
    const [error] = await Promise.all([
      failure(connection.call('DOMAIN_LOOKUP_BY_NAME', { name }), 'LIBVIRT', 60_000),
      connection.call('CONNECT_GET_HOSTNAME', {}),
    ]);
    const { errorName, libvirtMessage } = error as LibvirtError;
    assert.is(errorName, 'VIR_ERR_NO_DOMAIN');
    assert.match(libvirtMessage, `'${name}'`);
  });
  await within(Promise.all(attempts), 60_000);
});

test('a procedure newer than the daemon: which version it needs and which one this is', async (context) => {
  await using connection = await open(context);
  const call = connection.call('NETWORK_GET_METADATA', {
    network: { name: 'n', uuid: '11111111-2222-4333-8444-555555555555' },
    type: 0,
    flags: 0,
  });
  const error = (await failure(call, 'LIBVIRT')) as LibvirtError;
  if (connection.libvirtVersion.startsWith('9.0.')) {
    assert.is(error.errorName, 'VIR_ERR_NO_SUPPORT');
    assert.match(error.message, /NETWORK_GET_METADATA needs libvirt 9\.7\.0 or newer, the daemon is 9\.0\./);
  } else {
    assert.is(error.errorName, 'VIR_ERR_NO_NETWORK');
  }
  assert.ok((await connection.call('CONNECT_GET_HOSTNAME', {})).hostname.length > 0);
});

test('a read-only connection reads, registers events, and may not write', async (context) => {
  await using writer = await open(context);
  const dom = await define(writer);
  await using reader = await open(context, { readonly: true });
  await using events = await reader.subscribe('LIFECYCLE');
  const error = await failure(reader.call('DOMAIN_CREATE', { dom }), 'LIBVIRT');
  assert.is((error as LibvirtError).errorName, 'VIR_ERR_OPERATION_DENIED');
  await undefine(writer, dom);
  const { value } = await within(events.next());
  assert.equal(value, {
    type: 'event',
    name: 'LIFECYCLE',
    data: { dom, event: VIR_DOMAIN_EVENT_UNDEFINED, detail: 0 },
  });
});

test('the record of the wire: every call with domain, duration and outcome, and never an argument', async (context) => {
  const records: CallRecord[] = [];
  const events: EventRecord[] = [];
  const onCall = (record: unknown) => records.push(record as CallRecord);
  const onEvent = (record: unknown) => events.push(record as EventRecord);
  subscribe(CALL_CHANNEL, onCall);
  subscribe(EVENT_CHANNEL, onEvent);
  const connection = await open(context);
  await using _events = await connection.subscribe('LIFECYCLE');
  const dom = await define(connection);
  const secret = 'c29tZSBzZWNyZXQ';
  await failure(
    connection.call('DOMAIN_SET_USER_PASSWORD', { dom, user: 'root', password: secret, flags: 0 }),
    'LIBVIRT',
  );
  await undefine(connection, dom);
  await connection.close();
  unsubscribe(CALL_CHANNEL, onCall);
  unsubscribe(EVENT_CHANNEL, onEvent);

  const mine = records.filter((record) => record.connection === connection.id);
  const ends = mine.filter((record) => record.phase === 'end');
  assert.equal(
    ends.map((record) => record.procedure).filter((name) => name.startsWith('DOMAIN_')),
    ['DOMAIN_DEFINE_XML_FLAGS', 'DOMAIN_SET_USER_PASSWORD', 'DOMAIN_UNDEFINE_FLAGS'],
  );
  assert.is(ends.filter((record) => record.procedure.includes('DEFINE_XML')).length, 1);
  const password = ends.find((record) => record.procedure === 'DOMAIN_SET_USER_PASSWORD');
  assert.equal(password?.domain, { name: dom.name, uuid: dom.uuid });
  assert.is(password?.error, 'LIBVIRT');
  assert.is(password?.errorName, 'VIR_ERR_OPERATION_INVALID');
  assert.is(password?.sent, true);
  assert.ok((password?.durationMs ?? -1) > 0);
  assert.not.match(JSON.stringify(mine), secret);
  assert.is(mine.length, ends.length * 2);
  assert.equal(
    events.filter((event) => event.connection === connection.id).map(({ event, domain }) => [event, domain?.name]),
    [
      ['LIFECYCLE', dom.name],
      ['LIFECYCLE', dom.name],
    ],
  );
});

test('events registered while others define and undefine: none is missed after the registration', async (context) => {
  await using noisy = await open(context);
  await using connection = await open(context);
  let going = true;
  const noise = (async () => {
    while (going) await undefine(noisy, await define(noisy));
  })();
  try {
    for (let round = 0; round < 40; round++) {
      const subscriptions = await within(
        Promise.all(Array.from({ length: 5 }, () => connection.subscribe('LIFECYCLE'))),
      );
      const dom = await define(connection);
      for (const subscription of subscriptions) {
        const own = await within(
          (async () => {
            for await (const item of subscription) {
              assert.is(item.type, 'event');
              if (item.type === 'event' && item.data.dom.uuid === dom.uuid) return item.data.event;
            }
            return undefined;
          })(),
        );
        assert.is(own, VIR_DOMAIN_EVENT_DEFINED);
      }
      await undefine(connection, dom);
    }
  } finally {
    going = false;
    await within(noise);
  }
});

test('a subscription to one domain gets the events of no other', async (context) => {
  await using connection = await open(context);
  const [mine, other] = [await define(connection), await define(connection)];
  await using events = await connection.subscribe('LIFECYCLE', { domain: mine });
  await undefine(connection, other);
  await undefine(connection, mine);
  const { value } = await within(events.next());
  assert.is(value?.type === 'event' ? value.data.dom.uuid : '', mine.uuid);
});

test('a hung daemon: calls time out, and after it goes on the same connection does too', async (context) => {
  const pid = context.host.pid as number;
  await using connection = await open(context);
  const dom = await define(connection);
  process.kill(pid, 'SIGSTOP');
  try {
    const calls = Array.from({ length: 10 }, () =>
      connection.call('DOMAIN_GET_XML_DESC', { dom, flags: 0 }, { timeout: 300 }),
    );
    const errors = await Promise.all(calls.map((call) => failure(call, 'CALL_TIMEOUT')));
    assert.is(errors.filter((error) => (error as CallTimeoutError).sent).length, 3);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  assert.match((await connection.call('DOMAIN_GET_XML_DESC', { dom, flags: 0 }, { timeout: 10_000 })).xml, dom.uuid);
  await undefine(connection, dom);
});

test('a hung daemon is found by keepalive', async (context) => {
  const pid = context.host.pid as number;
  await using connection = await open(context, { keepAlive: { interval: 50, count: 2 }, reconnect: false });
  process.kill(pid, 'SIGSTOP');
  try {
    const error = await failure(connection.call('CONNECT_GET_HOSTNAME', {}), 'CONNECTION_LOST');
    assert.is((error as ConnectionLostError).reason, 'keepalive');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

test('a hung QEMU: its calls time out, the others go on, and it can still be destroyed', async (context) => {
  await using connection = await open(context, { callTimeout: 10_000 });
  const [stuck, fine] = [await define(connection), await define(connection)];
  await connection.call('DOMAIN_CREATE', { dom: stuck }, { timeout: 60_000 });
  const pidText = await import('node:fs').then(({ readFileSync }) =>
    readFileSync(`${context.host.directory}/run/libvirt/qemu/run/${stuck.name}.pid`, 'utf8'),
  );
  const pid = Number(pidText);
  process.kill(pid, 'SIGSTOP');
  let first: number | undefined;
  const hung = Array.from({ length: 5 }, () =>
    failure(
      connection.call(
        'QEMU_DOMAIN_MONITOR_COMMAND',
        { dom: stuck, cmd: '{"execute":"query-pci"}', flags: 0 },
        { timeout: scaled(1_000) },
      ),
      'CALL_TIMEOUT',
    ).finally(() => {
      first ??= performance.now();
    }),
  );
  const { state } = await connection.call('DOMAIN_GET_STATE', { dom: fine, flags: 0 });
  assert.is(state, VIR_DOMAIN_SHUTOFF);
  assert.is(first, undefined, 'a high-priority call waited behind the hung ones');
  const errors = await within(Promise.all(hung));
  assert.is(errors.filter((error) => (error as CallTimeoutError).sent).length, 3);
  await within(connection.call('DOMAIN_DESTROY_FLAGS', { dom: stuck, flags: 0 }, { timeout: 30_000 }), 30_000);
  const { xml } = await within(connection.call('DOMAIN_GET_XML_DESC', { dom: fine, flags: 0 }), 30_000);
  assert.match(xml, fine.uuid);
  await undefine(connection, stuck);
  await undefine(connection, fine);
});

test('a daemon killed in mid-call: every call ends, sent or not, and so do the subscriptions', async (context) => {
  await using connection = await open(context, { reconnect: false });
  const events = await connection.subscribe('LIFECYCLE');
  const next = events.next();
  const calls = Array.from({ length: 200 }, () => connection.call('CONNECT_GET_CAPABILITIES', {}));
  await within(calls[0] as Promise<unknown>);
  await context.host.killDaemon();
  const results = await within(Promise.allSettled(calls));
  const errors = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as ConnectionLostError] : [],
  );
  assert.ok(errors.length > 0);
  for (const error of errors) assert.is(error.code, 'CONNECTION_LOST');
  assert.ok(errors.some((error) => error.sent) || errors.every((error) => !error.sent));
  assert.ok(errors.filter((error) => error.sent).length <= 4);
  await failure(next, 'CONNECTION_LOST');
  const { reason } = await within(connection.closed);
  assert.ok(reason === 'error' || reason === 'eof');
  await failure(connect(context.uri, context.options), 'DAEMON_UNREACHABLE');
  await within(context.host.startDaemon(), 30_000);
  // It is up when its own socket answers; it may listen on others a moment later.
  await eventually('it is reached again', () =>
    connect(context.uri, context.options).then(
      (reached) => reached.close().then(() => true),
      () => false,
    ),
  );
  await using again = await open(context);
  assert.ok((await again.call('CONNECT_GET_HOSTNAME', {})).hostname.length > 0);
});
