import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CallAbortedError,
  CallTimeoutError,
  type Connection,
  ConnectionLostError,
  type ConnectOptions,
  connect,
  LibvirtError,
} from '../../src/connection/index.js';
import { MessageStatus, MessageType, Program } from '../../src/connection/wire/message.js';
import { DOM, FakeDaemon, failure, frame, ping, type ReceivedCall, until, within } from './helpers.js';

/** A fake daemon that leaves DOMAIN_GET_XML_DESC (low) and NODE_GET_INFO (high) unanswered. */
async function pair(
  options: ConnectOptions = {},
): Promise<AsyncDisposable & { daemon: FakeDaemon; connection: Connection }> {
  const daemon = await FakeDaemon.start();
  const connection = await connect(daemon.uri, { keepAlive: false, reconnect: false, ...options });
  return {
    daemon,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

const low = (connection: Connection, flags = 0, options = {}) =>
  connection.call('DOMAIN_GET_XML_DESC', { dom: DOM, flags }, options);
const high = (connection: Connection) => connection.call('CONNECT_GET_HOSTNAME', {});
const flagsOf = (calls: ReceivedCall[]): unknown[] => calls.map((call) => call.args.flags);

test('low-priority calls leave one slot of four to high-priority ones', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  for (let flags = 0; flags < 10; flags++) void low(connection, flags);
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 3);
  void high(connection);
  void high(connection);
  await until(() => daemon.received('CONNECT_GET_HOSTNAME').length === 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.is(daemon.received('DOMAIN_GET_XML_DESC').length + daemon.received('CONNECT_GET_HOSTNAME').length, 4);
});

test('maxInFlight 1 still sends low-priority calls', async () => {
  await using room = await pair({ maxInFlight: 1 });
  const { daemon, connection } = room;
  const first = low(connection, 0);
  const second = low(connection, 1);
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 1);
  daemon.reply(daemon.received('DOMAIN_GET_XML_DESC')[0] as ReceivedCall, { xml: 'a' });
  assert.equal(await within(first), { xml: 'a' });
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 2);
  daemon.reply(daemon.received('DOMAIN_GET_XML_DESC')[1] as ReceivedCall, { xml: 'b' });
  assert.equal(await within(second), { xml: 'b' });
});

test('high-priority calls pass the low ones in the queue; each class keeps its order', async () => {
  await using room = await pair({ maxInFlight: 2 });
  const { daemon, connection } = room;
  const answers = [0, 1, 2].map((flags) => low(connection, flags));
  const names = [high(connection), high(connection)];
  await until(() => daemon.calls.at(-1)?.procedure === 'CONNECT_GET_HOSTNAME');
  const opened = daemon.calls.length - 2;
  const order = () => daemon.calls.slice(opened).map((call) => call.args.flags ?? 'high');
  assert.equal(order(), [0, 'high']);
  daemon.reply(daemon.calls.at(-1) as ReceivedCall, { hostname: 'h' });
  await within(names[0] as Promise<unknown>);
  await until(() => order().length === 3);
  assert.equal(order(), [0, 'high', 'high']);
  daemon.reply(daemon.calls.at(-1) as ReceivedCall, { hostname: 'h' });
  for (const [index, answer] of answers.entries()) {
    await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === index + 1);
    daemon.reply(daemon.received('DOMAIN_GET_XML_DESC')[index] as ReceivedCall, { xml: `${index}` });
    assert.equal(await within(answer), { xml: `${index}` });
  }
});

test('replies may come in any order and in any chunks', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const answers = [0, 1, 2].map((flags) => low(connection, flags));
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 3);
  const calls = daemon.received('DOMAIN_GET_XML_DESC').reverse();
  const bytes = Buffer.concat(calls.map((call) => daemon.replyFrame(call, { xml: `${call.args.flags}` })));
  for (let at = 0; at < bytes.length; at += 7) {
    daemon.socket.write(bytes.subarray(at, at + 7));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await within(Promise.all(answers)), [{ xml: '0' }, { xml: '1' }, { xml: '2' }]);
});

test('a call past its deadline keeps its slot until the reply comes, and its late reply harms nobody', async () => {
  await using room = await pair({ maxInFlight: 1 });
  const { daemon, connection } = room;
  const error = await failure(low(connection, 1, { timeout: 30 }), 'CALL_TIMEOUT');
  assert.instance(error, CallTimeoutError);
  assert.is((error as CallTimeoutError).sent, true);
  assert.match(error.message, /within 30 ms; the outcome of DOMAIN_GET_XML_DESC is unknown/);
  const queued = (await failure(low(connection, 2, { timeout: 30 }), 'CALL_TIMEOUT')) as CallTimeoutError;
  assert.is(queued.sent, false);
  assert.match(queued.message, /never sent and is safe to repeat/);
  const next = low(connection, 3);
  daemon.reply(daemon.received('DOMAIN_GET_XML_DESC')[0] as ReceivedCall, { xml: 'late' });
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 2);
  assert.equal(flagsOf(daemon.received('DOMAIN_GET_XML_DESC')), [1, 3]);
  daemon.reply(daemon.received('DOMAIN_GET_XML_DESC')[1] as ReceivedCall, { xml: 'mine' });
  assert.equal(await within(next), { xml: 'mine' });
});

test('the deadline of the connection counts for every call; 0 and Infinity mean none', async () => {
  await using room = await pair({ callTimeout: 40 });
  const { daemon, connection } = room;
  const patient = [low(connection, 1, { timeout: 0 }), low(connection, 2, { timeout: Number.POSITIVE_INFINITY })];
  await failure(low(connection), 'CALL_TIMEOUT');
  for (const call of daemon.received('DOMAIN_GET_XML_DESC')) daemon.reply(call, { xml: 'x' });
  assert.equal(await within(Promise.all(patient)), [{ xml: 'x' }, { xml: 'x' }]);
});

test('an abort tells whether the call was sent; one that was not never is', async () => {
  await using room = await pair({ maxInFlight: 1 });
  const { daemon, connection } = room;
  const controller = new AbortController();
  const sent = low(connection, 1, { signal: controller.signal });
  const queued = low(connection, 2, { signal: controller.signal });
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 1);
  controller.abort(new Error('enough'));
  const first = (await failure(sent, 'ABORTED')) as CallAbortedError;
  assert.instance(first, CallAbortedError);
  assert.is(first.sent, true);
  assert.is((first.cause as Error).message, 'enough');
  assert.is(((await failure(queued, 'ABORTED')) as CallAbortedError).sent, false);
  const before = (await failure(low(connection, 3, { signal: controller.signal }), 'ABORTED')) as CallAbortedError;
  assert.is(before.sent, false);
  const next = low(connection, 4);
  daemon.reply(daemon.received('DOMAIN_GET_XML_DESC')[0] as ReceivedCall, { xml: 'late' });
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 2);
  assert.equal(flagsOf(daemon.received('DOMAIN_GET_XML_DESC')), [1, 4]);
  daemon.reply(daemon.received('DOMAIN_GET_XML_DESC')[1] as ReceivedCall, { xml: '' });
  await within(next);
});

test('libvirt errors carry every field, and the stack leads to the caller', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  async function lookUpTheDomain(): Promise<void> {
    await low(connection);
  }
  const attempt = lookUpTheDomain();
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 1);
  daemon.fail(daemon.received('DOMAIN_GET_XML_DESC')[0] as ReceivedCall, 42, 'Domain not found');
  const error = (await failure(attempt, 'LIBVIRT')) as LibvirtError;
  assert.instance(error, LibvirtError);
  assert.is(error.errorName, 'VIR_ERR_NO_DOMAIN');
  assert.is(error.errorDomainName, 'VIR_FROM_QEMU');
  assert.is(error.libvirtMessage, 'Domain not found');
  assert.is(error.procedure, 'DOMAIN_GET_XML_DESC');
  assert.is(error.domain, 'web1');
  assert.equal([error.level, error.str1, error.int1], [2, null, 0]);
  assert.match(error.stack ?? '', 'lookUpTheDomain');
});

test('loss: what was sent has an unknown outcome, what was queued is safe to repeat', async () => {
  await using room = await pair({ maxInFlight: 1 });
  const { daemon, connection } = room;
  const calls = [low(connection), low(connection)];
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 1);
  daemon.socket.destroy();
  const [sent, queued] = await Promise.all(calls.map((call) => failure(call, 'CONNECTION_LOST')));
  assert.instance(sent, ConnectionLostError);
  assert.is((sent as ConnectionLostError).sent, true);
  assert.is((sent as ConnectionLostError).reason, 'eof');
  assert.match(sent?.message ?? '', /the outcome of DOMAIN_GET_XML_DESC is unknown/);
  assert.is((queued as ConnectionLostError).sent, false);
  assert.match(queued?.message ?? '', /never sent and is safe to repeat/);
  assert.equal(await within(connection.closed), { reason: 'eof' });
  const after = (await failure(low(connection), 'CONNECTION_LOST')) as ConnectionLostError;
  assert.is(after.sent, false);
});

test('close: the daemon is told, calls under way and queued end, and later calls find it closed', async () => {
  const daemon = await FakeDaemon.start();
  const connection = await connect(daemon.uri, { maxInFlight: 1 });
  const sent = low(connection);
  const queued = low(connection);
  const closing = connection.close();
  assert.is(((await failure(sent, 'CONNECTION_LOST')) as ConnectionLostError).reason, 'client');
  assert.match((await failure(queued, 'CONNECTION_CLOSED')).message, /never sent/);
  await within(closing);
  await within(connection.close());
  assert.is(daemon.received('CONNECT_CLOSE').length, 1);
  assert.equal(await within(connection.closed), { reason: 'client' });
  await failure(low(connection), 'CONNECTION_CLOSED');
  await daemon[Symbol.asyncDispose]();
});

test('close does not wait long for a daemon that hangs', async () => {
  await using daemon = await FakeDaemon.start({ CONNECT_CLOSE: () => undefined });
  const connection = await connect(daemon.uri);
  const started = performance.now();
  await within(connection.close());
  assert.ok(performance.now() - started < 3000);
});

test('a ping is answered at once, also while calls wait', async () => {
  await using room = await pair({ maxInFlight: 1 });
  const { daemon, connection } = room;
  for (let flags = 0; flags < 5; flags++) void low(connection, flags);
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 1);
  daemon.socket.write(Buffer.concat([ping(), ping()]));
  await until(() => daemon.pongs === 2);
});

test('a silent daemon is pinged and given up after count + 1 intervals', async () => {
  await using room = await pair({ keepAlive: { interval: 20, count: 3 } });
  const { daemon, connection } = room;
  const call = low(connection);
  const started = performance.now();
  const error = (await failure(call, 'CONNECTION_LOST')) as ConnectionLostError;
  assert.is(error.reason, 'keepalive');
  assert.is((await within(connection.closed)).reason, 'keepalive');
  assert.ok(performance.now() - started >= 60);
  assert.is(daemon.pings, 3);
});

test('whatever arrives counts as life', async () => {
  await using room = await pair({ keepAlive: { interval: 50, count: 2 } });
  const { daemon, connection } = room;
  const heartbeat = setInterval(() => daemon.socket.write(ping()), 10);
  await new Promise((resolve) => setTimeout(resolve, 400));
  clearInterval(heartbeat);
  const call = high(connection);
  await until(() => daemon.received('CONNECT_GET_HOSTNAME').length === 1);
  daemon.reply(daemon.received('CONNECT_GET_HOSTNAME')[0] as ReceivedCall, { hostname: 'h' });
  await within(call);
});

test('with so many calls unanswered that the daemon stops reading, a missing pong says nothing', async () => {
  await using room = await pair({ maxInFlight: 8, keepAlive: { interval: 10, count: 2 } });
  const { daemon, connection } = room;
  const calls = Array.from({ length: 5 }, () => high(connection));
  await until(() => daemon.pings > 6);
  assert.is(daemon.received('CONNECT_GET_HOSTNAME').length, 5);
  daemon.reply(daemon.calls.at(-1) as ReceivedCall, { hostname: 'h' });
  const ends = await within(Promise.allSettled(calls));
  assert.is(ends.filter((end) => end.status === 'rejected').length, 4);
  assert.is((await within(connection.closed)).reason, 'keepalive');
});

test('rejections that nobody awaits do not end the process, and one signal serves many calls', async () => {
  const alarms: unknown[] = [];
  const alarm = (what: unknown) => alarms.push(what);
  process.on('unhandledRejection', alarm);
  process.on('warning', alarm);
  try {
    await using room = await pair();
    const { daemon, connection } = room;
    const { signal } = new AbortController();
    for (let flags = 0; flags < 50; flags++) void low(connection, flags, { signal });
    void connection.subscribe('LIFECYCLE');
    void connection.call('DOMAIN_DEFINE_XML', { xml: '' });
    void connection.call('DOMAIN_LOOKUP_BY_NAME', { name: '\0' });
    await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 3);
    daemon.socket.destroy();
    await within(connection.closed);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(alarms, []);
  } finally {
    process.off('unhandledRejection', alarm);
    process.off('warning', alarm);
  }
});

test('without keepAlive the daemon is not asked for it, so it does not ping', async () => {
  await using room = await pair();
  const features = room.daemon.received('CONNECT_SUPPORTS_FEATURE').map((call) => call.args.feature);
  assert.equal(features, [14, 15]);
});

const HOSTILE: [what: string, bytes: (daemon: FakeDaemon) => Buffer][] = [
  ['a frame of 3 bytes', () => Buffer.from('00000003', 'hex')],
  ['a frame of 4 GiB', () => Buffer.from('ffffffff', 'hex')],
  [
    'a reply nobody asked for',
    (daemon) => daemon.replyFrame({ procedure: 'AUTH_LIST', args: {}, serial: 999 }, { types: [] }),
  ],
  [
    'a reply to another procedure',
    (daemon) => {
      const { serial } = daemon.calls.at(-1) as ReceivedCall;
      return daemon.replyFrame({ procedure: 'AUTH_LIST', args: {}, serial }, { types: [] });
    },
  ],
  [
    'a stream packet',
    () => frame(Program.REMOTE, 14, MessageType.STREAM, 0, MessageStatus.CONTINUE, (writer) => writer.uint(1)),
  ],
  [
    'a reply with file descriptors',
    () => frame(Program.REMOTE, 14, MessageType.REPLY_WITH_FDS, 0, MessageStatus.OK, (writer) => writer.uint(1)),
  ],
  [
    'another version of the program',
    (daemon) => {
      const bytes = daemon.replyFrame(daemon.calls.at(-1) as ReceivedCall, { xml: '' });
      bytes.writeUInt32BE(2, 8);
      return bytes;
    },
  ],
];
for (const [what, bytes] of HOSTILE) {
  test(`${what} ends the connection with PROTOCOL_VIOLATION as the cause`, async () => {
    await using room = await pair();
    const { daemon, connection } = room;
    const call = low(connection);
    await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 1);
    daemon.socket.write(bytes(daemon));
    const error = await failure(call, 'CONNECTION_LOST');
    assert.is((error.cause as { code?: string }).code, 'PROTOCOL_VIOLATION');
    assert.is((await within(connection.closed)).reason, 'error');
  });
}

test('a reply that cannot be read fails its own call; the connection goes on', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const call = low(connection);
  await until(() => daemon.received('DOMAIN_GET_XML_DESC').length === 1);
  const { serial } = daemon.calls.at(-1) as ReceivedCall;
  daemon.socket.write(
    frame(Program.REMOTE, 14, MessageType.REPLY, serial, MessageStatus.OK, (writer) => writer.uint(1000)),
  );
  await failure(call, 'PROTOCOL_VIOLATION');
  const next = high(connection);
  await until(() => daemon.received('CONNECT_GET_HOSTNAME').length === 1);
  daemon.reply(daemon.calls.at(-1) as ReceivedCall, { hostname: 'still here' });
  assert.equal(await within(next), { hostname: 'still here' });
});

test('a proxy that loses its driver daemon ends the connection with its reason', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  assert.is(daemon.received('CONNECT_REGISTER_CLOSE_CALLBACK').length, 1);
  daemon.socket.write(frame(Program.REMOTE, 362, MessageType.MESSAGE, 0, MessageStatus.OK, (writer) => writer.int(2)));
  assert.equal(await within(connection.closed), { reason: 'keepalive' });
});

test('procedures with streams or file descriptors, and the connection own ones, are refused unsent', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const count = daemon.calls.length;
  const console = connection.call('DOMAIN_OPEN_CONSOLE', { dom: DOM, flags: 0 });
  assert.match((await failure(console, 'UNSUPPORTED')).message, /stream/);
  const graphics = connection.call('DOMAIN_OPEN_GRAPHICS_FD', { dom: DOM, idx: 0, flags: 0 });
  assert.match((await failure(graphics, 'UNSUPPORTED')).message, /file descriptors/);
  await failure(connection.call('CONNECT_CLOSE' as never, {} as never), 'UNSUPPORTED');
  await failure(connection.call('DOMAIN_EXPLODE' as never, {} as never), 'UNSUPPORTED');
  await failure(connection.call('toString' as never, {} as never), 'UNSUPPORTED');
  await failure(connection.call('DOMAIN_GET_XML_DESC', undefined as never), 'ARGUMENT_INVALID');
  assert.is(daemon.calls.length, count);
});

test.run();
