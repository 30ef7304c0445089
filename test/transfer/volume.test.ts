import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Connection, connect, DomainManager, type LibvirtError, type TransferProgress } from '../../src/index.js';
import { PrivateHost } from '../../src/testing/index.js';
import { failure, within } from '../support/deadline.js';
import { makePool, makeVolume } from '../support/pool.js';

const MIB = 1 << 20;

interface Place {
  readonly host: PrivateHost;
  readonly connection: Connection;
  readonly manager: DomainManager;
  readonly directory: string;
  readonly pool: Awaited<ReturnType<typeof makePool>>['pool'];
}
const test = suite<Place>('volumes');

test.before(async (context) => {
  const host = await within(PrivateHost.start(), 60_000);
  const connection = await connect(host.uri);
  const manager = new DomainManager(connection);
  Object.assign(context, { host, connection, manager, ...(await makePool(host, connection)) });
});
test.after(async ({ host, connection }) => {
  await connection.close();
  await host.stop();
});

/** A sparse file with some bytes at these places. */
function makeFile(path: string, size: number, places: readonly number[]): void {
  const file = openSync(path, 'wx');
  ftruncateSync(file, size);
  for (const at of places) writeSync(file, Buffer.alloc(4096, `${at}`), 0, 4096, at);
  closeSync(file);
}

/** cmp skips no byte and reads holes fast. */
const same = (a: string, b: string): boolean => spawnSync('cmp', ['-s', a, b]).status === 0;

const used = (path: string): number => statSync(path).blocks * 512;
/** Memory of this process outside the heap and in it. */
const memory = (): number => process.memoryUsage.rss();

test('1 GiB with holes goes up and down: the same bytes, the holes, and memory stays flat', async (context) => {
  const { manager, connection, pool, directory, host } = context;
  const size = 1024 * MIB;
  const [source, copy] = [join(host.directory, 'source'), join(host.directory, 'copy')];
  makeFile(source, size, [0, 300 * MIB + 17, size - 4096]);
  await makeVolume(connection, pool, 'large', size);
  const before = memory();
  let peak = before;
  const onProgress = () => {
    peak = Math.max(peak, memory());
  };
  const name = { pool: 'pool', volume: 'large' };
  await within(manager.uploadVolume(name, source, { onProgress }), 120_000);
  await within(manager.downloadVolume(name, copy, { onProgress }), 120_000);
  const grown = (peak - before) / MIB;
  assert.ok(grown <= 64, `${grown} MiB more`);
  assert.ok(same(join(directory, 'large'), source));
  assert.ok(same(copy, source));
  for (const path of [join(directory, 'large'), copy]) assert.ok(used(path) < 4 * MIB, `${path}: ${used(path)} bytes`);
});

for (const sparse of [true, false]) {
  test(`uploadVolume: old content is gone, the capacity stays, ${sparse ? 'sparse' : 'dense'}`, async (context) => {
    const { manager, connection, pool, directory, host } = context;
    const volume = `old-${sparse}`;
    const vol = await makeVolume(connection, pool, volume, 8 * MIB);
    const [full, some] = [join(host.directory, `full-${sparse}`), join(host.directory, `some-${sparse}`)];
    writeFileSync(full, Buffer.alloc(8 * MIB, 'x'));
    makeFile(some, 8 * MIB, [2 * MIB]);
    await manager.uploadVolume({ pool: 'pool', volume }, full, { sparse });
    await manager.uploadVolume({ pool: 'pool', volume }, some, { sparse });
    assert.ok(same(join(directory, volume), some));
    const { capacity } = await connection.call('STORAGE_VOL_GET_INFO', { vol });
    assert.is(capacity, BigInt(8 * MIB));
  });
}

test('uploadVolume: a smaller file leaves the rest of the volume empty and its capacity as it was', async (context) => {
  const { manager, connection, pool, directory, host } = context;
  await makeVolume(connection, pool, 'wide', 4 * MIB);
  const file = join(host.directory, 'narrow');
  writeFileSync(file, Buffer.alloc(MIB, 'y'));
  await manager.uploadVolume({ pool: 'pool', volume: 'wide' }, file);
  const bytes = readFileSync(join(directory, 'wide'));
  assert.is(bytes.length, 4 * MIB);
  assert.ok(bytes.subarray(0, MIB).equals(readFileSync(file)));
  assert.ok(bytes.subarray(MIB).every((byte) => byte === 0));
});

test('progress counts up to the whole', async (context) => {
  const { manager, connection, pool, host } = context;
  await makeVolume(connection, pool, 'counted', 3 * MIB);
  const file = join(host.directory, 'counted');
  makeFile(file, 3 * MIB, [MIB]);
  for (const way of ['up', 'down'] as const) {
    const seen: TransferProgress[] = [];
    const options = { onProgress: (progress: TransferProgress) => seen.push(progress) };
    const name = { pool: 'pool', volume: 'counted' };
    if (way === 'up') await manager.uploadVolume(name, file, options);
    else await manager.downloadVolume(name, `${file}-back`, options);
    assert.equal(seen.at(-1), { done: 3 * MIB, total: 3 * MIB }, way);
    for (const [index, { done }] of seen.entries()) assert.ok(done > (seen[index - 1]?.done ?? 0), way);
  }
});

test('what cannot be transferred is refused before anything is written', async (context) => {
  const { manager, connection, pool, directory, host } = context;
  await makeVolume(connection, pool, 'small', MIB);
  const name = { pool: 'pool', volume: 'small' };
  const file = join(host.directory, 'too-large');
  makeFile(file, 2 * MIB, [0]);
  const large = await failure(manager.uploadVolume(name, file), 'ARGUMENT_INVALID');
  assert.match(large.message, /2097152 bytes.*1048576.*Resize the volume first/);
  assert.is(used(join(directory, 'small')), 0);
  await failure(manager.downloadVolume(name, file), 'ARGUMENT_INVALID');
  assert.is(statSync(file).size, 2 * MIB);
  const none = await failure<LibvirtError>(
    manager.downloadVolume({ pool: 'pool', volume: 'no' }, `${file}2`),
    'LIBVIRT',
  );
  assert.is(none.errorName, 'VIR_ERR_NO_STORAGE_VOL');
  await failure(manager.uploadVolume({ pool: 'no', volume: 'no' }, file), 'LIBVIRT');
});

test('the signal ends a transfer that is under way', async (context) => {
  const { manager, connection, pool, host } = context;
  await makeVolume(connection, pool, 'cut', 64 * MIB);
  const file = join(host.directory, 'cut');
  writeFileSync(file, Buffer.alloc(64 * MIB, 'z'));
  const name = { pool: 'pool', volume: 'cut' };
  for (const way of ['up', 'down'] as const) {
    const controller = new AbortController();
    const options = { signal: controller.signal, onProgress: () => controller.abort() };
    const going =
      way === 'up' ? manager.uploadVolume(name, file, options) : manager.downloadVolume(name, `${file}2`, options);
    await failure(going, 'ABORTED');
    if (way === 'up') await manager.uploadVolume(name, file);
  }
  assert.ok((await connection.call('CONNECT_GET_HOSTNAME', {})).hostname);
  // At the last byte, too: what says so is not that the stream is closed.
  const late = new AbortController();
  const onProgress = ({ done, total }: TransferProgress) => {
    if (done === total) late.abort();
  };
  await failure(manager.uploadVolume(name, file, { signal: late.signal, onProgress }), 'ABORTED');
});

test.run();
