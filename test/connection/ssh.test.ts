import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defineOnce } from '../../src/connection/define-permit.js';
import {
  type ConnectionLostError,
  type ConnectOptions,
  connect,
  VIR_DOMAIN_SHUTOFF,
} from '../../src/connection/index.js';
import type { ErrorCode } from '../../src/errors.js';
import { PrivateHost, SshServer } from '../../src/testing/index.js';
import { failure, until, within } from './helpers.js';

interface Place {
  readonly host: PrivateHost;
  readonly server: SshServer;
  readonly socket: string;
}

const test = suite<Place>('ssh');

test.before(async (context) => {
  const host = await within(PrivateHost.start(), 60_000);
  const server = await SshServer.start(host);
  Object.assign(context, { host, server, socket: `${host.directory}/run/libvirt/libvirt-sock` });
});
test.after(async ({ host }) => {
  await within(host.stop(), 30_000);
});

const open = (uri: string, options?: ConnectOptions) => within(connect(uri, options), 60_000);

/** Client processes of the server's keys that run now. */
function children({ server }: Place): number[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => commandOf(pid).includes(`${server.directory}/user\0`))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

type Parameters = (place: Place) => Record<string, string | undefined>;
const WAYS: [name: string, parameters: Parameters][] = [
  ["libvirt's helper", () => ({})],
  ['the helper by name', () => ({ proxy: 'native' })],
  ['nc to a named socket', ({ socket }) => ({ socket })],
  ['nc by its path', ({ socket }) => ({ socket, netcat: '/bin/nc' })],
  ['a host that nobody knows, unverified', () => ({ known_hosts: '/dev/null', no_verify: '1' })],
  [
    'a host that nobody knows, taken on',
    ({ server }) => ({ known_hosts: `${server.directory}/new`, known_hosts_verify: 'auto' }),
  ],
  ['known hosts in a path with a space and a %', ({ server }) => ({ known_hosts: spaced(server) })],
  ['with a terminal, were there one', () => ({ no_tty: undefined })],
];

function spaced({ directory }: SshServer): string {
  copyFileSync(`${directory}/known_hosts`, `${directory}/known %h hosts`);
  return encodeURIComponent(`${directory}/known %h hosts`);
}

for (const [name, parameters] of WAYS) {
  test(`connect: ${name}`, async (context) => {
    const uri = context.server.uri({ parameters: parameters(context) });
    const connection = await open(uri);
    assert.is(connection.uri, uri);
    assert.is(connection.logDirectory, undefined);
    assert.is(connection.libvirtVersion, context.host.libvirtVersion);
    assert.is(children(context).length, 1);
    await within(connection.close());
    assert.equal(children(context), [], 'the child is gone when close() is done');
  });
}

test('connect: read-only through the helper', async ({ server }) => {
  await using connection = await open(server.uri(), { readonly: true });
  await failure(connection.call('STORAGE_POOL_DEFINE_XML', { xml: '<pool/>', flags: 0 }), 'LIBVIRT');
});

interface Failure {
  readonly name: string;
  readonly uri: (place: Place) => string | Promise<string>;
  readonly code: ErrorCode;
  readonly says: RegExp;
}
const withParameters =
  (parameters: Parameters, user?: string): Failure['uri'] =>
  (place) =>
    place.server.uri({ parameters: parameters(place), ...(user && { user }) });

const FAILURES: readonly Failure[] = [
  {
    name: 'a key that nobody accepts',
    uri: withParameters(({ server }) => ({ keyfile: `${server.directory}/other` })),
    code: 'AUTHENTICATION_FAILED',
    says: /ended with 255: nobody@127\.0\.0\.1: Permission denied \(publickey\)\. Give a key/,
  },
  {
    name: 'a key file that is not there',
    uri: withParameters(() => ({ keyfile: '/nowhere' })),
    code: 'AUTHENTICATION_FAILED',
    says: /correct keyfile=/,
  },
  {
    name: 'a key that others may read',
    uri: withParameters(({ server }) => ({ keyfile: readable(server) })),
    code: 'AUTHENTICATION_FAILED',
    says: /chmod 600/,
  },
  { name: 'an unknown user', uri: withParameters(() => ({}), 'ghost'), code: 'AUTHENTICATION_FAILED', says: /ghost@/ },
  {
    name: 'an unknown host',
    uri: withParameters(() => ({ known_hosts: '/dev/null' })),
    code: 'AUTHENTICATION_FAILED',
    says: /Host key verification failed\. The host's key is not known/,
  },
  {
    name: 'a host with another key than before',
    uri: withParameters(({ server }) => ({ known_hosts: otherKey(server) })),
    code: 'AUTHENTICATION_FAILED',
    says: /Host key verification failed\. The host shows another key/,
  },
  {
    name: 'a port where nobody listens',
    uri: ({ server }) => server.uri().replace(`:${server.port}/`, ':1/'),
    code: 'DAEMON_UNREACHABLE',
    says: /Connection refused/,
  },
  {
    name: 'a host without a name',
    uri: ({ server }) => server.uri().replace(`127.0.0.1:${server.port}`, 'no-such-host.invalid'),
    code: 'DAEMON_UNREACHABLE',
    says: /Could not resolve hostname.*Check the name/,
  },
  {
    name: 'no ssh to run',
    uri: withParameters(() => ({ command: '/nowhere/ssh' })),
    code: 'DAEMON_UNREACHABLE',
    says: /\/nowhere\/ssh cannot be run \(ENOENT\)/,
  },
  {
    name: 'an ssh that may not be run',
    uri: withParameters(({ server }) => ({ command: `${server.directory}/known_hosts` })),
    code: 'DAEMON_UNREACHABLE',
    says: /cannot be run \(EACCES\)/,
  },
  {
    name: 'an option that ssh does not know',
    uri: withParameters(({ server }) => ({ command: scriptOf(server, 'exec ssh -o Nonsense=1 "$@"') })),
    code: 'DAEMON_UNREACHABLE',
    says: /Bad configuration option.*Correct ssh's configuration/,
  },
  {
    name: 'an ssh that dies of a signal',
    uri: withParameters(({ server }) => ({ command: scriptOf(server, 'kill -9 $$') })),
    code: 'DAEMON_UNREACHABLE',
    says: /was ended by SIGKILL/,
  },
  {
    name: 'an ssh that ends well and says nothing',
    uri: withParameters(({ server }) => ({ command: scriptOf(server, 'exit 0') })),
    code: 'DAEMON_UNREACHABLE',
    says: /ssh to nobody@127\.0\.0\.1 hung up while the connection was opened/,
  },
  {
    name: 'an ssh that greets in the place of the protocol',
    uri: withParameters(({ server }) => ({ command: scriptOf(server, 'echo Welcome to this machine; exec sleep 60') })),
    code: 'PROTOCOL_VIOLATION',
    says: /the text 'Welcome to this machine'/,
  },
  {
    name: 'no nc there',
    uri: withParameters(({ socket }) => ({ socket, netcat: '/nowhere/nc' })),
    code: 'DAEMON_UNREACHABLE',
    says: /ended with 127: .*not found\. Install libvirt-clients/,
  },
  {
    name: 'no such socket',
    uri: withParameters(() => ({ socket: '/nowhere' })),
    code: 'DAEMON_UNREACHABLE',
    says: /ended with 1: nc: .*No such file or directory\. Start the libvirt daemon/,
  },
];

function readable({ directory }: SshServer): string {
  copyFileSync(`${directory}/user`, `${directory}/open`);
  chmodSync(`${directory}/open`, 0o644);
  // ssh looks at the mode of one's own keys only, and newer libuv copies a file with its owner.
  chownSync(`${directory}/open`, process.getuid?.() ?? -1, process.getgid?.() ?? -1);
  return `${directory}/open`;
}

function otherKey({ directory, port }: SshServer): string {
  writeFileSync(`${directory}/changed`, `[127.0.0.1]:${port} ${readFileSync(`${directory}/other.pub`, 'utf8')}`);
  return `${directory}/changed`;
}

let scripts = 0;
function scriptOf({ directory }: SshServer, text: string): string {
  const path = `${directory}/script-${++scripts}`;
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

for (const { name, uri, code, says } of FAILURES) {
  test(`connect: ${name} is ${code}`, async (context) => {
    const error = await failure(connect(await uri(context)), code, 60_000);
    assert.match(error.message, says);
    assert.equal(children(context), [], 'the child is gone when the error comes');
  });
}

test('connect: something that is no ssh server', async ({ server }) => {
  const listener = createServer((socket) => socket.end('hello\r\n')).listen(0, '127.0.0.1');
  await new Promise((resolve) => listener.once('listening', resolve));
  const { port } = listener.address() as { port: number };
  const attempt = connect(server.uri().replace(`:${server.port}/`, `:${port}/`));
  assert.match((await failure(attempt, 'DAEMON_UNREACHABLE', 60_000)).message, /Check that an ssh server listens/);
  listener.close();
});

test('connect: given up while ssh is at it, and a deadline; the child is gone', async (context) => {
  const command = scriptOf(context.server, `exec sleep 60 # ${context.server.directory}`);
  const uri = context.server.uri({ parameters: { command } });
  await failure(connect(uri, { signal: AbortSignal.timeout(50) }), 'ABORTED');
  const late = await failure(connect(uri, { callTimeout: 50 }), 'DAEMON_UNREACHABLE');
  assert.match(late.message, /may wait for an answer at the terminal/);
  const stubborn = scriptOf(context.server, "trap '' TERM; while :; do sleep 0.1; done");
  await failure(
    connect(context.server.uri({ parameters: { command: stubborn } }), { callTimeout: 50 }),
    'DAEMON_UNREACHABLE',
  );
  const left = readdirSync('/proc').filter(
    (pid) => commandOf(pid).includes(stubborn) || commandOf(pid).includes(command),
  );
  assert.equal(left, []);
});

test('ssh killed: a read is sent again, a mutator rejects, a subscription has a gap', async (context) => {
  await using connection = await open(context.server.uri(), { reconnect: { delay: 10 } });
  await using events = await connection.subscribe('LIFECYCLE');
  const uuid = '11111111-2222-4333-8444-0000000000aa';
  const xml = `<domain type='qemu'><name>over-ssh</name><uuid>${uuid}</uuid><memory>65536</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type></os></domain>`;
  const dom = await defineOnce(connection, xml, uuid, 0);
  const { value: defined } = await within(events.next());
  assert.is(defined?.type, 'event');
  const [child = 0] = children(context);
  const daemon = context.host.pid as number;
  process.kill(daemon, 'SIGSTOP');
  const read = connection.call('DOMAIN_GET_STATE', { dom, flags: 0 });
  const write = connection.call('DOMAIN_SET_AUTOSTART', { dom, autostart: 1 });
  await new Promise((resolve) => setImmediate(resolve));
  process.kill(child, 'SIGKILL');
  const lost = (await failure(write, 'CONNECTION_LOST')) as ConnectionLostError;
  process.kill(daemon, 'SIGCONT');
  assert.is(lost.sent, true);
  assert.match(String((lost.cause as Error).message), /was ended by SIGKILL/);
  assert.is((await within(read, 60_000)).state, VIR_DOMAIN_SHUTOFF);
  const { value: gap } = await within(events.next());
  assert.is(gap?.type, 'gap');
  await connection.call('DOMAIN_UNDEFINE_FLAGS', { dom, flags: 0 });
});

test('the server cut and back: the connection goes on', async ({ server }) => {
  await using connection = await open(server.uri(), { reconnect: { delay: 20, maxDelay: 100, attempts: 200 } });
  await server.stop();
  const read = connection.call('CONNECT_GET_HOSTNAME', {});
  await new Promise((resolve) => setTimeout(resolve, 200));
  await server.restart();
  assert.ok((await within(read, 60_000)).hostname.length > 0);
});

test('close() while another link is being made leaves no child', async (context) => {
  const connection = await open(context.server.uri(), { reconnect: { delay: 1, maxDelay: 1, attempts: 1000 } });
  const [child = 0] = children(context);
  process.kill(child, 'SIGKILL');
  await until(() => children(context).some((pid) => pid !== child));
  await within(connection.close());
  assert.equal(children(context), []);
});

test('eight connections at once, each its own child', async (context) => {
  const uris = Array.from({ length: 8 }, () => context.server.uri());
  const connections = await Promise.all(uris.map((uri) => open(uri)));
  assert.is(children(context).length, 8);
  await Promise.all(connections.map((connection) => connection.call('CONNECT_GET_CAPABILITIES', {})));
  await Promise.all(connections.map((connection) => connection.close()));
  assert.equal(children(context), []);
});

test('SshServer: it ends with its host, and what was logged in too', async () => {
  const host = await within(PrivateHost.start(), 60_000);
  const server = await SshServer.start(host);
  const connection = await open(server.uri(), { reconnect: false });
  await host.stop();
  await within(connection.closed);
  const refused = new Promise((resolve) => createConnection(server.port, '127.0.0.1').once('error', resolve));
  assert.is(((await within(refused)) as { code?: string }).code, 'ECONNREFUSED');
});

for (const end of ['SIGKILL', 'exit'] as const) {
  test(`the program ends by ${end}: the child does too`, async (context) => {
    const program = fileURLToPath(new URL('ssh-child.js', import.meta.url));
    const child = spawn(process.execPath, [program, context.server.uri(), end], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await within(new Promise((resolve) => child.stdout.once('data', resolve)), 60_000);
    if (end === 'SIGKILL') {
      assert.is(children(context).length, 1);
      child.kill('SIGKILL');
    }
    await within(ended);
    await until(() => children(context).length === 0);
  });
}

test.run();
