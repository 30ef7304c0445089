import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Connection,
  ConnectionLostError,
  connect,
  type EventItem,
  type EventName,
  type EventSubscription,
} from '../../src/connection/index.js';
import { DOM, eventFrame, FakeDaemon, failure, type ReceivedCall, until, within } from './helpers.js';

const REGISTER = 'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY';
const DEREGISTER = 'CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY';
const NET = { name: 'lan', uuid: DOM.uuid };

/** Registrations are left to the test to answer. */
async function pair(): Promise<AsyncDisposable & { daemon: FakeDaemon; connection: Connection }> {
  const daemon = await FakeDaemon.start({
    [DEREGISTER]: () => ({}),
    CONNECT_NETWORK_EVENT_DEREGISTER_ANY: () => ({}),
  });
  const connection = await connect(daemon.uri, { keepAlive: false, reconnect: false });
  return {
    daemon,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

const lifecycle = (event: number) => ({ dom: DOM, event, detail: 0 });

async function subscribeAs(
  { daemon, connection }: { daemon: FakeDaemon; connection: Connection },
  callbackID: number,
  options: { queue?: number; signal?: AbortSignal } = {},
): Promise<EventSubscription<'LIFECYCLE'>> {
  const seen = daemon.received(REGISTER).length;
  const domain = { ...DOM, uuid: DOM.uuid.slice(0, -1) + callbackID.toString(16).slice(-1) };
  const subscribing = connection.subscribe('LIFECYCLE', { domain, ...options });
  await until(() => daemon.received(REGISTER).length > seen);
  daemon.reply(daemon.received(REGISTER).at(-1) as ReceivedCall, { callbackID });
  return within(subscribing);
}

async function take<E extends EventName>(subscription: EventSubscription<E>, count: number): Promise<EventItem<E>[]> {
  const items: EventItem<E>[] = [];
  while (items.length < count) {
    const { value } = await within(subscription.next());
    if (!value) break;
    items.push(value);
  }
  return items;
}

const codes = (items: EventItem<'LIFECYCLE'>[]): unknown[] =>
  items.map((item) =>
    item.type === 'event' ? item.data.event : item.type === 'overflow' ? { lost: item.lost } : item,
  );

test('events in the chunk of the register reply, and even before it, are not lost; callback id 0 counts', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const subscribing = connection.subscribe('LIFECYCLE');
  await until(() => daemon.received(REGISTER).length === 1);
  const reply = daemon.replyFrame(daemon.received(REGISTER)[0] as ReceivedCall, { callbackID: 0 });
  const [early, stranger, late] = [
    eventFrame('LIFECYCLE', 0, lifecycle(1)),
    eventFrame('LIFECYCLE', 9, lifecycle(9)),
    eventFrame('LIFECYCLE', 0, lifecycle(2)),
  ];
  daemon.socket.write(Buffer.concat([early, stranger, reply, late]));
  const subscription = await within(subscribing);
  const items = await take(subscription, 2);
  assert.equal(codes(items), [1, 2]);
  assert.equal(items[0], { type: 'event', name: 'LIFECYCLE', data: lifecycle(1) });
});

test('one id in two classes is two subscriptions', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const domain = await subscribeAs(room, 0);
  const subscribing = connection.subscribe('NETWORK_LIFECYCLE');
  await until(() => daemon.received('CONNECT_NETWORK_EVENT_REGISTER_ANY').length === 1);
  daemon.reply(daemon.calls.at(-1) as ReceivedCall, { callbackID: 0 });
  const network = await within(subscribing);
  daemon.event('NETWORK_LIFECYCLE', 0, { net: NET, event: 2, detail: 0 });
  daemon.event('LIFECYCLE', 0, lifecycle(5));
  assert.equal(codes(await take(domain, 1)), [5]);
  const [item] = await take(network, 1);
  assert.equal(item, { type: 'event', name: 'NETWORK_LIFECYCLE', data: { net: NET, event: 2, detail: 0 } });
});

test('a list of events comes through one subscription in the order of the wire', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const subscribing = connection.subscribe(['LIFECYCLE', 'REBOOT'], { domain: DOM });
  for (const n of [0, 1]) {
    await until(() => daemon.received(REGISTER).length > n);
    daemon.reply(daemon.received(REGISTER)[n] as ReceivedCall, { callbackID: n });
  }
  const subscription = await within(subscribing);
  for (const n of [1, 2, 3]) {
    daemon.event('REBOOT', 1, { dom: DOM });
    daemon.event('LIFECYCLE', 0, lifecycle(n));
  }
  const items = await take(subscription, 6);
  assert.equal(
    items.map((item) => item.type === 'event' && (item.name === 'LIFECYCLE' ? item.data.event : item.name)),
    ['REBOOT', 1, 'REBOOT', 2, 'REBOOT', 3],
  );
  // The last registration of a class stays until another takes its place.
  await within(subscription[Symbol.asyncDispose]());
  assert.is(daemon.received(DEREGISTER).length, 1);
  assert.is((await within(subscription.next())).done, true);
});

test('wrapped messages come flat', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const subscribing = connection.subscribe('PMWAKEUP', { domain: DOM });
  await until(() => daemon.received(REGISTER).length === 1);
  const call = daemon.received(REGISTER)[0] as ReceivedCall;
  assert.equal(call.args, { eventID: 11, dom: DOM });
  daemon.reply(call, { callbackID: 3 });
  const subscription = await within(subscribing);
  daemon.event('PMWAKEUP', 3, { reason: 1, dom: DOM });
  assert.equal(await take(subscription, 1), [{ type: 'event', name: 'PMWAKEUP', data: { reason: 1, dom: DOM } }]);
});

test('QEMU monitor events go through the qemu program, with their own filter', async () => {
  await using daemon = await FakeDaemon.start();
  await using connection = await connect(daemon.uri, { keepAlive: false });
  const subscribing = connection.subscribe('QEMU_MONITOR', { monitorEvent: 'DEVICE_DELETED' });
  await until(() => daemon.received('QEMU_CONNECT_DOMAIN_MONITOR_EVENT_REGISTER').length === 1);
  const call = daemon.calls.at(-1) as ReceivedCall;
  assert.equal(call.args, { dom: null, event: 'DEVICE_DELETED', flags: 0 });
  daemon.reply(call, { callbackID: 1 });
  const subscription = await within(subscribing);
  const data = { dom: DOM, event: 'DEVICE_DELETED', seconds: 5n, micros: 7, details: '{"device":"net0"}' };
  daemon.event('QEMU_MONITOR', 1, data);
  assert.equal(await take(subscription, 1), [{ type: 'event', name: 'QEMU_MONITOR', data }]);
  const other = connection.subscribe('QEMU_MONITOR', { monitorEvent: 'STOP' });
  await until(() => daemon.received('QEMU_CONNECT_DOMAIN_MONITOR_EVENT_REGISTER').length === 2);
  daemon.reply(daemon.calls.at(-1) as ReceivedCall, { callbackID: 2 });
  await within(other);
  const closing = subscription.close();
  await until(() => daemon.received('QEMU_CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER').length === 1);
  daemon.reply(daemon.calls.at(-1) as ReceivedCall, {});
  await within(closing);
});

test('a full queue keeps the oldest, counts the newest, and says so where they are missing', async () => {
  await using room = await pair();
  const { daemon } = room;
  const subscription = await subscribeAs(room, 4, { queue: 2 });
  const send = async (...events: number[]) => {
    daemon.socket.write(Buffer.concat(events.map((event) => eventFrame('LIFECYCLE', 4, lifecycle(event)))));
    await within(room.connection.call('CONNECT_SUPPORTS_FEATURE', { feature: 1 }));
  };
  await send(1, 2, 3, 4);
  assert.equal(codes(await take(subscription, 1)), [1]);
  await send(5);
  assert.equal(codes(await take(subscription, 2)), [2, { lost: 3 }]);
  await send(6, 7, 8);
  assert.equal(codes(await take(subscription, 3)), [6, 7, { lost: 1 }]);
  const next = subscription.next();
  await send(9);
  assert.equal((await within(next)).value, { type: 'event', name: 'LIFECYCLE', data: lifecycle(9) });
});

test('a consumer that waits is served at once, each in its turn', async () => {
  await using room = await pair();
  const subscription = await subscribeAs(room, 1);
  const waiting = [subscription.next(), subscription.next()];
  room.daemon.event('LIFECYCLE', 1, lifecycle(1));
  room.daemon.event('LIFECYCLE', 1, lifecycle(2));
  const items = await within(Promise.all(waiting));
  assert.equal(codes(items.map((item) => item.value as EventItem<'LIFECYCLE'>)), [1, 2]);
});

test('leaving the loop deregisters; late events of the id are dropped', async () => {
  await using room = await pair();
  const { daemon } = room;
  await subscribeAs(room, 1);
  const subscription = await subscribeAs(room, 6);
  daemon.event('LIFECYCLE', 6, lifecycle(1));
  for await (const item of subscription) {
    assert.is(item.type, 'event');
    break;
  }
  assert.equal(
    daemon.received(DEREGISTER).map((call) => call.args.callbackID),
    [6],
  );
  daemon.event('LIFECYCLE', 6, lifecycle(2));
  const other = await subscribeAs(room, 7);
  daemon.event('LIFECYCLE', 7, lifecycle(3));
  assert.equal(codes(await take(other, 1)), [3]);
  assert.equal(await within(subscription.next()), { done: true, value: undefined });
  await subscription.close();
  assert.is(daemon.received(DEREGISTER).length, 1);
});

test('subscriptions to the same event and filter share one registration, which goes with the last of them', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const subscribing = [connection.subscribe('LIFECYCLE'), connection.subscribe('LIFECYCLE')];
  await until(() => daemon.received(REGISTER).length === 1);
  daemon.reply(daemon.received(REGISTER)[0] as ReceivedCall, { callbackID: 5 });
  const [first, second] = (await within(Promise.all(subscribing))) as [
    EventSubscription<'LIFECYCLE'>,
    EventSubscription<'LIFECYCLE'>,
  ];
  const third = await within(connection.subscribe('LIFECYCLE'));
  daemon.event('LIFECYCLE', 5, lifecycle(1));
  for (const subscription of [first, second, third]) assert.equal(codes(await take(subscription, 1)), [1]);
  await within(first.close());
  await within(third.close());
  daemon.event('LIFECYCLE', 5, lifecycle(2));
  assert.equal(codes(await take(second, 1)), [2]);
  assert.is(daemon.received(REGISTER).length, 1);
  assert.is(daemon.received(DEREGISTER).length, 0);
  await subscribeAs(room, 6);
  await within(second.close());
  assert.equal(
    daemon.received(DEREGISTER).map((call) => call.args.callbackID),
    [5],
  );
});

test('the last registration of a class stays until another takes its place, so that libvirt loses no events', async () => {
  await using room = await pair();
  const { daemon } = room;
  const subscription = await subscribeAs(room, 1);
  await within(subscription[Symbol.asyncDispose]());
  assert.is(daemon.received(DEREGISTER).length, 0);
  daemon.event('LIFECYCLE', 1, lifecycle(1));
  await within(room.connection.call('CONNECT_SUPPORTS_FEATURE', { feature: 1 }));
  const domain = { ...DOM, uuid: `${DOM.uuid.slice(0, -1)}1` };
  const again = await within(room.connection.subscribe('LIFECYCLE', { domain }));
  assert.is(daemon.received(REGISTER).length, 1);
  daemon.event('LIFECYCLE', 1, lifecycle(2));
  assert.equal(codes(await take(again, 1)), [2]);
  await within(again.close());
  await subscribeAs(room, 2);
  await until(() => daemon.received(DEREGISTER).length === 1);
  assert.is(daemon.received(DEREGISTER)[0]?.args.callbackID, 1);
});

test('a new registration waits until the daemon has forgotten the old one', async () => {
  let ids = 0;
  await using daemon = await FakeDaemon.start({ [REGISTER]: () => ({ callbackID: ids++ }) });
  await using connection = await connect(daemon.uri, { keepAlive: false });
  await within(connection.subscribe('WATCHDOG'));
  const first = await within(connection.subscribe('REBOOT'));
  const closing = first.close();
  const second = connection.subscribe('REBOOT');
  await until(() => daemon.received(DEREGISTER).length === 1);
  await within(connection.call('CONNECT_SUPPORTS_FEATURE', { feature: 1 }));
  assert.is(daemon.received(REGISTER).length, 2);
  daemon.reply(daemon.received(DEREGISTER)[0] as ReceivedCall, {});
  await within(closing);
  await within(second);
  assert.is(daemon.received(REGISTER).length, 3);
});

test('a daemon that does not answer: subscribe and close end in time', async () => {
  await using daemon = await FakeDaemon.start();
  await using connection = await connect(daemon.uri, { keepAlive: false, callTimeout: 40 });
  await failure(connection.subscribe('REBOOT'), 'CALL_TIMEOUT');
  const again = connection.subscribe('REBOOT');
  daemon.reply(daemon.received(REGISTER)[0] as ReceivedCall, { callbackID: 1 });
  const subscription = await within(again);
  const other = connection.subscribe('WATCHDOG');
  await until(() => daemon.received(REGISTER).length === 2);
  daemon.reply(daemon.received(REGISTER)[1] as ReceivedCall, { callbackID: 2 });
  await within(other);
  await within(subscription[Symbol.asyncDispose]());
  assert.is(daemon.received(DEREGISTER).length, 1);
  await failure(connection.subscribe('REBOOT'), 'CALL_TIMEOUT');
  assert.is(daemon.received(REGISTER).length, 2);
});

test('close ends a waiting consumer normally and drops what is queued', async () => {
  await using room = await pair();
  const waiting = await subscribeAs(room, 1);
  const next = waiting.next();
  await within(waiting.close());
  assert.equal(await within(next), { done: true, value: undefined });
  const queued = await subscribeAs(room, 2);
  room.daemon.event('LIFECYCLE', 2, lifecycle(1));
  await within(room.connection.call('CONNECT_SUPPORTS_FEATURE', { feature: 1 }));
  await within(queued[Symbol.asyncDispose]());
  assert.equal(await within(queued.next()), { done: true, value: undefined });
});

test('the signal ends a subscription normally and deregisters it', async () => {
  await using room = await pair();
  await subscribeAs(room, 0);
  const controller = new AbortController();
  const subscription = await subscribeAs(room, 1, { signal: controller.signal });
  const next = subscription.next();
  controller.abort();
  assert.equal(await within(next), { done: true, value: undefined });
  await until(() => room.daemon.received(DEREGISTER).length === 1);
});

test('a registration given up before its reply is undone when the reply comes', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  await subscribeAs(room, 0);
  const controller = new AbortController();
  const subscribing = connection.subscribe('LIFECYCLE', { signal: controller.signal });
  await until(() => daemon.received(REGISTER).length === 2);
  controller.abort();
  await failure(subscribing, 'ABORTED');
  daemon.reply(daemon.received(REGISTER)[1] as ReceivedCall, { callbackID: 12 });
  await until(() => daemon.received(DEREGISTER).length === 1);
  assert.is(daemon.received(DEREGISTER)[0]?.args.callbackID, 12);
  await failure(connection.subscribe('LIFECYCLE', { signal: controller.signal }), 'ABORTED');
  assert.is(daemon.received(REGISTER).length, 2);
});

test('loss: what is queued comes first, then CONNECTION_LOST, then the end', async () => {
  await using room = await pair();
  const subscription = await subscribeAs(room, 1);
  const idle = await subscribeAs(room, 2);
  const waiting = idle.next();
  room.daemon.event('LIFECYCLE', 1, lifecycle(1));
  await within(room.connection.call('CONNECT_SUPPORTS_FEATURE', { feature: 1 }));
  room.daemon.socket.destroy();
  await within(room.connection.closed);
  const lost = await failure(waiting, 'CONNECTION_LOST');
  assert.instance(lost, ConnectionLostError);
  assert.match(lost.message, /subscribe again, then list again/);
  assert.equal(codes(await take(subscription, 1)), [1]);
  await failure(subscription.next(), 'CONNECTION_LOST');
  assert.equal(await within(subscription.next()), { done: true, value: undefined });
  await within(subscription[Symbol.asyncDispose]());
});

test('close of the connection ends subscriptions normally', async () => {
  const room = await pair();
  const subscription = await subscribeAs(room, 1);
  const next = subscription.next();
  await within(room.connection.close());
  assert.equal(await within(next), { done: true, value: undefined });
  await room[Symbol.asyncDispose]();
});

test('more events than can be held while a registration is pending are told as lost', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const subscribing = connection.subscribe('LIFECYCLE', { queue: 5000 });
  await until(() => daemon.received(REGISTER).length === 1);
  const flood = Array.from({ length: 4100 }, (_, index) => eventFrame('LIFECYCLE', 3, lifecycle(index)));
  const reply = daemon.replyFrame(daemon.received(REGISTER)[0] as ReceivedCall, { callbackID: 3 });
  daemon.socket.write(Buffer.concat([...flood, reply]));
  const subscription = await within(subscribing);
  const items = await take(subscription, 4097);
  assert.equal(codes(items.slice(-2)), [4095, { lost: 4 }]);
});

test('a refused registration is a LibvirtError and leaves nothing behind', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const subscribing = connection.subscribe('NIC_MAC_CHANGE');
  await until(() => daemon.received(REGISTER).length === 1);
  daemon.fail(daemon.received(REGISTER)[0] as ReceivedCall, 1, 'unsupported event ID 27');
  await failure(subscribing, 'LIBVIRT');
  daemon.event('NIC_MAC_CHANGE', 0, { dom: DOM, alias: 'net0', oldMAC: 'a', newMAC: 'b' });
  const subscription = await subscribeAs(room, 0);
  daemon.event('LIFECYCLE', 0, lifecycle(8));
  assert.equal(codes(await take(subscription, 1)), [8]);
});

test('filters of another class, bad handles and unknown events are refused before anything is sent', async () => {
  await using room = await pair();
  const { daemon, connection } = room;
  const count = daemon.calls.length;
  assert.is((await failure(connection.subscribe('LIFECYCLE', { network: NET }), 'ARGUMENT_INVALID')).path, 'network');
  assert.is((await failure(connection.subscribe('LIFECYCLE', { queue: 0 }), 'ARGUMENT_INVALID')).path, 'queue');
  const bad = connection.subscribe('LIFECYCLE', { domain: { ...DOM, uuid: 'web1' } });
  assert.is((await failure(bad, 'ARGUMENT_INVALID')).path, 'dom.uuid');
  await failure(connection.subscribe('EXPLODED' as never), 'UNSUPPORTED');
  assert.is(daemon.calls.length, count);
});

test('an event that cannot be read ends the connection', async () => {
  await using room = await pair();
  await subscribeAs(room, 1);
  const bytes = eventFrame('LIFECYCLE', 1, lifecycle(1));
  bytes.writeUInt32BE(0xffff, 32);
  room.daemon.socket.write(bytes);
  const { reason, error } = await within(room.connection.closed);
  assert.is(reason, 'error');
  assert.is((error as { code?: string }).code, 'PROTOCOL_VIOLATION');
});

test('a message this library does not know is ignored', async () => {
  await using room = await pair();
  const bytes = eventFrame('LIFECYCLE', 1, lifecycle(1));
  bytes.writeInt32BE(60_000, 12);
  room.daemon.socket.write(bytes);
  assert.equal(await within(room.connection.call('CONNECT_SUPPORTS_FEATURE', { feature: 1 })), { supported: 1 });
});

test.run();
