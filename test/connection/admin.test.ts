import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adminSocketOf } from '../../src/connection/admin.js';
import { processEnvironment } from '../../src/connection/transports/environment.js';
import { parseUri } from '../../src/connection/transports/uri.js';
import { type Connection, connect, LibvirtCanonicalError, LibvirtError, paramsToObject } from '../../src/index.js';
import { PrivateHost, privilegedProblem } from '../../src/testing/index.js';
import { failureNow } from '../support/deadline.js';
import { asUser, otherUserProblem } from '../support/other-user.js';

/** The admin socket serves nobody but the user whom a private host's daemon runs as. */
const asDaemonUser = <T>(work: () => Promise<T>): Promise<T> => asUser('nobody', work);
if (otherUserProblem) console.log(`skipped: admin calls as the daemon's user: ${otherUserProblem}`);
const asOther = otherUserProblem === undefined ? test : test.skip;

let host: PrivateHost | undefined;
const connected = async (options = {}): Promise<Connection> => {
  host ??= await PrivateHost.start({ config: 'max_clients = 77\nmin_workers = 3\nmax_workers = 13\nprio_workers = 2' });
  return host.connect(options);
};
test.after(async () => host?.stop());

const srv = { name: 'libvirtd' };

async function failure(work: Promise<unknown>): Promise<LibvirtCanonicalError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, LibvirtCanonicalError);
  return error as LibvirtCanonicalError;
}

asOther('call: the admin program reads and sets the limits of its daemon', async () => {
  const connection = await connected();
  await asDaemonUser(async () => {
    const { servers, ret } = await connection.call('ADMIN_CONNECT_LIST_SERVERS', { need_results: 1, flags: 0 });
    assert.equal([servers.map(({ name }) => name).sort(), ret], [['admin', 'libvirtd'], 2]);
    const limits = async () =>
      paramsToObject((await connection.call('ADMIN_SERVER_GET_CLIENT_LIMITS', { srv, flags: 0 })).params);
    assert.is((await limits()).nclients_max, 77);
    const pool = paramsToObject(
      (await connection.call('ADMIN_SERVER_GET_THREADPOOL_PARAMETERS', { srv, flags: 0 })).params,
    );
    assert.equal([pool.maxWorkers, pool.prioWorkers], [13, 2]);
    const params = [{ field: 'nclients_max', value: { type: 'uint', value: 99 } }] as const;
    await connection.call('ADMIN_SERVER_SET_CLIENT_LIMITS', { srv, params, flags: 0 });
    assert.is((await limits()).nclients_max, 99);
    const { clients } = await connection.call('ADMIN_SERVER_LIST_CLIENTS', { srv, need_results: 1, flags: 0 });
    const [clnt] = clients;
    assert.ok(clnt);
    const info = paramsToObject((await connection.call('ADMIN_CLIENT_GET_INFO', { clnt, flags: 0 })).params);
    assert.is(info.unix_process_id, process.pid);
  });
});

asOther('call: each procedure of the admin program is understood by the daemon', async () => {
  const connection = await connected();
  await asDaemonUser(async () => {
    assert.ok((await connection.call('ADMIN_CONNECT_GET_LIB_VERSION', {})).libVer >= 9_000_000n);
    assert.equal(await connection.call('ADMIN_CONNECT_LOOKUP_SERVER', { name: 'admin', flags: 0 }), {
      srv: { name: 'admin' },
    });
    const { filters } = await connection.call('ADMIN_CONNECT_GET_LOGGING_FILTERS', { flags: 0 });
    assert.is(filters, null);
    await connection.call('ADMIN_CONNECT_SET_LOGGING_FILTERS', { filters: '3:rpc', flags: 0 });
    assert.match((await connection.call('ADMIN_CONNECT_GET_LOGGING_FILTERS', { flags: 0 })).filters ?? '', 'rpc');
    const { outputs } = await connection.call('ADMIN_CONNECT_GET_LOGGING_OUTPUTS', { flags: 0 });
    assert.is(outputs, '3:stderr');
    await connection.call('ADMIN_CONNECT_SET_LOGGING_OUTPUTS', { outputs: '4:stderr', flags: 0 });
    const params = [{ field: 'maxWorkers', value: { type: 'uint', value: 14 } }] as const;
    await connection.call('ADMIN_SERVER_SET_THREADPOOL_PARAMETERS', { srv, params, flags: 0 });
    await connection.call('ADMIN_CONNECT_SET_DAEMON_TIMEOUT', { timeout: 600, flags: 0 });
    const noTls = await failure(connection.call('ADMIN_SERVER_UPDATE_TLS_FILES', { srv, flags: 0 }));
    assert.match(noTls.message, 'no tls service found');
    const { clients } = await connection.call('ADMIN_SERVER_LIST_CLIENTS', { srv, need_results: 1, flags: 0 });
    const id = clients[0]?.id ?? 0n;
    const { clnt } = await connection.call('ADMIN_SERVER_LOOKUP_CLIENT', { srv, id, flags: 0 });
    assert.is(clnt.id, id);
    const missing = await failure(connection.call('ADMIN_CONNECT_LOOKUP_SERVER', { name: 'nosuch', flags: 0 }));
    assert.instance(missing, LibvirtError);
    await connection.call('ADMIN_CLIENT_CLOSE', { clnt, flags: 0 });
  });
});

asOther('call: the admin socket is opened again after the daemon was restarted', async () => {
  const connection = await connected();
  await asDaemonUser(() => connection.call('ADMIN_CONNECT_GET_LIB_VERSION', {}));
  await host?.restartDaemon();
  await asDaemonUser(() => connection.call('ADMIN_CONNECT_GET_LIB_VERSION', {}));
});

test('call: says why the admin socket cannot be used', async () => {
  const connection = await connected();
  if (process.geteuid?.() === 0) {
    const other = await failure(connection.call('ADMIN_CONNECT_GET_LIB_VERSION', {}));
    assert.is(other.code, 'DAEMON_UNREACHABLE');
    assert.match(other.remedy ?? '', 'user whom the daemon runs as');
  }
  const readonly = await connected({ readonly: true });
  const refused = await failure(readonly.call('ADMIN_CONNECT_SET_DAEMON_TIMEOUT', { timeout: 1, flags: 0 }));
  assert.match(refused.message, 'ADMIN_CONNECT_SET_DAEMON_TIMEOUT was not sent: the connection is read-only');
  const own = await failure(connection.call('ADMIN_CONNECT_CLOSE' as never, {} as never));
  assert.is(own.code, 'UNSUPPORTED');
  await connection.close();
  assert.is((await failure(connection.call('ADMIN_CONNECT_GET_LIB_VERSION', {}))).code, 'CONNECTION_CLOSED');
});

test('call: a system daemon takes admin calls of root', async () => {
  if (await privilegedProblem()) return;
  await using system = await PrivateHost.start({ privileged: true });
  await using connection = await connect(system.uri);
  const { servers } = await connection.call('ADMIN_CONNECT_LIST_SERVERS', { need_results: 1, flags: 0 });
  assert.is(servers.length, 2);
});

test('adminSocketOf: beside the socket of the daemon; behind virtproxyd that of the driver daemon', () => {
  const run = '/run/libvirt';
  const environment = { ...processEnvironment(), root: true, systemRuntime: '/run' };
  const MONOLITHIC = ['libvirt-sock', 'libvirt-admin-sock'];
  const MODULAR = ['libvirt-sock', 'virtproxyd-admin-sock', 'virtqemud-sock', 'virtqemud-admin-sock'];
  for (const [uri, there, admin] of [
    ['qemu:///system', MONOLITHIC, 'libvirt-admin-sock'],
    ['qemu:///system', MODULAR, 'virtqemud-admin-sock'],
    [`qemu+unix:///system?socket=${run}/libvirt-sock`, MODULAR, 'virtqemud-admin-sock'],
    [`qemu+unix:///system?socket=${run}/libvirt-sock-ro`, MONOLITHIC, 'libvirt-admin-sock'],
    ['qemu:///system?mode=legacy', MODULAR, 'virtqemud-admin-sock'],
    // Both run during a change from one to the other: the daemon that was asked for counts.
    [`qemu+unix:///system?socket=${run}/libvirt-sock`, [...MONOLITHIC, ...MODULAR], 'libvirt-admin-sock'],
    ['qemu:///system', [], 'libvirt-admin-sock'],
  ] as const) {
    const exists = (path: string) => there.some((name) => path === `${run}/${name}`);
    assert.is(adminSocketOf(parseUri(uri), environment, exists), `${run}/${admin}`, `${uri}: ${there.join(' ')}`);
  }
  assert.is(
    failureNow(() => adminSocketOf(parseUri('qemu+ssh://host/system'), environment), 'UNSUPPORTED').code,
    'UNSUPPORTED',
  );
});

test.run();
