import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectIn } from '../../src/connection/connect.js';
import { connect } from '../../src/connection/index.js';
import { parseClientConfig, resolveUri } from '../../src/connection/transports/default-uri.js';
import type { Environment } from '../../src/connection/transports/environment.js';
import { chooseSocket } from '../../src/connection/transports/sockets.js';
import { parseUri } from '../../src/connection/transports/uri.js';
import { failure } from './helpers.js';

const USER: Environment = {
  root: false,
  home: '/home/u',
  variables: { XDG_RUNTIME_DIR: '/run/user/7' },
  systemRuntime: '/run',
  systemConfig: '/etc/libvirt',
};
const ROOT: Environment = { ...USER, root: true, home: '/root', variables: {} };

const PARSED: [uri: string, driver: string, transport: string, path: string, name: string][] = [
  ['qemu:///system', 'qemu', 'unix', '/system', 'qemu:///system'],
  ['QEMU:///session', 'qemu', 'unix', '/session', 'qemu:///session'],
  ['qemu+unix:///session?socket=/run/a+b', 'qemu', 'unix', '/session', 'qemu:///session'],
  ['qemu+UNIX:///system?Mode=legacy;Socket=/x&foo=b%20r', 'qemu', 'unix', '/system', 'qemu:///system?foo=b%20r'],
  ['qemu+ssh://me@[::1]:2222/system?keyfile=/k', 'qemu', 'ssh', '/system', 'qemu:///system'],
  ['qemu://host/system', 'qemu', 'tls', '/system', 'qemu:///system'],
  ['qemu+unix:///system?name=qemu:///embed', 'qemu', 'unix', '/system', 'qemu:///embed'],
  ['remote:///', '', 'unix', '/', ''],
  ['', '', 'unix', '', ''],
];
for (const [uri, driver, transport, path, name] of PARSED) {
  test(`'${uri}' opens '${name}' over ${transport}`, () => {
    const parsed = parseUri(uri);
    assert.equal([parsed.driver, parsed.transport, parsed.path, parsed.name], [driver, transport, path, name]);
  });
}

test('a + in a socket path is a plus and %2B is one too', () => {
  assert.is(parseUri('qemu+unix:///session?socket=/run/a+b').socket, '/run/a+b');
  assert.is(parseUri('qemu+unix:///session?socket=/run/a%2Bb').socket, '/run/a+b');
});

const INVALID: [uri: string, says: RegExp][] = [
  ['qemu://system', /slash is missing: write qemu:\/\/\/system/],
  ['qemu+unix://session', /slash is missing: write qemu\+unix:\/\/\/session/],
  ['qemu+unix://host/system', /Leave the host out/],
  ['qemu+carrier-pigeon:///system', /is not a URI/],
  ['qemu+pigeon:///system', /unknown transport 'pigeon'/],
  ['/var/run/libvirt', /qemu:\/\/\/system/],
  ['qemu+unix:///system?mode=both', /auto, direct or legacy/],
  ['qemu+unix:///system?socket=%zz', /%25/],
];
for (const [uri, says] of INVALID) {
  test(`'${uri}' is invalid and the error says what to write`, async () => {
    assert.match((await failure(connect(uri), 'URI_INVALID')).message, says);
  });
}

const nothing = () => false;
const all = () => true;
const SOCKETS: [uri: string, environment: Environment, readonly: boolean, exists: () => boolean, path: string][] = [
  ['qemu:///system', ROOT, false, nothing, '/run/libvirt/libvirt-sock'],
  ['qemu:///system', ROOT, false, all, '/run/libvirt/virtqemud-sock'],
  ['qemu:///system', ROOT, true, all, '/run/libvirt/virtqemud-sock-ro'],
  ['qemu:///system', USER, true, nothing, '/run/libvirt/libvirt-sock-ro'],
  ['qemu:///system?mode=legacy', ROOT, false, all, '/run/libvirt/libvirt-sock'],
  ['qemu:///system?mode=direct', ROOT, false, nothing, '/run/libvirt/virtqemud-sock'],
  ['lxc:///system', ROOT, false, all, '/run/libvirt/virtlxcd-sock'],
  ['qemu:///session', USER, false, nothing, '/run/user/7/libvirt/libvirt-sock'],
  ['qemu:///session', USER, true, all, '/run/user/7/libvirt/virtqemud-sock'],
  ['qemu:///session', { ...USER, variables: {} }, false, nothing, '/home/u/.cache/libvirt/libvirt-sock'],
  ['', USER, false, nothing, '/run/user/7/libvirt/libvirt-sock'],
  ['', ROOT, false, nothing, '/run/libvirt/libvirt-sock'],
  ['qemu+unix:///session?socket=/x/y', ROOT, true, nothing, '/x/y'],
];
for (const [uri, environment, readonly, exists, path] of SOCKETS) {
  test(`'${uri}' as ${environment.root ? 'root' : 'user'}${readonly ? ', read-only' : ''} is ${path}`, () => {
    assert.is(chooseSocket(parseUri(uri), readonly, environment, exists).path, path);
  });
}

test('a socket path the kernel would cut off is refused', async () => {
  const path = `/tmp/${'x'.repeat(103)}`;
  const error = await failure(connect(`qemu+unix:///session?socket=${path}`), 'URI_INVALID');
  assert.match(error.message, /108 bytes, more than 107/);
  await failure(connect(`qemu+unix:///session?socket=${path.slice(0, -1)}`), 'DAEMON_UNREACHABLE');
});

test('root and /session: the error names the way out', async () => {
  const error = await failure(connectIn(ROOT, 'qemu:///session'), 'URI_INVALID');
  assert.match(error.message, /qemu:\/\/\/system/);
});

for (const uri of [
  'qemu+ssh://host/system',
  'qemu://host/system',
  'qemu+tcp://host/system',
  'qemu+tls://host/system',
]) {
  test(`${uri} is refused as not built yet`, async () => {
    assert.match((await failure(connect(uri), 'UNSUPPORTED')).message, /unix socket/);
  });
}

test('no socket, nobody listening, not a socket: each names the path and what to do', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lvc-uri-'));
  try {
    const environment = { ...ROOT, systemRuntime: directory };
    const missing = await failure(connectIn(environment, 'qemu:///system'), 'DAEMON_UNREACHABLE');
    assert.match(missing.message, `${directory}/libvirt/libvirt-sock: there is no such socket`);
    assert.match(missing.message, /systemctl start virtqemud.socket/);
    mkdirSync(join(directory, 'libvirt'));
    writeFileSync(join(directory, 'libvirt/virtqemud-sock'), '');
    const plain = await failure(connectIn(environment, 'qemu:///system'), 'DAEMON_UNREACHABLE');
    assert.match(plain.message, /virtqemud-sock/);
    assert.match(plain.message, /systemctl start virtqemud.socket/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const CONFIG = `
# uri_default = "commented:///out"
uri_aliases = [
  "hail=qemu+ssh://root@hail.cloud.example.com/system",
  # "gone=qemu:///gone",
  'sleet=qemu:///system',
]
uri_default = "sleet"
`;

test('libvirt.conf: default and aliases', () => {
  const { uriDefault, aliases } = parseClientConfig(CONFIG);
  assert.is(uriDefault, 'sleet');
  assert.equal(
    [...aliases],
    [
      ['hail', 'qemu+ssh://root@hail.cloud.example.com/system'],
      ['sleet', 'qemu:///system'],
    ],
  );
});

test('the URI: given, then LIBVIRT_DEFAULT_URI, then uri_default, aliases replaced', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lvc-conf-'));
  try {
    mkdirSync(join(directory, 'libvirt'));
    writeFileSync(join(directory, 'libvirt/libvirt.conf'), CONFIG);
    const variables = { XDG_CONFIG_HOME: directory };
    const user = { ...USER, variables };
    assert.is(resolveUri('qemu:///session', user), 'qemu:///session');
    assert.is(resolveUri('hail', user), 'qemu+ssh://root@hail.cloud.example.com/system');
    assert.is(resolveUri(undefined, user), 'qemu:///system');
    const named = { ...user, variables: { ...variables, LIBVIRT_DEFAULT_URI: 'qemu:///session' } };
    assert.is(resolveUri(undefined, named), 'qemu:///session');
    assert.is(resolveUri('sleet', named), 'qemu:///system');
    assert.is(resolveUri(undefined, USER), '');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const BAD_OPTIONS: [options: object, path: string][] = [
  [{ callTimeout: -1 }, 'callTimeout'],
  [{ callTimeout: Number.NaN }, 'callTimeout'],
  [{ maxInFlight: 0 }, 'maxInFlight'],
  [{ maxInFlight: 1.5 }, 'maxInFlight'],
  [{ redefine: 'maybe' }, 'redefine'],
  [{ keepAlive: { interval: 0 } }, 'keepAlive.interval'],
  [{ keepAlive: { count: -1 } }, 'keepAlive.count'],
];
for (const [options, path] of BAD_OPTIONS) {
  test(`option ${path} is checked`, async () => {
    assert.is((await failure(connect('qemu:///system', options), 'ARGUMENT_INVALID')).path, path);
  });
}

test('a password that somebody wrote into a URI is in no error', async () => {
  for (const uri of [
    'qemu+ssh://me:hunter2@host/system',
    'qemu+tcp://me:hun/hunter2@x@host/system',
    'qemu+ssh://me:?hunter2@host/system',
    'qemu://me:hunter2@host/system?mode=both',
    'qemu+pigeon://me:hunter2@host/',
    'qemu+unix://me:hunter2@host/system',
    '//me:hunter2@host',
    'qemu+unix://me:hunter2@/system?socket=%',
  ])
    await connect(uri).then(
      () => assert.unreachable(uri),
      (error: Error) => assert.not.match(inspect(error), 'hunter2', uri),
    );
});

test.run();
