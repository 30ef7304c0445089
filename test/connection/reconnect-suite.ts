import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineOnce } from '../../src/connection/define-permit.js';
import {
  CALL_CHANNEL,
  type CallRecord,
  type CallTimeoutError,
  CONNECTION_CHANNEL,
  type Connection,
  type ConnectionLostError,
  type ConnectionRecord,
  type ConnectOptions,
  connect,
  type EventSubscription,
  type LibvirtError,
} from '../../src/connection/index.js';
import { direct, type Front } from '../support/fronts.js';
import { DOM, eventFrame, FakeDaemon, failure, type ReceivedCall, until, within } from './helpers.js';

const REGISTER = 'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY';
const READ = 'DOMAIN_GET_XML_DESC';
const WRITE = 'DOMAIN_ATTACH_DEVICE';
/** A peer that goes with bytes of ours unread is an error to the kernel, else an end. */
const LOST = /^(eof|error)$/;
const QUICK = { delay: 5, maxDelay: 40, attempts: 5 };

type Room = AsyncDisposable & { daemon: FakeDaemon; connection: Connection };
type Handlers = Parameters<typeof FakeDaemon.start>[0];

/** How the tests below reach the fake daemon; files that run them over another transport set it. */
export const reach: { front: (socket: string) => Promise<Front> } = { front: direct };

/** Reads, writes and registrations are left to the test to answer, unless a handler does. */
async function pair(options: ConnectOptions = {}, handlers: Handlers = {}): Promise<Room> {
  const daemon = await FakeDaemon.start({ CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY: () => ({}), ...handlers });
  const front = await reach.front(daemon.path);
  const connection = await connect(front.uri, { keepAlive: false, reconnect: QUICK, ...front.options, ...options });
  return {
    daemon,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await front.close();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

const read = ({ connection }: Room, options = {}) => connection.call(READ, { dom: DOM, flags: 0 }, options);
const write = ({ connection }: Room, xml = '<disk/>', options = {}) =>
  connection.call(WRITE, { dom: DOM, xml }, options);

/** The n-th call of a procedure, once the daemon has it. */
async function nth(
  { daemon }: Room,
  procedure: Parameters<FakeDaemon['received']>[0],
  n: number,
): Promise<ReceivedCall> {
  await until(() => daemon.received(procedure).length >= n);
  return daemon.received(procedure)[n - 1] as ReceivedCall;
}

async function answer(room: Room, procedure: Parameters<FakeDaemon['received']>[0], n: number, result: object) {
  room.daemon.reply(await nth(room, procedure, n), result);
}

async function listening(room: Room, callbackID = 3): Promise<EventSubscription<'LIFECYCLE'>> {
  const subscribing = room.connection.subscribe('LIFECYCLE', { domain: DOM });
  await answer(room, REGISTER, room.daemon.received(REGISTER).length + 1, { callbackID });
  return within(subscribing);
}

const lifecycle = (event: number) => ({ dom: DOM, event, detail: 0 });

test('a read under way is sent again, once, and succeeds; the connection keeps its number', async () => {
  await using room = await pair();
  const records: CallRecord[] = [];
  const listener = (record: unknown) => records.push(record as CallRecord);
  subscribe(CALL_CHANNEL, listener);
  const reading = read(room);
  await nth(room, READ, 1);
  room.daemon.socket.destroy();
  await answer(room, READ, 2, { xml: '<domain/>' });
  assert.equal(await within(reading), { xml: '<domain/>' });
  unsubscribe(CALL_CHANNEL, listener);
  assert.is(room.daemon.received(READ).length, 2);
  assert.equal(new Set(records.map(({ connection }) => connection)), new Set([room.connection.id]));
  const ends = records.filter(({ phase, procedure }) => phase === 'end' && procedure === READ);
  assert.equal(
    ends.map(({ error }) => error),
    ['CONNECTION_LOST', undefined],
  );
  assert.is.not(ends[0]?.call, ends[1]?.call);
});

test('a mutator under way is told that its outcome is unknown, is not sent again, and the connection goes on', async () => {
  await using room = await pair();
  const writing = write(room);
  await nth(room, WRITE, 1);
  room.daemon.socket.destroy();
  const error = (await failure(writing, 'CONNECTION_LOST')) as ConnectionLostError;
  assert.is(error.sent, true);
  assert.match(error.message, /outcome of DOMAIN_ATTACH_DEVICE is unknown/);
  const reading = read(room);
  await answer(room, READ, 1, { xml: 'x' });
  await within(reading);
  assert.is(room.daemon.received(WRITE).length, 1);
});

test('a mutator that the daemon never saw is sent once there is a socket again, with the arguments it was given', async () => {
  await using room = await pair({ maxInFlight: 1 });
  const first = write(room, '<first/>');
  const second = write(room, '<second/>');
  await nth(room, WRITE, 1);
  room.daemon.socket.destroy();
  await failure(first, 'CONNECTION_LOST');
  await answer(room, WRITE, 2, {});
  await within(second);
  assert.equal(
    room.daemon.received(WRITE).map(({ args }) => args.xml),
    ['<first/>', '<second/>'],
  );
});

test('calls made while there is no socket wait for it; a deadline and a signal end the wait, unsent', async () => {
  await using room = await pair({ reconnect: { ...QUICK, attempts: 1000 } });
  room.daemon.refusing = true;
  room.daemon.socket.destroy();
  const args = { dom: DOM, xml: '<given/>' };
  await until(() => room.daemon.sockets > 1);
  const waiting = room.connection.call(WRITE, args);
  args.xml = '<changed afterwards/>';
  const late = (await failure(write(room, '', { timeout: 60 }), 'CALL_TIMEOUT')) as CallTimeoutError;
  assert.is(late.sent, false);
  assert.is(late.timeout, 60);
  const controller = new AbortController();
  const given = write(room, '', { signal: controller.signal });
  controller.abort();
  assert.match((await failure(given, 'ABORTED')).message, /never sent/);
  await failure(room.connection.subscribe('LIFECYCLE', { signal: AbortSignal.timeout(20) }), 'ABORTED');
  room.daemon.refusing = false;
  await answer(room, WRITE, 1, {});
  await within(waiting);
  assert.equal(
    room.daemon.received(WRITE).map(({ args: { xml } }) => xml),
    ['<given/>'],
  );
  assert.is(room.daemon.received(REGISTER).length, 0);
});

test('the deadline of a read counts on over a reconnect', async () => {
  await using room = await pair();
  const reading = read(room, { timeout: 1_000 });
  await nth(room, READ, 1);
  room.daemon.socket.destroy();
  const error = (await failure(reading, 'CALL_TIMEOUT', 5_000)) as CallTimeoutError;
  assert.is(error.timeout, 1_000);
  assert.is(error.sent, true);
});

test('when all attempts are spent the connection ends for good, and says why', async () => {
  await using room = await pair();
  const subscription = await listening(room);
  const [reading, writing] = [read(room), write(room)];
  await nth(room, READ, 1);
  room.daemon.refusing = true;
  room.daemon.socket.destroy();
  assert.is(((await failure(writing, 'CONNECTION_LOST')) as ConnectionLostError).sent, true);
  const lost = (await failure(reading, 'CONNECTION_LOST')) as ConnectionLostError;
  assert.is((lost.cause as { code?: string }).code, 'DAEMON_UNREACHABLE');
  const closed = await within(room.connection.closed);
  assert.match(closed.reason, LOST);
  assert.match(closed.error?.message ?? '', /hung up/);
  assert.is(room.daemon.sockets, 1 + QUICK.attempts);
  await failure(subscription.next(), 'CONNECTION_LOST');
  assert.is(((await failure(read(room), 'CONNECTION_LOST')) as ConnectionLostError).sent, false);
  await failure(room.connection.subscribe('LIFECYCLE'), 'CONNECTION_LOST');
});

test('a socket that is lost again at once counts on: a daemon that takes and drops is not asked without end', async () => {
  await using room = await pair(
    { reconnect: { delay: 5, maxDelay: 5_000, attempts: 4 } },
    {
      CONNECT_GET_VERSION: () => {
        setTimeout(() => room?.daemon.socket.destroy(), 5);
        return { hv_ver: 7_002_000n };
      },
    },
  );
  assert.match((await within(room.connection.closed)).reason, LOST);
  assert.is(room.daemon.sockets, 5);
});

test('a read whose answer takes each socket with it is sent three times and no more', async () => {
  await using room = await pair(
    { reconnect: { delay: 1, maxDelay: 1, attempts: 50 } },
    {
      DOMAIN_GET_XML_DESC: () => void room.daemon.socket.destroy(),
    },
  );
  assert.is(((await failure(read(room), 'CONNECTION_LOST')) as ConnectionLostError).sent, true);
  assert.is(room.daemon.received(READ).length, 3);
});

test('a subscription goes on: what was queued, a gap, then the events of the new registration', async () => {
  await using room = await pair();
  const subscription = await listening(room, 3);
  room.daemon.event('LIFECYCLE', 3, lifecycle(0));
  const first = await within(subscription.next());
  assert.is(first.value?.type, 'event');
  room.daemon.event('LIFECYCLE', 3, lifecycle(1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  room.daemon.socket.destroy();
  const register = await nth(room, REGISTER, 2);
  assert.equal(register.args, room.daemon.received(REGISTER)[0]?.args, 'the same event and filter');
  // Before the reply, and in the same chunk as it: neither is lost, and neither comes before the gap.
  const event = (n: number) => eventFrame('LIFECYCLE', 9, lifecycle(n));
  room.daemon.socket.write(Buffer.concat([event(4), room.daemon.replyFrame(register, { callbackID: 9 }), event(5)]));
  const items = [];
  for (let n = 0; n < 4; n++) items.push((await within(subscription.next())).value);
  assert.equal(
    items.map((item) => (item?.type === 'event' ? item.data.event : item?.type)),
    [1, 'gap', 4, 5],
  );
});

test('notices do not pile up in front of a slow consumer', async () => {
  await using room = await pair({}, { [REGISTER]: () => ({ callbackID: 3 }) });
  const subscription = await within(room.connection.subscribe('LIFECYCLE', { domain: DOM, queue: 1 }));
  for (let n = 2; n <= 5; n++) {
    room.daemon.event('LIFECYCLE', 3, lifecycle(0));
    room.daemon.event('LIFECYCLE', 3, lifecycle(0));
    await new Promise((resolve) => setTimeout(resolve, 10));
    room.daemon.socket.destroy();
    await nth(room, REGISTER, n);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await room.connection.close();
  const kinds = [];
  for await (const item of subscription) kinds.push(item.type);
  assert.equal(kinds, ['event', 'overflow']);
});

test('a call that waited for the socket is sent after the subscriptions stand, so that it misses no event of its own', async () => {
  await using room = await pair();
  await listening(room);
  room.daemon.socket.destroy();
  const register = await nth(room, REGISTER, 2);
  const writing = write(room);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(room.daemon.received(WRITE).length, 0);
  room.daemon.reply(register, { callbackID: 4 });
  await answer(room, WRITE, 1, {});
  await within(writing);
});

test('a registration under way when the socket is lost is made again, without a gap', async () => {
  await using room = await pair();
  const subscribing = room.connection.subscribe('LIFECYCLE', { domain: DOM });
  await nth(room, REGISTER, 1);
  room.daemon.socket.destroy();
  await answer(room, REGISTER, 2, { callbackID: 8 });
  const subscription = await within(subscribing);
  room.daemon.event('LIFECYCLE', 8, lifecycle(2));
  assert.is((await within(subscription.next())).value?.type, 'event');
});

test('a registration that the new daemon refuses ends its subscription with that error, and no other', async () => {
  await using room = await pair();
  const one = await listening(room);
  const rebooting = room.connection.subscribe('REBOOT', { domain: DOM });
  await answer(room, REGISTER, 2, { callbackID: 5 });
  const other = await within(rebooting);
  room.daemon.socket.destroy();
  for (const n of [3, 4]) {
    const call = await nth(room, REGISTER, n);
    if (call.args.eventID === 0) room.daemon.fail(call, 38, 'no room for you');
    else room.daemon.reply(call, { callbackID: 6 });
  }
  assert.match(((await failure(one.next(), 'LIBVIRT')) as LibvirtError).libvirtMessage, 'no room');
  assert.is((await within(other.next())).value?.type, 'gap');
});

test('a subscription closed while there is no socket is not registered again', async () => {
  await using room = await pair();
  const subscription = await listening(room);
  room.daemon.refusing = true;
  room.daemon.socket.destroy();
  await until(() => room.daemon.sockets > 1);
  await within(subscription.close());
  room.daemon.refusing = false;
  const reading = read(room);
  await answer(room, READ, 1, { xml: '' });
  await within(reading);
  assert.is(room.daemon.received(REGISTER).length, 1);
});

test('close while there is no socket: waiting calls end unsent, subscriptions normally, and nothing is opened any more', async () => {
  await using room = await pair({ reconnect: { ...QUICK, attempts: 1000 } });
  const subscription = await listening(room);
  room.daemon.refusing = true;
  room.daemon.socket.destroy();
  await until(() => room.daemon.sockets > 1);
  const waiting = write(room);
  await within(room.connection.close());
  await failure(waiting, 'CONNECTION_CLOSED');
  assert.is((await within(subscription.next())).done, true);
  assert.equal(await within(room.connection.closed), { reason: 'client' });
  const { sockets } = room.daemon;
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.is(room.daemon.sockets, sockets);
});

test('close while the next socket is being opened', async () => {
  await using room = await pair();
  let openings = 0;
  await using other = await pair({}, { CONNECT_OPEN: () => (++openings > 1 ? undefined : {}) });
  void room;
  other.daemon.socket.destroy();
  await until(() => openings === 2);
  await within(other.connection.close(), 1_000);
  assert.equal(await within(other.connection.closed), { reason: 'client' });
});

test('what was defined stays defined: the guard outlives the socket', async () => {
  await using room = await pair({}, { DOMAIN_DEFINE_XML_FLAGS: () => ({ dom: DOM }) });
  const define = () => defineOnce(room.connection, `<domain><uuid>${DOM.uuid}</uuid></domain>`, DOM.uuid, 0);
  await define();
  room.daemon.socket.destroy();
  const reading = read(room);
  await answer(room, READ, 1, { xml: '' });
  await within(reading);
  await failure(define(), 'REDEFINE_REFUSED');
  assert.is(room.daemon.received('DOMAIN_DEFINE_XML_FLAGS').length, 1);
});

test('the versions are those of the daemon that answers now; the record tells of loss, return and end', async () => {
  let version = 9_000_000n;
  await using room = await pair({}, { CONNECT_GET_LIB_VERSION: () => ({ lib_ver: version }) });
  const records: ConnectionRecord[] = [];
  const listener = (record: unknown) => records.push(record as ConnectionRecord);
  subscribe(CONNECTION_CHANNEL, listener);
  assert.is(room.connection.libvirtVersion, '9.0.0');
  version = 10_000_000n;
  room.daemon.socket.destroy();
  const reading = read(room);
  await answer(room, READ, 1, { xml: '' });
  await within(reading);
  assert.is(room.connection.libvirtVersion, '10.0.0');
  await room.connection.close();
  unsubscribe(CONNECTION_CHANNEL, listener);
  const own = records.filter(({ connection }) => connection === room.connection.id);
  assert.equal(
    own.map(({ state, reason, libvirtVersion }) => [state, libvirtVersion ?? reason?.replace(LOST, 'lost')]),
    [
      ['lost', 'lost'],
      ['restored', '10.0.0'],
      ['ended', 'client'],
    ],
  );
  assert.ok((own[1]?.durationMs ?? 0) > 0);
});

test('calls that waited do not exceed what may be in flight', async () => {
  await using room = await pair();
  room.daemon.refusing = true;
  room.daemon.socket.destroy();
  await until(() => room.daemon.sockets > 1);
  const writing = Array.from({ length: 10 }, () => write(room));
  room.daemon.refusing = false;
  for (let n = 1; n <= 10; n++) {
    const call = await nth(room, WRITE, n);
    assert.ok(room.daemon.received(WRITE).length - n < 4);
    room.daemon.reply(call, {});
  }
  await within(Promise.all(writing));
});

test('an answer that breaks the protocol costs the socket, not the connection', async () => {
  await using room = await pair();
  const reading = read(room);
  await nth(room, READ, 1);
  room.daemon.socket.write(Buffer.from('this is no libvirt daemon, is it?'));
  await answer(room, READ, 2, { xml: 'x' });
  assert.equal(await within(reading), { xml: 'x' });
});

test('reconnect false: the connection ends with its socket', async () => {
  await using room = await pair({ reconnect: false });
  const reading = read(room);
  await nth(room, READ, 1);
  room.daemon.socket.destroy();
  await failure(reading, 'CONNECTION_LOST');
  assert.match((await within(room.connection.closed)).reason, LOST);
  assert.is(room.daemon.sockets, 1);
});
