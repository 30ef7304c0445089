import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectIn } from '../../src/connection/connect.js';
import { type ConnectOptions, connect } from '../../src/connection/index.js';
import { type Environment, processEnvironment } from '../../src/connection/transports/environment.js';
import type { ErrorCode } from '../../src/errors.js';
import { freePort } from '../../src/testing/free-port.js';
import { Authority, type Certificate, type CertificateOptions, PrivateHost } from '../../src/testing/index.js';
import { pkipathOf } from '../support/reach.js';
import { failure, within } from './helpers.js';

const YEAR = 365 * 24 * 3600 * 1000;
const PAST: CertificateOptions = { from: new Date(Date.now() - 2 * YEAR), until: new Date(Date.now() - YEAR) };
const FUTURE: CertificateOptions = { from: new Date(Date.now() + YEAR), until: new Date(Date.now() + 2 * YEAR) };
const ALLOWED = 'C=GB,O=libvirt-canonical,CN=client';

interface Place {
  readonly authority: Authority;
  readonly other: Authority;
  readonly client: Certificate;
  readonly port: number;
  readonly hosts: PrivateHost[];
}

const test = suite<Place>('tls');

async function listen({ authority, hosts }: Pick<Place, 'authority' | 'hosts'>, server: Certificate, more = '') {
  const port = await freePort();
  hosts.push(await PrivateHost.start({ listen: true, config: `${more}${authority.listenConfig(port, server)}` }));
  return port;
}

test.before(async (context) => {
  const [authority, other] = await Promise.all([Authority.create(), Authority.create('another CA')]);
  const [server, client] = await Promise.all([authority.server(), authority.client()]);
  const hosts: PrivateHost[] = [];
  const port = await within(listen({ authority, hosts }, server, `tls_allowed_dn_list = ["${ALLOWED}"]\n`), 60_000);
  Object.assign(context, { authority, other, client, port, hosts });
});
test.after(async ({ authority, other, hosts }) => {
  await Promise.all(hosts.map((host) => host.stop()));
  await Promise.all([authority, other].map((each) => each[Symbol.asyncDispose]()));
});

const open = (uri: string, options?: ConnectOptions) => within(connect(uri, options), 60_000);
const uriOf = (port: number, { cert }: Certificate, host = 'localhost', more = '') =>
  `qemu+tls://${host}:${port}/session?pkipath=${pkipathOf({ cert })}${more}`;

for (const [name, host, more] of [
  ['by name', 'localhost', ''],
  ['by address', '127.0.0.1', ''],
  ['by name in other letters', 'LocalHost', ''],
  ['with TLS 1.2 only', 'localhost', '&tls_priority=NORMAL:-VERS-TLS1.3'],
  ['with TLS 1.3 only', 'localhost', '&tls_priority=NORMAL:-VERS-ALL:%2BVERS-TLS1.3'],
  ['with libvirt’s check of our own files off', 'localhost', '&no_sanity=1'],
] as const) {
  test(`connect: ${name}`, async ({ port, client, hosts: [first] }) => {
    const uri = uriOf(port, client, host, more);
    await using connection = await open(uri);
    assert.is(connection.uri, uri);
    assert.is(connection.logDirectory, undefined);
    assert.is(connection.libvirtVersion, first?.libvirtVersion);
    assert.is((await connection.call('CONNECT_GET_URI', {})).uri, 'qemu:///session');
  });
}

test('connect: tls is the transport of a URI with a host and no transport', async ({ port, client }) => {
  await using connection = await open(uriOf(port, client).replace('qemu+tls', 'qemu'));
  assert.ok((await connection.call('CONNECT_GET_HOSTNAME', {})).hostname.length > 0);
});

test('connect: read-only', async ({ port, client }) => {
  await using connection = await open(uriOf(port, client), { readonly: true });
  await failure(connection.call('STORAGE_POOL_DEFINE_XML', { xml: '<pool/>', flags: 0 }), 'LIBVIRT');
});

const CLIENTS: [name: string, certificate: (place: Place) => Promise<Certificate>, says: RegExp][] = [
  ['expired', ({ authority }) => authority.client(PAST), /our certificate .*clientcert\.pem has expired \(.*Renew it/],
  ['not valid yet', ({ authority }) => authority.client(FUTURE), /is not valid before .*Check the clocks/],
  ['of another CA', foreignClient, /was not issued by the CA of .*cacert\.pem/],
  [
    'not in the list of the daemon',
    ({ authority }) => authority.client({ subject: '/C=GB/O=libvirt-canonical/CN=uninvited' }),
    /refuses the certificate of 'C=GB,O=libvirt-canonical,CN=uninvited'.*tls_allowed_dn_list/,
  ],
];

/** A certificate of another authority in a folder with the daemon's, as after a mix-up. */
async function foreignClient({ authority, other }: Place): Promise<Certificate> {
  const certificate = await other.client();
  copyFileSync(authority.cert, join(pkipathOf(certificate), 'cacert.pem'));
  return certificate;
}

for (const [name, certificate, says] of CLIENTS) {
  test(`connect: a client certificate that is ${name}`, async (context) => {
    const uri = uriOf(context.port, await certificate(context));
    const error = await failure(connect(uri), 'AUTHENTICATION_FAILED');
    assert.match(error.message, says);
    assert.match(error.message, `localhost:${context.port} did not accept us`);
    const older = await failure(connect(`${uri}&tls_priority=NORMAL:-VERS-TLS1.3`), 'AUTHENTICATION_FAILED');
    assert.match(older.message, says, 'with TLS 1.2');
  });
}

/** libvirt's places for certificates, in a directory. */
function places(): { home: string; systemPki: string; environment: Environment; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'pki-'));
  const [home, systemPki] = [join(directory, 'home'), join(directory, 'etc')];
  const folders = [`${home}/.pki/libvirt`, `${systemPki}/CA`, `${systemPki}/libvirt/private`];
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const environment = { ...processEnvironment(), root: false, home, systemPki };
  return { home, systemPki, environment, remove: () => rmSync(directory, { recursive: true }) };
}

test('connect: certificates in libvirt’s places: the user’s, the system’s, the CA apart from the pair', async (context) => {
  const { authority, client, port } = context;
  const uri = `qemu+tls://localhost:${port}/session`;
  const { home, systemPki, environment, remove } = places();
  const attempt = (as: Environment) => within(connectIn(as, uri), 60_000);
  try {
    const none = await failure(attempt(environment), 'AUTHENTICATION_FAILED');
    assert.match(none.message, `${systemPki}/CA/cacert.pem cannot be read (ENOENT)`);
    copyFileSync(authority.cert, `${systemPki}/CA/cacert.pem`);
    const naked = await failure(attempt(environment), 'AUTHENTICATION_FAILED');
    assert.match(naked.message, `there is none at ${home}/.pki/libvirt/clientcert.pem`);
    copyFileSync(client.cert, `${home}/.pki/libvirt/clientcert.pem`);
    const keyless = await failure(attempt(environment), 'AUTHENTICATION_FAILED');
    assert.match(keyless.message, `key ${home}/.pki/libvirt/clientkey.pem cannot be read`);
    copyFileSync(client.key, `${home}/.pki/libvirt/clientkey.pem`);
    await (await attempt(environment)).close();
    const asRoot = await failure(attempt({ ...environment, root: true }), 'AUTHENTICATION_FAILED');
    assert.match(asRoot.message, `there is none at ${systemPki}/libvirt/clientcert.pem`);
    copyFileSync(client.cert, `${systemPki}/libvirt/clientcert.pem`);
    copyFileSync(client.key, `${systemPki}/libvirt/private/clientkey.pem`);
    await (await attempt({ ...environment, root: true })).close();
  } finally {
    remove();
  }
});

const FILES: [name: string, spoil: (folder: string, place: Place) => void | Promise<void>, says: RegExp][] = [
  ['a folder without a CA', (folder) => rmSync(`${folder}/cacert.pem`), /CA certificate .* cannot be read \(ENOENT\)/],
  [
    'a folder without a certificate',
    (folder) => rmSync(`${folder}/clientcert.pem`),
    /client certificate .* cannot be read/,
  ],
  ['a folder without a key', (folder) => rmSync(`${folder}/clientkey.pem`), /key .* cannot be read \(ENOENT\)/],
  [
    'a CA that is no PEM',
    (folder) => writeFileSync(`${folder}/cacert.pem`, 'x'),
    /not issued by the CA|no certificate/,
  ],
  ['a certificate that is no PEM', (folder) => writeFileSync(`${folder}/clientcert.pem`, 'x'), /no certificate or key/],
  ['a key that is no PEM', (folder) => writeFileSync(`${folder}/clientkey.pem`, 'x'), /no certificate or key in PEM/],
  [
    'a key of another certificate',
    async (folder, { authority }) => copyFileSync((await authority.client()).key, `${folder}/clientkey.pem`),
    /our key .* does not belong to our certificate/,
  ],
];
for (const [name, spoil, says] of FILES) {
  test(`connect: ${name}`, async (context) => {
    const certificate = await context.authority.client();
    await spoil(pkipathOf(certificate), context);
    const error = await failure(connect(uriOf(context.port, certificate)), 'AUTHENTICATION_FAILED');
    assert.match(error.message, says);
  });
}

interface Server {
  readonly name: string;
  readonly certificate: CertificateOptions;
  readonly host?: string;
  readonly pki?: (place: Place) => Promise<Certificate>;
  readonly says: RegExp;
}
const SERVERS: readonly Server[] = [
  { name: 'expired', certificate: PAST, says: /its certificate.* has expired.*Renew it on the host/ },
  { name: 'not valid yet', certificate: FUTURE, says: /not valid yet.*Check the clocks/ },
  {
    name: 'for another name',
    certificate: { names: ['DNS:elsewhere.example'], subject: '/CN=elsewhere.example' },
    says: /for another name \(DNS:elsewhere\.example\).*subjectAltName/,
  },
  {
    name: 'for a name, where the URI has an address',
    certificate: { names: ['DNS:localhost'] },
    host: '127.0.0.1',
    says: /for another name \(DNS:localhost\)/,
  },
  {
    name: 'of a CA that we do not know',
    certificate: {},
    pki: ({ other }) => other.client(),
    says: /was not issued by the CA of .*cacert\.pem.*pkipath=PATH/,
  },
];
for (const { name, certificate, host, pki, says } of SERVERS) {
  test(`connect: a server certificate that is ${name}, and no_verify`, async (context) => {
    const { authority, client } = context;
    const ours = (await pki?.(context)) ?? client;
    // The daemon itself refuses to start with some of them.
    const port = await listen(
      context,
      await authority.server(certificate),
      'tls_no_sanity_certificate = 1\ntls_no_verify_certificate = 1\n',
    );
    const error = await failure(connect(uriOf(port, ours, host)), 'AUTHENTICATION_FAILED');
    assert.match(error.message, says);
    assert.match(error.message, `no TLS to ${host ?? 'localhost'}:${port}`);
    await using connection = await open(uriOf(port, ours, host, '&no_verify=1'));
    assert.ok((await connection.call('CONNECT_GET_HOSTNAME', {})).hostname.length > 0);
    await context.hosts.pop()?.stop();
  });
}

const abortedSoon = new AbortController();
const LISTENERS: [
  name: string,
  code: ErrorCode,
  says: RegExp,
  options: ConnectOptions,
  serve: 'end' | 'text' | 'silent',
][] = [
  ['hangs up', 'DAEMON_UNREACHABLE', /Check that the port is that of TLS/, {}, 'end'],
  ['speaks no TLS', 'DAEMON_UNREACHABLE', /Check that the port is that of TLS/, {}, 'text'],
  ['says nothing, and the caller gives up', 'ABORTED', /aborted/, { signal: abortedSoon.signal }, 'silent'],
];
for (const [name, code, says, options, serve] of LISTENERS) {
  test(`connect: a port where somebody ${name}`, async ({ client }) => {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      if (serve === 'silent') abortedSoon.abort();
      if (serve === 'end') socket.destroy();
      if (serve === 'text') socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    try {
      assert.match((await failure(connect(uriOf(port, client), options), code)).message, says);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
}

test('connect: a port where somebody says nothing', async ({ client }) => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const attempt = connect(uriOf(port, client), { callTimeout: 150 });
  const error = await failure(attempt, 'DAEMON_UNREACHABLE').finally(() => server.close());
  assert.match(error.message, /did not answer within 150 ms/);
});

test('connect: nobody listens, and no such host', async ({ client }) => {
  const refused = await failure(connect(uriOf(1, client)), 'DAEMON_UNREACHABLE');
  assert.match(refused.message, /localhost:1: nobody listens there/);
  const unknown = await failure(connect(uriOf(1, client, 'no-such-host.invalid')), 'DAEMON_UNREACHABLE', 60_000);
  assert.match(unknown.message, /Check the name/);
});

test('the daemon killed and back: the connection goes on, with certificates read again', async (context) => {
  const { port, client, hosts } = context;
  const [host] = hosts as [PrivateHost];
  const connections = await Promise.all(
    Array.from({ length: 8 }, () => open(uriOf(port, client), { reconnect: { delay: 20, attempts: 200 } })),
  );
  await host.killDaemon();
  const reads = connections.map((connection) => connection.call('CONNECT_GET_HOSTNAME', {}));
  await host.startDaemon();
  for (const { hostname } of await within(Promise.all(reads), 60_000)) assert.ok(hostname.length > 0);
  await Promise.all(connections.map((connection) => connection.close()));
});

test.run();
