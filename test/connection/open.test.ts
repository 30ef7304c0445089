import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, type LibvirtError } from '../../src/connection/index.js';
import { FakeDaemon, failure, until, within } from './helpers.js';

test('the steps of opening are awaited one by one, in libvirt order', async () => {
  await using daemon = await FakeDaemon.start();
  await using connection = await within(connect(`${daemon.uri}&no_verify=1&foo=bar`));
  const steps = daemon.calls.map(({ procedure, args }) => `${procedure} ${args.feature ?? ''}`.trim());
  assert.equal(steps, [
    'AUTH_LIST',
    'CONNECT_SUPPORTS_FEATURE 10',
    'CONNECT_OPEN',
    'CONNECT_SUPPORTS_FEATURE 14',
    'CONNECT_SUPPORTS_FEATURE 15',
    'CONNECT_REGISTER_CLOSE_CALLBACK',
    'CONNECT_GET_LIB_VERSION',
    'CONNECT_GET_VERSION',
  ]);
  assert.equal(daemon.received('CONNECT_OPEN')[0]?.args, { name: 'qemu:///session?foo=bar', flags: 0 });
  assert.is(connection.uri, `${daemon.uri}&no_verify=1&foo=bar`);
  assert.is(connection.libvirtVersion, '9.0.0');
  assert.is(connection.hypervisorVersion, '7.2.0');
});

test('nothing of the next step is sent before the step is answered', async () => {
  await using daemon = await FakeDaemon.start({ AUTH_LIST: () => undefined });
  const controller = new AbortController();
  const connecting = connect(daemon.uri, { signal: controller.signal });
  await until(() => daemon.calls.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(daemon.calls.length, 1);
  controller.abort();
  const error = await failure(connecting, 'ABORTED');
  assert.match(error.message, 'connecting was aborted');
});

test('read-only is told to the daemon', async () => {
  await using daemon = await FakeDaemon.start();
  await using _connection = await within(connect(daemon.uri, { readonly: true }));
  assert.is(daemon.received('CONNECT_OPEN')[0]?.args.flags, 1);
});

test('remote:/// lets the daemon choose, and then it is asked what it chose', async () => {
  await using daemon = await FakeDaemon.start({ CONNECT_GET_URI: () => ({ uri: 'qemu:///session' }) });
  const socket = daemon.uri.slice(daemon.uri.indexOf('?'));
  await using connection = await within(connect(`remote+unix:///${socket}&name=`));
  assert.is(daemon.received('CONNECT_OPEN')[0]?.args.name, '');
  assert.match(connection.uri, 'remote+unix:///');
});

test('a daemon without QEMU still opens', async () => {
  await using daemon = await FakeDaemon.start({
    CONNECT_GET_VERSION: (call) => void daemon.fail(call, 1, 'Cannot find suitable emulator for x86_64'),
  });
  await using connection = await within(connect(daemon.uri));
  assert.is(connection.hypervisorVersion, '0.0.0');
});

test('a daemon too old for callback ids opens, and says so when events are asked for', async () => {
  await using daemon = await FakeDaemon.start({ CONNECT_SUPPORTS_FEATURE: () => ({ supported: 0 }) });
  await using connection = await within(connect(daemon.uri));
  assert.is(daemon.received('CONNECT_REGISTER_CLOSE_CALLBACK').length, 0);
  assert.match((await failure(connection.subscribe('LIFECYCLE'), 'UNSUPPORTED')).message, /1\.2\.1/);
});

test('polkit: asked before CONNECT_OPEN', async () => {
  await using daemon = await FakeDaemon.start({
    AUTH_LIST: () => ({ types: [2] }),
    AUTH_POLKIT: () => ({ complete: 1 }),
  });
  await using _connection = await within(connect(daemon.uri));
  assert.equal(
    daemon.calls.slice(0, 2).map((call) => call.procedure),
    ['AUTH_LIST', 'AUTH_POLKIT'],
  );
});

for (const [code, says] of [
  [45, /group 'libvirt'/],
  [79, /dismissed/],
  [94, /pkttyagent/],
] as const) {
  test(`polkit error ${code} is AUTHENTICATION_FAILED and says what to do`, async () => {
    await using daemon = await FakeDaemon.start({
      AUTH_LIST: () => ({ types: [2] }),
      AUTH_POLKIT: (call) => void daemon.fail(call, code, 'authentication failed'),
    });
    const error = await failure(connect(daemon.uri), 'AUTHENTICATION_FAILED');
    assert.match(error.message, says);
    assert.is((error.cause as LibvirtError).errorCode, code);
    await until(() => daemon.socket.destroyed);
  });
}

test('an error of CONNECT_OPEN is libvirt own', async () => {
  await using daemon = await FakeDaemon.start({
    CONNECT_OPEN: (call) => void daemon.fail(call, 38, 'no polkit for you'),
  });
  assert.match((await failure(connect(daemon.uri), 'LIBVIRT')).message, 'no polkit for you');
});

test('a daemon that hangs up during opening is DAEMON_UNREACHABLE', async () => {
  await using daemon = await FakeDaemon.start({ CONNECT_OPEN: () => void daemon.socket.destroy() });
  assert.match((await failure(connect(daemon.uri), 'DAEMON_UNREACHABLE')).message, /hung up .*max_clients/);
});

test('a daemon that does not answer is DAEMON_UNREACHABLE', async () => {
  await using daemon = await FakeDaemon.start({ CONNECT_OPEN: () => undefined });
  assert.match(
    (await failure(connect(daemon.uri, { callTimeout: 50 }), 'DAEMON_UNREACHABLE')).message,
    /does not answer/,
  );
});

test('something that is no libvirt daemon is a PROTOCOL_VIOLATION', async () => {
  await using daemon = await FakeDaemon.start({
    AUTH_LIST: () => void daemon.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
  });
  assert.match((await failure(connect(daemon.uri), 'PROTOCOL_VIOLATION')).message, /does not speak libvirt/);
});

test('an aborted signal connects to nothing', async () => {
  await using daemon = await FakeDaemon.start();
  await failure(connect(daemon.uri, { signal: AbortSignal.abort() }), 'ABORTED');
  assert.is(daemon.calls.length, 0);
});

test.run();
