import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainManager, LibvirtError } from '../../src/index.js';
import { findProgram } from '../../src/testing/programs.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { makePool } from '../support/pool.js';

const MIB = 1n << 20n;
const bench = benchOnDemand();
test.after(() => bench.stop());

/** A pool of this name, and the image of a disk in it. */
async function place(name: string) {
  const opened = await bench();
  const { directory, pool } = await makePool(opened.host, opened.connection, name);
  return { ...opened, directory, pool };
}

test('pools and volumes: what is there, with sizes in bytes', async () => {
  const { manager, directory } = await place('listed');
  const [pool] = (await manager.pools()).filter(({ name }) => name === 'listed');
  assert.is(pool?.type, 'dir');
  assert.is(pool?.state, 'running');
  assert.is(pool?.path, directory);
  assert.is(pool?.persistent, false);
  assert.ok((pool?.capacity ?? 0n) >= (pool?.available ?? 0n) && (pool?.available ?? 0n) > 0n);
  assert.equal(await manager.volumes('listed'), []);
  await manager.createImage({ pool: 'listed', name: 'base.qcow2', size: '4 MiB' });
  await manager.createImage({ pool: 'listed', name: 'over.qcow2', base: join(directory, 'base.qcow2') });
  const volumes = (await manager.volumes('listed')).sort((a, b) => a.volume.localeCompare(b.volume));
  assert.equal(
    volumes.map(({ volume, format, capacity, base }) => [volume, format, capacity, base]),
    [
      ['base.qcow2', 'qcow2', 4n * MIB, undefined],
      ['over.qcow2', 'qcow2', 4n * MIB, join(directory, 'base.qcow2')],
    ],
  );
  await failure(manager.volumes('nowhere'), 'SPEC_INVALID');
});

test('createImage: preallocation takes what it says', async () => {
  const { manager, directory } = await place('taken');
  const used = (name: string) => statSync(join(directory, name)).blocks * 512;
  const request = { pool: 'taken', size: '32 MiB' } as const;
  await manager.createImage({ ...request, name: 'none' });
  await manager.createImage({ ...request, name: 'metadata', preallocation: 'metadata' });
  await manager.createImage({ ...request, name: 'full', preallocation: 'full' });
  await manager.createImage({ ...request, name: 'raw-none', format: 'raw', preallocation: 'none' });
  await manager.createImage({ ...request, name: 'raw-full', format: 'raw', preallocation: 'full' });
  const size = 32 << 20;
  assert.ok(used('none') < size / 8, `${used('none')}`);
  assert.ok(statSync(join(directory, 'metadata')).size >= size);
  assert.ok(used('full') >= size, `${used('full')}`);
  assert.is(used('raw-none'), 0);
  assert.is(used('raw-full'), size);
  for (const [wrong, path] of [
    [{ preallocation: 'all' }, 'preallocation'],
    [{ preallocation: 'metadata', format: 'raw' }, 'preallocation'],
    [{ preallocation: 'full', base: join(directory, 'none') }, 'preallocation'],
    [{ encryption: { secret: 'no' } }, 'encryption.secret'],
  ] as const) {
    const error = await failure(
      manager.createImage({ ...request, name: 'wrong', ...(wrong as object) }),
      'SPEC_INVALID',
    );
    assert.is(error.path, path);
  }
  assert.not.ok(existsSync(join(directory, 'wrong')));
});

test('createImage: an encrypted image is encrypted by the secret it names', async () => {
  const { manager, connection, directory } = await place('sealed');
  const xml = "<secret ephemeral='yes' private='yes'><description>sealed</description></secret>";
  const { secret } = await connection.call('SECRET_DEFINE_XML', { xml, flags: 0 });
  await connection.call('SECRET_SET_VALUE', { secret, value: Buffer.from('pass phrase'), flags: 0 });
  for (const format of ['qcow2', 'raw'] as const) {
    const name = await encrypted(manager, secret.uuid, format);
    const info = execFileSync(findProgram('qemu-img'), ['info', '--output=json', join(directory, name)]);
    assert.match(String(info), /luks/);
    assert.ok((await manager.volumes('sealed')).find(({ volume }) => volume === name)?.encrypted, format);
  }
});

/** QEMU measures the CPU for LUKS, and gives up where the machine is too busy to be measured: again, up to ten times. */
async function encrypted(manager: DomainManager, secret: string, format: 'qcow2' | 'raw'): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const name = `sealed-${attempt}.${format}`;
    try {
      await manager.createImage({ pool: 'sealed', name, size: '2 MiB', format, encryption: { secret } });
      return name;
    } catch (error) {
      if (attempt === 10 || !/Unable to get accurate CPU usage/.test((error as Error).message)) throw error;
    }
  }
}

test('resizeVolume: larger at once, smaller only by name', async () => {
  const { manager, directory } = await place('sized');
  const name = { pool: 'sized', volume: 'disk.raw' };
  await manager.createImage({ pool: 'sized', name: 'disk.raw', format: 'raw', size: '2 MiB', preallocation: 'none' });
  assert.is((await manager.resizeVolume(name, '4 MiB')).capacity, 4n * MIB);
  assert.is(statSync(join(directory, 'disk.raw')).size, 4 << 20);
  const error = await failure(manager.resizeVolume(name, '1 MiB'), 'ARGUMENT_INVALID');
  assert.match(error.message, /4 MiB: 1 MiB would cut off/);
  assert.is(statSync(join(directory, 'disk.raw')).size, 4 << 20);
  assert.is((await manager.resizeVolume(name, '1 MiB', { shrink: 'allow' })).capacity, MIB);
  await failure(manager.resizeVolume(name, 'much' as never), 'SPEC_INVALID');
});

test('deleteVolume and resizeVolume: a volume that a domain or an overlay uses is left alone', async () => {
  const { manager, define, directory } = await place('used');
  const file = (name: string) => join(directory, name);
  await manager.createImage({ pool: 'used', name: 'base.qcow2', size: '2 MiB' });
  await manager.createImage({ pool: 'used', name: 'over.qcow2', base: file('base.qcow2') });
  const volume = (name: string) => ({ pool: 'used', volume: name });
  const by = await failure(manager.deleteVolume(volume('base.qcow2')), 'VOLUME_IN_USE');
  assert.match(by.message, /its overlay over\.qcow2/);
  const domain = await define({
    disks: [{ id: 'root', target: 'vda', file: file('over.qcow2'), format: 'qcow2', boot: 1 }],
  });
  assert.match((await failure(manager.deleteVolume(volume('over.qcow2')), 'VOLUME_IN_USE')).message, /Detach the disk/);
  assert.match(
    (await failure(manager.resizeVolume(volume('over.qcow2'), '8 MiB'), 'VOLUME_IN_USE')).message,
    /Use resizeDisk/,
  );
  // A running guest has what its next boot has no more, and the base below it.
  await domain.start({ paused: true });
  await failure(manager.deleteVolume(volume('over.qcow2')), 'VOLUME_IN_USE');
  await failure(manager.resizeVolume(volume('base.qcow2'), '8 MiB'), 'VOLUME_IN_USE');
  await domain.destroy();
  await domain.undefine();
  await manager.deleteVolume(volume('over.qcow2'));
  await manager.deleteVolume(volume('base.qcow2'));
  assert.equal(await manager.volumes('used'), []);
  assert.not.ok(existsSync(file('base.qcow2')));
  const gone = await failure<LibvirtError>(manager.deleteVolume(volume('base.qcow2')), 'LIBVIRT');
  assert.is(gone.errorName, 'VIR_ERR_NO_STORAGE_VOL');
});

test.run();
