import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectIn } from '../../src/connection/connect.js';
import { CALL_CHANNEL, type ConnectOptions, type CredentialsRequest, connect } from '../../src/connection/index.js';
import { type Environment, processEnvironment } from '../../src/connection/transports/environment.js';
import type { ErrorCode } from '../../src/errors.js';
import { freePort } from '../../src/testing/free-port.js';
import { Authority, PrivateHost } from '../../src/testing/index.js';
import { pkipathOf } from '../support/reach.js';
import { type SaslDatabase, saslDatabase } from '../support/sasl.js';
import { FakeDaemon, failure, within } from './helpers.js';

const USER = 'fred@test';
const PASSWORD = 'hunter2 =,;#';
const UMLAUTS = 'Käsespätzle ½ﬁ';

interface Place {
  readonly authority: Authority;
  readonly database: SaslDatabase;
  readonly host: PrivateHost;
  readonly tls: string;
  readonly tcp: string;
  readonly unix: string;
}

const test = suite<Place>('sasl');

test.before(async (context) => {
  const mechanisms = 'scram-sha-512 scram-sha-256 scram-sha-1 digest-md5 plain anonymous';
  const database = saslDatabase(mechanisms, { fred: PASSWORD, 'a,b=c': PASSWORD, heidi: UMLAUTS });
  const authority = await Authority.create();
  const [server, client, tls, tcp] = await Promise.all([
    authority.server(),
    authority.client(),
    freePort(),
    freePort(),
  ]);
  const config = `auth_unix_rw = "sasl"\nauth_tls = "sasl"\nauth_tcp = "sasl"\nlisten_tcp = 1\ntcp_port = "${tcp}"\n`;
  const listening = { listen: true, config: `${config}${authority.listenConfig(tls, server)}`, env: database.env };
  const host = await within(PrivateHost.start(listening), 60_000);
  Object.assign(context, {
    authority,
    database,
    host,
    unix: host.uri,
    tls: `qemu+tls://localhost:${tls}/session?pkipath=${pkipathOf(client)}`,
    tcp: `qemu+tcp://localhost:${tcp}/session`,
  });
});
test.after(async ({ authority, database, host }) => {
  await host.stop();
  await authority[Symbol.asyncDispose]();
  database.remove();
});

const open = (uri: string, options?: ConnectOptions) => within(connect(uri, options), 60_000);
const asFred = (requests: CredentialsRequest[] = []): ConnectOptions => ({
  credentials: (request) => {
    requests.push(request);
    return { user: USER, password: PASSWORD };
  },
});

for (const [over, mechanisms] of [
  ['unix', ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1']],
  ['tls', ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN']],
] as const) {
  for (const mechanism of mechanisms) {
    test(`connect: ${mechanism} over ${over}`, async (context) => {
      const requests: CredentialsRequest[] = [];
      await using connection = await open(`${context[over]}&auth=sasl.${mechanism}`, asFred(requests));
      assert.is((await connection.call('CONNECT_GET_URI', {})).uri, 'qemu:///session');
      assert.equal(requests, [{ host: 'localhost', mechanism, user: undefined, signal: undefined }]);
    });
  }

  test(`connect: the strongest mechanism is taken over ${over}, and a promise of credentials is awaited`, async (context) => {
    const taken: string[] = [];
    const credentials = async ({ mechanism }: CredentialsRequest) => {
      taken.push(mechanism);
      return { user: USER, password: PASSWORD };
    };
    await using _connection = await open(context[over], { credentials });
    assert.equal(taken, ['SCRAM-SHA-512']);
  });
}

test('connect: user names and passwords with any character', async ({ tls, unix }) => {
  const names: [user: string, password: string][] = [
    ['a,b=c@test', PASSWORD],
    ['heidi@test', UMLAUTS],
  ];
  for (const [user, password] of names) {
    for (const uri of [unix, `${tls}&auth=sasl.PLAIN`]) {
      await using connection = await open(uri, { credentials: () => ({ user, password }) });
      assert.ok(connection.libvirtVersion);
    }
  }
});

test('connect: user and password of the URI; the connection shows the URI without the password', async ({ tls }) => {
  const uri = tls.replace('//', `//${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}@`);
  await using connection = await open(uri);
  assert.is(connection.uri, tls.replace('//', '//fred%40test@'));
  assert.not.match(inspect(connection, { depth: 9, showHidden: true }), /hunter2/);
});

test('connect: the user of the URI is told to the callback', async ({ tls }) => {
  const requests: CredentialsRequest[] = [];
  await using _connection = await open(tls.replace('//', '//fred%40test@'), asFred(requests));
  assert.is(requests[0]?.user, USER);
});

const entry = (section: string, user: string, password: string) =>
  `# ours\n[credentials-one]\nauthname=${user}\npassword=${password}\n\n[auth-libvirt-${section}]\ncredentials=one\n`;

/** Files of libvirt's in a directory that is gone afterwards. */
async function withFiles(run: (environment: Environment, directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'auth-'));
  try {
    for (const folder of ['config/libvirt', 'etc']) mkdirSync(join(directory, folder), { recursive: true });
    const variables = { XDG_CONFIG_HOME: join(directory, 'config') };
    const systemConfig = join(directory, 'etc');
    await run({ ...processEnvironment(), root: false, variables, systemConfig }, directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('connect: auth.conf of the environment, of the URI, of the user, of the system, in this order', ({ unix }) =>
  withFiles(async (environment, directory) => {
    const attempt = async (as: Environment, uri = unix) => (await within(connectIn(as, uri), 60_000)).close();
    const write = (path: string, text: string) => writeFileSync(join(directory, path), text);
    const wrong = entry('localhost', USER, 'wrong');
    const right = entry('localhost', USER, PASSWORD);
    await failure(attempt(environment), 'AUTHENTICATION_FAILED');
    write('etc/auth.conf', right);
    await attempt(environment);
    write('config/libvirt/auth.conf', wrong);
    await failure(attempt(environment), 'AUTHENTICATION_FAILED');
    write('named.conf', entry('default', USER, PASSWORD));
    await attempt(environment, `${unix}&authfile=${directory}/named.conf`);
    const variables = { ...environment.variables, LIBVIRT_AUTH_FILE: join(directory, 'by-variable.conf') };
    const missing = await failure(attempt({ ...environment, variables }), 'AUTHENTICATION_FAILED');
    assert.match(missing.message, /by-variable\.conf cannot be read \(ENOENT\)/);
    write('by-variable.conf', wrong);
    const uri = `${unix}&authfile=${directory}/named.conf`;
    const refused = await failure(attempt({ ...environment, variables }, uri), 'AUTHENTICATION_FAILED');
    assert.match(refused.message, /did not accept user and password from .*by-variable\.conf \(SCRAM-SHA-512\)/);
  }));

test('connect: an entry of auth.conf for another host or another user does not count', ({ unix, tls }) =>
  withFiles(async (environment, directory) => {
    const path = join(directory, 'etc/auth.conf');
    writeFileSync(path, entry('elsewhere', USER, PASSWORD));
    const none = await failure(connectIn(environment, unix), 'AUTHENTICATION_FAILED');
    assert.match(none.message, /there are none\. Put them into auth\.conf under \[auth-libvirt-localhost\]/);
    writeFileSync(path, entry('localhost', USER, PASSWORD));
    await failure(connectIn(environment, tls.replace('//', '//heidi%40test@')), 'AUTHENTICATION_FAILED');
    await (await within(connectIn(environment, tls.replace('//', '//fred%40test@')), 60_000)).close();
  }));

const FILES: [name: string, text: string, says: RegExp][] = [
  ['no credentials=', '[auth-libvirt-localhost]\npassword=hunter2\n', /has no credentials=/],
  ['credentials that are nowhere', '[auth-libvirt-localhost]\ncredentials=x\n', /no \[credentials-x\]/],
  ['a line that is neither', '[credentials-x]\nhunter2\n', /line 2 is neither/],
  ['a value before the first group', 'password=hunter2\n', /line 1 is neither/],
];
for (const [name, text, says] of FILES) {
  test(`connect: an auth.conf with ${name}`, ({ unix }) =>
    withFiles(async (environment, directory) => {
      writeFileSync(join(directory, 'etc/auth.conf'), text);
      const error = await failure(connectIn(environment, unix), 'AUTHENTICATION_FAILED');
      assert.match(error.message, says);
      assert.not.match(inspect(error, { depth: 9 }), /hunter2/);
    }));
}

interface Refusal {
  readonly name: string;
  readonly uri: (place: Place) => string;
  readonly options?: ConnectOptions;
  readonly code: ErrorCode;
  readonly says: RegExp;
}
const never: ConnectOptions = {
  insecure: 'allow',
  credentials: () => assert.unreachable('nobody is to be asked for a password') as never,
};
const REFUSALS: readonly Refusal[] = [
  {
    name: 'a wrong password',
    uri: ({ unix }) => unix,
    options: { credentials: () => ({ user: USER, password: 'hunter3' }) },
    code: 'AUTHENTICATION_FAILED',
    says: /did not accept user and password from the callback `credentials` \(SCRAM-SHA-512\)/,
  },
  {
    name: 'a wrong password by PLAIN',
    uri: ({ tls }) => `${tls}&auth=sasl.plain`,
    options: { credentials: () => ({ user: USER, password: 'hunter3' }) },
    code: 'AUTHENTICATION_FAILED',
    says: /\(PLAIN\)/,
  },
  {
    name: 'an unknown user',
    uri: ({ tls }) => tls,
    options: { credentials: () => ({ user: 'fred', password: PASSWORD }) },
    code: 'AUTHENTICATION_FAILED',
    says: /the realm included/,
  },
  {
    name: 'no credentials',
    uri: ({ tls }) => `${tls}&authfile=/dev/null`,
    code: 'AUTHENTICATION_FAILED',
    says: /none\. Put/,
  },
  {
    name: 'a callback that gives something else',
    uri: ({ unix }) => unix,
    options: { credentials: () => ({ user: USER }) as never },
    code: 'ARGUMENT_INVALID',
    says: /\{ user, password \}/,
  },
  {
    name: 'PLAIN over a unix socket',
    uri: ({ unix }) => `${unix}&auth=sasl.PLAIN`,
    options: never,
    code: 'UNSUPPORTED',
    says: /only over TLS to a daemon whose certificate was verified/,
  },
  {
    name: 'PLAIN to a server that nobody verified',
    uri: ({ tls }) => `${tls}&no_verify=1&auth=sasl.PLAIN`,
    options: never,
    code: 'UNSUPPORTED',
    says: /only over TLS to a daemon whose certificate was verified/,
  },
  {
    name: 'DIGEST-MD5',
    uri: ({ unix }) => `${unix}&auth=sasl.DIGEST-MD5`,
    options: never,
    code: 'UNSUPPORTED',
    says: /the URI asks for DIGEST-MD5.*it is MD5 and RC4/,
  },
  {
    name: 'a mechanism that the daemon does not offer',
    uri: ({ unix }) => `${unix}&auth=sasl.GSSAPI`,
    options: never,
    code: 'UNSUPPORTED',
    says: /it offers .*SCRAM-SHA-256.*the URI asks for GSSAPI/,
  },
  { name: 'SASL over plain TCP', uri: ({ tcp }) => tcp, options: never, code: 'UNSUPPORTED', says: /Use qemu\+tls/ },
  {
    name: 'no authentication, where the daemon wants it',
    uri: ({ unix }) => `${unix}&auth=none`,
    options: never,
    code: 'AUTHENTICATION_FAILED',
    says: /does not authenticate by none/,
  },
];
for (const { name, uri, options, code, says } of REFUSALS) {
  test(`connect: ${name} is ${code}`, async (context) => {
    const error = await failure(connect(uri(context), options), code, 60_000);
    assert.match(error.message, says);
    assert.not.match(inspect(error, { depth: 9, showHidden: true }), /hunter|fred/);
  });
}

test('connect: what a callback throws is thrown', async ({ unix }) => {
  const credentials = () => Promise.reject(new RangeError('the vault is closed'));
  const error: unknown = await connect(unix, { credentials }).catch((reason: unknown) => reason);
  assert.instance(error, RangeError);
});

test('the record of the wire holds nothing of the credentials', async ({ tls }) => {
  const records: unknown[] = [];
  const listener = (record: unknown) => records.push(record);
  subscribe(CALL_CHANNEL, listener);
  await (await open(`${tls}&auth=sasl.PLAIN`, asFred())).close();
  unsubscribe(CALL_CHANNEL, listener);
  assert.match(JSON.stringify(records), /AUTH_SASL_START/);
  assert.not.match(inspect(records, { depth: 9 }), /hunter|fred/);
});

test('the daemon killed and back: credentials are asked for again', async ({ host, unix }) => {
  const requests: CredentialsRequest[] = [];
  await using connection = await open(unix, { ...asFred(requests), reconnect: { delay: 20, attempts: 200 } });
  await host.killDaemon();
  const read = connection.call('CONNECT_GET_HOSTNAME', {});
  await host.startDaemon();
  assert.ok((await within(read, 60_000)).hostname.length > 0);
  assert.is(requests.length, 2);
});

const LIES: [name: string, handlers: Parameters<typeof FakeDaemon.start>[0], says: RegExp][] = [
  ['lets everybody in', { AUTH_SASL_START: () => ({ complete: 1, nil: 0, data: Buffer.alloc(0) }) }, /without a proof/],
  [
    'answers with a nonce of its own',
    { AUTH_SASL_START: () => ({ complete: 0, nil: 0, data: Buffer.from('r=other,s=QSXCR+Q6sek8bf92,i=4096') }) },
    /nonce does not go on from ours/,
  ],
  [
    'signs without knowing the password',
    {
      AUTH_SASL_START: ({ args }) => {
        const nonce = /r=(.*)/.exec(Buffer.from(args.data as Uint8Array).toString())?.[1];
        return { complete: 0, nil: 0, data: Buffer.from(`r=${nonce}x,s=QSXCR+Q6sek8bf92,i=4096`) };
      },
      AUTH_SASL_STEP: () => ({ complete: 1, nil: 0, data: Buffer.from(`v=${'A'.repeat(43)}=`) }),
    },
    /does not know the password/,
  ],
  [
    'accepts without a signature',
    {
      AUTH_SASL_START: ({ args }) => {
        const nonce = /r=(.*)/.exec(Buffer.from(args.data as Uint8Array).toString())?.[1];
        return { complete: 0, nil: 0, data: Buffer.from(`r=${nonce}x,s=QSXCR+Q6sek8bf92,i=4096`) };
      },
      AUTH_SASL_STEP: () => ({ complete: 1, nil: 1, data: Buffer.alloc(0) }),
    },
    /does not know the password/,
  ],
];
for (const [name, handlers, says] of LIES) {
  test(`connect: a daemon that ${name} gets no further`, async () => {
    await using daemon = await FakeDaemon.start({
      AUTH_LIST: () => ({ types: [1] }),
      AUTH_SASL_INIT: () => ({ mechlist: 'SCRAM-SHA-256' }),
      ...handlers,
    });
    const error = await failure(connect(daemon.uri, asFred()), 'AUTHENTICATION_FAILED');
    assert.match(error.message, says);
    assert.is(daemon.received('CONNECT_OPEN').length, 0);
  });
}

test.run();
