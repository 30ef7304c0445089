import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cloudInitSeed } from '../../src/index.js';
import { findProgram } from '../../src/testing/programs.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, failureNow } from '../support/deadline.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const infoOf = (path: string) =>
  JSON.parse(execFileSync(findProgram('qemu-img'), ['info', '-U', '--output=json', path], { encoding: 'utf8' })) as {
    format: string;
    'virtual-size': number;
    'backing-filename'?: string;
    'backing-filename-format'?: string;
  };

test('createImage: an empty one, a clone and an overlay, as qemu-img sees them', async () => {
  const { manager, host } = await bench();
  const directory = join(host.directory, 'images');
  const base = await manager.createImage({ directory, name: 'base.qcow2', size: '8 MiB' });
  assert.equal(base, { path: join(directory, 'base.qcow2'), format: 'qcow2', size: 8n << 20n });
  assert.is(infoOf(base.path).format, 'qcow2');
  assert.is(infoOf(base.path)['virtual-size'], 8 << 20);

  const overlay = await manager.createImage({ directory, name: 'overlay.qcow2', base: base.path });
  assert.is(overlay.size, 8n << 20n);
  const seen = infoOf(overlay.path);
  assert.is(seen['backing-filename'], base.path);
  assert.is(seen['backing-filename-format'], 'qcow2');

  const larger = await manager.createImage({ directory, name: 'larger.qcow2', base: base.path, size: '16 MiB' });
  assert.is(infoOf(larger.path)['virtual-size'], 16 << 20);

  const clone = await manager.createImage({ directory, name: 'clone.raw', format: 'raw', clone: base.path });
  assert.is(infoOf(clone.path).format, 'raw');
  assert.is(clone.size, 8n << 20n);
  assert.is(infoOf(clone.path)['backing-filename'], undefined);
});

test('createImage: in a pool by its name, and no pool of its own is left behind', async () => {
  const { manager, host, connection } = await bench();
  const target = join(host.directory, 'data');
  const xml = `<pool type='dir'><name>default</name><target><path>${target}</path></target></pool>`;
  await connection.call('STORAGE_POOL_CREATE_XML', { xml, flags: 0 });
  const made = await manager.createImage({ name: 'in-pool.raw', format: 'raw', size: '1 MiB' });
  assert.is(made.path, join(target, 'in-pool.raw'));
  const { pools } = await connection.call('CONNECT_LIST_ALL_STORAGE_POOLS', { need_results: 1, flags: 0 });
  assert.equal(
    pools.map(({ name }) => name),
    ['default'],
  );
});

test('createImage: what is wrong is refused by its path, and nothing is made', async () => {
  const { manager, host } = await bench();
  const directory = join(host.directory, 'images');
  const small = await manager.createImage({ directory, name: 'small.qcow2', size: '4 MiB' });
  for (const [request, path] of [
    [{ directory, name: '../x', size: 1 }, 'name'],
    [{ directory, name: 'x' }, 'size'],
    [{ directory, name: 'x', size: 'big' }, 'size'],
    [{ directory, name: 'x', size: 1, format: 'vmdk' }, 'format'],
    [{ directory, name: 'x', base: 'relative' }, 'base'],
    [{ directory, name: 'x', base: small.path, clone: small.path }, 'base'],
    [{ directory, name: 'x', base: small.path, format: 'raw' }, 'format'],
    [{ directory, name: 'x', base: small.path, size: '1 MiB' }, 'size'],
    [{ directory, name: 'x', clone: '/nowhere.qcow2' }, 'clone'],
    [{ directory, pool: 'default', name: 'x', size: 1 }, 'directory'],
    [{ directory: 'relative', name: 'x', size: 1 }, 'directory'],
    [{ pool: 'nosuch', name: 'x', size: 1 }, 'pool'],
  ] as const)
    assert.is(
      (await failure(manager.createImage(request as never), 'SPEC_INVALID')).path,
      path,
      JSON.stringify(request),
    );
  const unknown = await failure(manager.createImage({ directory, name: 'x', sise: 1 } as never), 'SPEC_UNKNOWN_FIELD');
  assert.match(unknown.message, /Did you mean size\?/);
  assert.match(
    String(await failure(manager.createImage({ directory, name: 'small.qcow2', size: 1 }), 'LIBVIRT')),
    /small/,
  );
});

const SEED = {
  metaData: 'instance-id: i-1\nlocal-hostname: web1\n',
  userData: '#cloud-config\npassword: geheim & ä\n',
  networkConfig: 'version: 2\n',
  vendorData: '',
};
const NAMES = {
  metaData: 'meta-data',
  userData: 'user-data',
  networkConfig: 'network-config',
  vendorData: 'vendor-data',
};

test('cloudInitSeed: isoinfo reads the label, every name and every text', async () => {
  const { host } = await bench();
  const path = join(host.directory, 'seed.iso');
  const large = { ...SEED, userData: `#cloud-config\n${'x'.repeat(100_000)}` };
  for (const seed of [SEED, large]) {
    writeFileSync(path, cloudInitSeed(seed));
    const isoinfo = (...args: string[]) => execFileSync(findProgram('isoinfo'), ['-i', path, ...args]).toString('utf8');
    const about = isoinfo('-d');
    assert.match(about, /Volume id: CIDATA/);
    assert.match(about, /Joliet with UCS level 3 found/);
    const listed = isoinfo('-J', '-f').split('\n').filter(Boolean).sort();
    assert.equal(listed, ['/meta-data', '/network-config', '/user-data', '/vendor-data']);
    for (const [key, name] of Object.entries(NAMES))
      assert.is(isoinfo('-J', '-x', `/${name}`), seed[key as keyof typeof SEED], name);
    // The plain names, too, which a system without Joliet reads.
    assert.is(isoinfo('-f').split('\n').filter(Boolean).length, 4);
  }
  assert.equal(cloudInitSeed(SEED), cloudInitSeed({ ...SEED }), 'the same texts make the same bytes');
});

test('cloudInitSeed: a guest mounts it and reads it', async () => {
  const { host, manager } = await bench();
  const guest = await host.guest({ name: 'seeded' });
  const path = await manager.createSeed({ path: join(host.directory, 'images/seed.iso'), seed: SEED });
  const domain = await manager.define({
    name: 'seeded',
    type: 'qemu',
    memory: '128 MiB',
    disks: [{ target: 'vda', file: path, format: 'raw', readonly: true, boot: 1 }],
    kernel: { path: guest.kernel, initrd: guest.initrd, cmdline: guest.cmdline },
    devices: guest.serialDevices,
  });
  await domain.start();
  await guest.waitForReport();
  // Its kernel names the type of the volume, and the module reads it.
  const { output } = await guest.exec(
    'modprobe isofs; mkdir /tmp/s; mount -t iso9660 -o ro /dev/vda /tmp/s && cat /tmp/s/meta-data',
  );
  assert.is(output.trimEnd(), SEED.metaData.trimEnd());
  await domain.destroy();
});

test('cloudInitSeed, createSeed: what is wrong is refused', async () => {
  const { manager } = await bench();
  assert.is(failureNow(() => cloudInitSeed({ metaData: 'x' } as never), 'SPEC_INVALID').path, 'seed.userData');
  const unknown = failureNow(() => cloudInitSeed({ ...SEED, userdata: '' } as never), 'SPEC_UNKNOWN_FIELD');
  assert.match(unknown.message, /Did you mean userData\?/);
  assert.is((await failure(manager.createSeed({ path: 'seed.iso', seed: SEED }), 'SPEC_INVALID')).path, 'path');
});

test.run();
