import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectIn } from '../../src/connection/connect.js';
import { type CredentialsCallback, connect } from '../../src/connection/index.js';
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
  systemPki: '/etc/pki',
};
const ROOT: Environment = { ...USER, root: true, home: '/root', variables: {} };

const PARSED: [uri: string, driver: string, transport: string, path: string, name: string][] = [
  ['qemu:///system', 'qemu', 'unix', '/system', 'qemu:///system'],
  ['QEMU:///session', 'qemu', 'unix', '/session', 'qemu:///session'],
  ['qemu+unix:///session?socket=/run/a+b', 'qemu', 'unix', '/session', 'qemu:///session'],
  ['qemu+UNIX:///system?Mode=legacy;Socket=/x&foo=b%20r', 'qemu', 'unix', '/system', 'qemu:///system?foo=b%20r'],
  ['qemu+ssh://me@[::1]:2222/system?keyfile=/k', 'qemu', 'ssh', '/system', 'qemu:///system'],
  ['qemu://host/system', 'qemu', 'tls', '/system', 'qemu:///system'],
  ['qemu+unix:///system?name=qemu:///session', 'qemu', 'unix', '/system', 'qemu:///session'],
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

const REFUSED: [uri: string, code: 'UNSUPPORTED' | 'URI_INVALID', says: RegExp][] = [
  ['test:///default', 'UNSUPPORTED', /driver test.*qemu:\/\/\/system/],
  ['lxc:///', 'UNSUPPORTED', /driver lxc/],
  ['xen+ssh://host/', 'UNSUPPORTED', /driver xen/],
  ['esx://host/?no_verify=1', 'UNSUPPORTED', /driver esx/],
  ['vbox:///session', 'UNSUPPORTED', /driver vbox/],
  ['qemu:///embed?root=/x', 'UNSUPPORTED', /inside the client/],
  ['qemu+unix:///system?name=lxc:///', 'UNSUPPORTED', /driver lxc/],
  ['qemu+libssh://host/system', 'UNSUPPORTED', /qemu\+ssh/],
  ['qemu+libssh2://host/system', 'UNSUPPORTED', /qemu\+ssh/],
  ['qemu+ext://host/system?command=/x', 'UNSUPPORTED', /qemu\+ssh/],
  ['qemu+tcp://host/system', 'UNSUPPORTED', /insecure: 'allow'/],
  ['qemu+tls://host/system?tls_priority=SECURE256', 'UNSUPPORTED', /GnuTLS/],
  ['qemu+tls://host/system?tls_priority=NORMAL:-VERS-ALL', 'UNSUPPORTED', /GnuTLS/],
  ['http://host/system', 'URI_INVALID', /scheme 'http'/],
  ['qmeu:///system', 'URI_INVALID', /Did you mean 'qemu'/],
  ['qemu:///sytem', 'URI_INVALID', /Did you mean '\/system'/],
  ['qemu+ssh://host/sesion', 'URI_INVALID', /Did you mean '\/session'/],
  ['qemu:///System', 'URI_INVALID', /Did you mean '\/system'/],
  ['qemu:///system/', 'URI_INVALID', /Did you mean '\/system'/],
  ['qemu+ssh://host', 'URI_INVALID', /no path.*\/system or \/session/],
  ['qemu:///', 'URI_INVALID', /no path/],
  ['qemu:///images/web1.qcow2', 'URI_INVALID', /\/system or \/session/],
  ['qemu+unix:///system?name=qemu:///sytem', 'URI_INVALID', /Did you mean '\/system'/],
  ['qemu+unix:///system?name=qemu+ssh://x/system', 'URI_INVALID', /name=qemu:\/\/\/system/],
  ['qemu+shh://host/system', 'URI_INVALID', /Did you mean 'ssh'/],
  ['qemu+ssh://host/system?keyfle=/k', 'URI_INVALID', /Did you mean 'keyfile'/],
  ['qemu+ssh://host/system?no-verify=1', 'URI_INVALID', /Did you mean 'no_verify'/],
  ['qemu+ssh://host/system?keyfile=', 'URI_INVALID', /keyfile=VALUE/],
  ['qemu+ssh://host/system?no_tty=yes', 'URI_INVALID', /no_tty=1/],
  ['qemu+ssh://host/system?no_verify', 'URI_INVALID', /no_verify=1/],
  ['qemu+ssh://host/system?proxy=perhaps', 'URI_INVALID', /auto, native or netcat/],
  ['qemu+ssh://host/system?proxy=native&socket=/s', 'URI_INVALID', /takes no socket/],
  ['qemu+ssh://host/system?proxy=native&netcat=/nc', 'URI_INVALID', /takes no netcat/],
  ['qemu+ssh://host/session?proxy=netcat', 'URI_INVALID', /socket=PATH/],
  ['qemu+ssh://host/session?netcat=/nc', 'URI_INVALID', /socket=PATH/],
  ['qemu+ssh://host/system?mode=direct', 'URI_INVALID', /socket=PATH/],
  ['qemu+ssh://host/system?known_hosts_verify=maybe', 'URI_INVALID', /normal, auto or ignore/],
  ['qemu+ssh://host/system?known_hosts=/a"b', 'URI_INVALID', /without quotes/],
  ['qemu+ssh://-oProxyCommand=reboot/system', 'URI_INVALID', /no host that can be/],
  ['qemu+ssh://-oProxyCommand%3Dreboot/system', 'URI_INVALID', /no host that can be/],
  ['qemu+ssh://host%0A/system', 'URI_INVALID', /no host that can be/],
  ['qemu+ssh://a%00b@host/system', 'URI_INVALID', /no user that can be/],
  ['qemu+ssh://host:0/system', 'URI_INVALID', /1 to 65535/],
  ['qemu+ssh://host:99999/system', 'URI_INVALID', /1 to 65535/],
  ['qemu+ssh://host:ssh/system', 'URI_INVALID', /host\[:port\]/],
  ['qemu+ssh://me:hunter2@host/system', 'URI_INVALID', /ssh takes none from a program/],
  ['qemu+tcp://me:hunter2@host/system', 'URI_INVALID', /over TLS only/],
  ['qemu+tls://host/system?auth=kerberos', 'URI_INVALID', /sasl\.SCRAM-SHA-256/],
];
for (const [uri, code, says] of REFUSED) {
  test(`'${uri}' is refused before anything is tried`, async () => {
    const error = await failure(connect(uri), code);
    assert.match(error.message, says);
    assert.not.match(error.message, /hunter2/);
    assert.is(error.cause, undefined);
  });
}

const SECRETS = [
  'qemu+tls://me:hunter2@host/sytem',
  'qemu+tls://me:hunter2/system',
  'qemu+tls://me:hun/hunter2@host/system',
  'qemu+tls://me:hun@hunter2@host:x/system',
  'qemu+tls//me:hunter2@host/system',
  'qemu+tls://me:hunter2@[::1/system',
  'qemu+tls://me:hunter2%zz@host/system',
  'qemu+tls://me:hunter2@host/system?mode=x',
];
for (const uri of SECRETS) {
  test(`the password in '${uri}' is in no error`, async () => {
    assert.not.match(inspect(await failure(connect(uri), 'URI_INVALID'), { depth: 9 }), /hunter2/);
  });
}

test('parseUri: takes user, host and port apart, and leaves the password out of the text', () => {
  const { text, user, password, host, port } = parseUri('qemu+tls://fr%40ed:a%3Ab@[fe80::1]:99/system?a=b:c@d');
  assert.equal(
    { text, user, password, host, port },
    {
      text: 'qemu+tls://fr%40ed@[fe80::1]:99/system?a=b:c@d',
      user: 'fr@ed',
      password: 'a:b',
      host: 'fe80::1',
      port: 99,
    },
  );
  assert.is(parseUri('qemu+ssh:///system').host, 'localhost');
});

test('options: an unknown word for insecure and a callback that is none are refused', async () => {
  const insecure = 'yes' as 'allow';
  assert.is((await failure(connect('qemu+tcp://h/system', { insecure }), 'ARGUMENT_INVALID')).path, 'insecure');
  const credentials = 'me' as unknown as CredentialsCallback;
  assert.is((await failure(connect('qemu:///system', { credentials }), 'ARGUMENT_INVALID')).path, 'credentials');
});

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
