import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LibvirtCanonicalError } from '../../src/errors.js';
import { HostSetupError, PrivateHost } from '../../src/testing/index.js';
import { alive, emptyDomain, until, virsh, virshWith } from './virsh.js';

const test = suite('PrivateHost');

async function rejection(work: Promise<unknown>): Promise<LibvirtCanonicalError> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, LibvirtCanonicalError);
    return error as LibvirtCanonicalError;
  }
  throw new Error('was not rejected');
}

const imageInfo = async (path: string): Promise<string> =>
  (await promisify(execFile)('qemu-img', ['info', '--output=json', path])).stdout;

const hostsIn = (directory: string) => readdirSync(directory).filter((name) => name.startsWith('lvc-'));

test('is a libvirtd of its own, unprivileged, in one directory, and leaves nothing', async () => {
  const host = await PrivateHost.start();
  const { pid = 0, directory } = host;
  assert.is(await virsh(host, 'uri'), host.uri);
  assert.match(await virsh(host, 'version'), host.libvirtVersion);
  assert.match(await virsh(host, 'capabilities'), `<uuid>${host.hostUuid}</uuid>`);
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\t([1-9]\d*)\t\1\t\1\t/m);
  assert.is(statSync(join(directory, 'run')).mode & 0o777, 0o700);

  await virshWith(host, emptyDomain('d1'), 'create');
  assert.match(await host.logOf('d1'), 'qemu-system-x86_64');
  const qemu = Number(readFileSync(join(directory, 'run/libvirt/qemu/run/d1.pid'), 'utf8'));
  assert.ok(alive(qemu));

  await host.stop();
  assert.not(alive(pid));
  assert.not(alive(qemu));
  assert.not(existsSync(directory));
  await host.stop();
  assert.is((await rejection(host.startDaemon())).code, 'CONNECTION_CLOSED');
});

test('stands beside another one with a host UUID of its own', async () => {
  await using one = await PrivateHost.start();
  await using two = await PrivateHost.start();
  assert.is.not(one.hostUuid, two.hostUuid);
  await virshWith(one, emptyDomain('d1'), 'define');
  assert.is(await virsh(one, 'list', '--all', '--name'), 'd1');
  assert.is(await virsh(two, 'list', '--all', '--name'), '');
});

test('restarts, kills and starts its daemon while a domain goes on', async () => {
  await using host = await PrivateHost.start();
  await virshWith(host, emptyDomain('d1'), 'create');
  const qemu = readFileSync(join(host.directory, 'run/libvirt/qemu/run/d1.pid'), 'utf8');
  const first = host.pid;

  await host.restartDaemon();
  assert.is.not(host.pid, first);
  assert.is(await virsh(host, 'domstate', 'd1'), 'running');

  await host.killDaemon();
  assert.is(host.pid, undefined);
  assert.ok(alive(Number(qemu)));
  await host.startDaemon();
  assert.is(await virsh(host, 'domstate', 'd1'), 'running');
  const second = host.pid;
  await host.startDaemon();
  assert.is(host.pid, second);
  assert.is(readFileSync(join(host.directory, 'run/libvirt/qemu/run/d1.pid'), 'utf8'), qemu);
});

test('a power cut ends its guests with it and leaves its files; the next boot knows the domains, and nothing runs', async () => {
  await using host = await PrivateHost.start();
  await using other = await PrivateHost.start();
  for (const each of [host, other]) {
    await virshWith(each, emptyDomain('d1'), 'define');
    await virsh(each, 'start', 'd1');
  }
  const [cut, kept] = [host, other].map(({ directory }) =>
    Number(readFileSync(join(directory, 'run/libvirt/qemu/run/d1.pid'), 'utf8')),
  );
  await host.cutPower();
  assert.is(host.pid, undefined);
  assert.not.ok(alive(cut as number));
  assert.ok(alive(kept as number), 'the other host goes on');
  await host.startDaemon();
  assert.is(await virsh(host, 'domstate', 'd1'), 'shut off');
  await virsh(host, 'start', 'd1');
  assert.is(await virsh(host, 'domstate', 'd1'), 'running');
});

test('ends no process but its own', async () => {
  const host = await PrivateHost.start();
  // A client of the host knows its address, but does not live in its directory.
  const { directory } = host;
  const bystanders = [
    { LIBVIRT_DEFAULT_URI: host.uri },
    // A shell that somebody looks around in it with, an editor that has a file of it open.
    { PWD: directory, OLDPWD: `${directory}/images`, _: `${directory}/x` },
    { IMAGE: `${directory}/images/a.qcow2`, LOG_HOME: directory, MYTMPDIR: `${directory}/tmp`, PATHS: directory },
    { HOME: `${directory}2`, TMPDIR: `${directory}x/tmp` },
  ].map((env) => spawn('sleep', ['60'], { env: { PATH: '/usr/bin:/bin', ...env } }));
  await host.stop();
  for (const bystander of bystanders) {
    assert.equal([bystander.exitCode, bystander.signalCode], [null, null], bystander.spawnargs.join(' '));
    assert.ok(bystander.kill('SIGKILL'));
  }
});

test('makes images that QEMU may use', async () => {
  await using host = await PrivateHost.start();
  const base = await host.createDisk('base.qcow2', { size: '64 MiB' });
  const top = await host.createDisk('top.qcow2', { backing: base });
  const raw = await host.createDisk('data.raw', { size: 1 << 20 });
  const medium = await host.createMedium('cd.iso', 'hello');
  const info = JSON.parse(await imageInfo(top));
  assert.is(info['virtual-size'], 64 << 20);
  assert.is(info['backing-filename'], base);
  assert.is(statSync(raw).size, 1 << 20);
  assert.is(statSync(medium).size, 2048);
  assert.match(readFileSync(medium, 'utf8'), /^hello/);
  const owner = statSync(join(host.directory, 'run')).uid;
  for (const path of [base, top, raw, medium]) assert.is(statSync(path).uid, owner);

  assert.is((await rejection(host.createDisk('x.qcow2', { size: '1 parsec' }))).code, 'SPEC_INVALID');
  assert.is((await rejection(host.createDisk('../x.qcow2'))).code, 'SPEC_INVALID');
  assert.is((await rejection(host.createDisk('x.raw', { backing: base, format: 'raw' }))).code, 'SPEC_INVALID');
});

test('says what is missing', async () => {
  const before = hostsIn(tmpdir());
  const missing = await rejection(PrivateHost.start({ libvirtd: '/nonexistent/libvirtd' }));
  assert.instance(missing, HostSetupError);
  assert.match(missing.message, '/nonexistent/libvirtd is not installed');
  assert.match(missing.message, 'npm run setup');

  const long = await rejection(PrivateHost.start({ directory: `/tmp/${'x'.repeat(60)}` }));
  assert.match(long.message, 'too long');
  assert.equal(hostsIn(tmpdir()), before);
});

test('quotes a daemon that ends at its start, and cleans up after it', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 's'));
  try {
    mkdirSync(join(scratch, 'h'), { mode: 0o755 });
    const script = join(scratch, 'libvirtd');
    writeFileSync(script, '#!/bin/sh\necho "error: no use today" >&2\nexit 3\n', { mode: 0o755 });
    chmodSync(scratch, 0o755);
    const error = await rejection(PrivateHost.start({ libvirtd: script, directory: join(scratch, 'h') }));
    assert.is(error.code, 'HOST_SETUP');
    assert.match(error.message, 'error: no use today');
    assert.equal(readdirSync(join(scratch, 'h')), []);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

test('ends its start when the caller says so', async () => {
  assert.is((await rejection(PrivateHost.start({ signal: AbortSignal.abort() }))).code, 'ABORTED');
});

test('takes what libvirt found out about QEMU from one host to the next', async () => {
  {
    await using first = await PrivateHost.start();
    await virsh(first, 'version');
  }
  await using second = await PrivateHost.start();
  const seeded = readdirSync(join(second.directory, 'cache/libvirt/qemu/cache/capabilities'));
  assert.ok(seeded.some((name) => name.endsWith('.xml')));
  await until('an answer from the cache', async () => (await virsh(second, 'version')) !== '', 5_000);
});

test.run();
