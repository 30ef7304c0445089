import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainAccess } from '../../src/apply/index.js';
import { logFromNow } from '../../src/apply/log.js';
import { logDirectoryOf } from '../../src/connection/log-directory.js';
import { parseUri } from '../../src/connection/transports/uri.js';
import { connect, DomainManager, type LibvirtError, type StartFailedError } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';

const bench = benchOnDemand();
test.after(bench.stop);

/** A manager whose connection knows where the logs are. */
async function knowing({ host }: Bench) {
  const connection = await connect(host.uri, { logDirectory: host.logDirectory });
  const close = () => connection.close();
  return { connection, manager: new DomainManager(connection), [Symbol.asyncDispose]: close };
}

test("a start that QEMU refuses carries QEMU's words, and not its command line", async () => {
  const b = await bench();
  await using here = await knowing(b);
  const file = await b.host.createMedium('bad.qcow2', 'this is no image');
  const { name } = await b.define({ name: 'bad', disks: [{ id: 'root', target: 'vda', file, format: 'qcow2' }] });
  const domain = await here.manager.get(name);
  const { message, log, remedy } = await failure<StartFailedError>(domain.start(), 'START_FAILED');
  assert.match(message, 'Image is not in qcow2 format');
  assert.match(remedy ?? '', 'log.tail');
  assert.is(log.path, join(b.host.logDirectory, 'bad.log'));
  const lines = (log.tail ?? '').split('\n');
  assert.match(lines[0] ?? '', /: starting up libvirt version: /);
  assert.match(lines[1] ?? '', /Image is not in qcow2 format$/);
  assert.match(lines[2] ?? '', /: shutting down, reason=failed$/);
  assert.is(lines.length, 3);
  assert.match(await b.host.logOf('bad'), '-uuid ', 'the file has the command line');
});

test('only what this start wrote: an earlier run is not in it, though libvirt did not get as far as QEMU', async () => {
  const b = await bench();
  await using here = await knowing(b);
  const file = await b.disk();
  const { name } = await b.define({ disks: [{ id: 'root', target: 'vda', file, format: 'qcow2' }] });
  const domain = await here.manager.get(name);
  await domain.start({ paused: true });
  await domain.destroy();
  assert.match((await domain.log()).tail ?? '', /starting up [\s\S]*shutting down, reason=destroyed/);
  await rm(file);
  const { log } = await failure<StartFailedError>(domain.start(), 'START_FAILED');
  assert.match(log.tail ?? '', /^[^\n]*: shutting down, reason=failed$/);
});

test('no secret is in the error, in its cause or in the log, though QEMU quotes them', async () => {
  const b = await bench();
  await using here = await knowing(b);
  const secrets = ['tahini', 'sesame oil', 'olive-1', "dill's\nweed", 'parsley'];
  const entry = (name: string, text = '') => `<entry name='opt/com.example/${name}'>${text}</entry>`;
  const arguments_ = ['-fw_cfg', 'name=opt/com.example/one,string=parsley'].map(
    (value) => `<qemu:arg value='${value}'/>`,
  );
  const xml = `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>secretive</name>
    <memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type><smbios mode='sysinfo'/></os>
    <sysinfo type='fwcfg'>${entry('one', secrets[1])}${entry('two', secrets[3])}</sysinfo>
    <sysinfo type='smbios'><oemStrings><entry>${secrets[2]}</entry></oemStrings></sysinfo>
    <devices><graphics type='vnc' passwd='${secrets[0]}' socket='${b.host.directory}/tmp/vnc'/></devices>
    <qemu:commandline>${arguments_.join('')}<qemu:env name='PEPPER' value='parsley'/></qemu:commandline></domain>`;
  const domain = await here.manager.define(xml);
  const error = await failure<StartFailedError>(domain.start(), 'START_FAILED');
  assert.match(error.message, /-fw_cfg \(secret\): duplicate fw_cfg file name: /);
  assert.match(error.log.tail ?? '', /-fw_cfg \(secret\): duplicate fw_cfg file name/);
  assert.is((error.cause as LibvirtError).errorName, 'VIR_ERR_INTERNAL_ERROR');
  const told = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) + (await domain.log()).tail;
  const written = await b.host.logOf('secretive');
  // Of the display libvirt tells QEMU in another way.
  for (const secret of secrets.slice(1).flatMap((each) => each.split(/'s\n/))) {
    assert.ok(written.includes(secret), `the file has ${secret}`);
    assert.not.ok(told.includes(secret), `${secret} in ${told}`);
  }
  assert.not.ok(told.includes('tahini'));
});

test('a secret with a comma, of which QEMU quotes the part behind it', async () => {
  const b = await bench();
  await using here = await knowing(b);
  const xml = `<domain type='qemu'><name>comma</name><memory unit='MiB'>64</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type></os>
    <sysinfo type='fwcfg'><entry name='opt/com.example/one'>rosemary,thyme</entry></sysinfo></domain>`;
  const domain = await here.manager.define(xml);
  const error = await failure<StartFailedError>(domain.start(), 'START_FAILED');
  assert.match(error.message, "'(secret)'");
  assert.not.match(inspect(error, { depth: 10, showHidden: true }), /rosemary|thyme/);
});

test('the log of a guest that crashed', async () => {
  const b = await bench();
  await using here = await knowing(b);
  const domain = await here.manager.get((await b.started({ name: 'crashes' })).uuid);
  const pid = Number(await readFile(join(b.host.directory, 'run/libvirt/qemu/run/crashes.pid'), 'utf8'));
  process.kill(pid, 'SIGKILL');
  await eventually('the end', async () => (await domain.state()) === 'shutoff');
  assert.match((await domain.log()).tail ?? '', /: shutting down, reason=crashed$/);
});

test('where nothing can be read the reason is told, and the start fails no other way', async () => {
  const b = await bench();
  const file = await b.disk();
  const domain = await b.define({ disks: [{ id: 'root', target: 'vda', file, format: 'qcow2' }] });
  await rm(file);
  const { log, remedy } = await failure<StartFailedError>(domain.start(), 'START_FAILED');
  assert.equal([log.path, log.tail], [undefined, undefined]);
  assert.match(log.absent ?? '', 'connect with logDirectory');
  assert.match(remedy ?? '', "the domain's log on the host");
  await using elsewhere = await connect(b.host.uri, { logDirectory: '/nowhere' });
  const same = await new DomainManager(elsewhere).get(domain.uuid);
  assert.match((await same.log()).absent ?? '', 'ENOENT');
  assert.match((await failure<StartFailedError>(same.start(), 'START_FAILED')).log.absent ?? '', 'ENOENT');
});

test('a log that virtlogd began anew is read from its beginning; a long one from its last lines', async () => {
  const b = await bench();
  await using here = await knowing(b);
  const { name, uuid } = await b.define({ name: 'rotates' });
  const path = join(b.host.logDirectory, 'rotates.log');
  const since = await logFromNow(new DomainAccess(here.connection, { name, uuid, id: -1 }));
  const lines = Array.from({ length: 200 }, (_, n) => `line ${n}`);
  await writeFile(path, lines.join('\n'));
  const tail = async () => (await since((text) => text)).tail?.split('\n') ?? [];
  assert.equal(await tail(), lines.slice(-20));
  await rename(path, `${path}.0`);
  await writeFile(path, 'new\n');
  assert.equal(await tail(), ['new']);
  await writeFile(path, 'ü'.repeat(10_000));
  assert.ok(Buffer.byteLength((await tail()).join('')) <= 4_096);
});

test('logs are looked for only where the daemon of this machine is the one that has them', () => {
  const user = {
    root: false,
    home: '/home/u',
    variables: {},
    systemRuntime: '/run',
    systemConfig: '/etc/libvirt',
    systemPki: '/etc/pki',
  };
  const cases = [
    ['qemu:///system', '/var/log/libvirt/qemu'],
    ['qemu+unix:///system?socket=/run/libvirt/virtqemud-sock', '/var/log/libvirt/qemu'],
    ['qemu+unix:///system?socket=/var/run/libvirt/libvirt-sock-ro', '/var/log/libvirt/qemu'],
    ['qemu:///session', '/home/u/.cache/libvirt/qemu/log'],
    ['qemu+unix:///session?socket=/home/u/.cache/libvirt/libvirt-sock', '/home/u/.cache/libvirt/qemu/log'],
    // Forwarded from another machine, or of a daemon with directories of its own.
    ['qemu+unix:///system?socket=/tmp/other-host', undefined],
    ['qemu+unix:///system?socket=/tmp/libvirt/libvirt-sock', undefined],
    ['qemu+ssh://other/system', undefined],
    ['qemu+tls://other/system', undefined],
  ] as const;
  for (const [uri, expected] of cases) assert.is(logDirectoryOf(parseUri(uri), user), expected, uri);
  const withCache = { ...user, variables: { XDG_CACHE_HOME: '/cache', XDG_RUNTIME_DIR: '/run/user/7' } };
  assert.is(logDirectoryOf(parseUri('qemu:///session'), withCache), '/cache/libvirt/qemu/log');
  assert.is(logDirectoryOf(parseUri(''), { ...user, root: true }), '/var/log/libvirt/qemu');
});

test.run();
