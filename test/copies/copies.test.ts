import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, type ManagedDomain, type Progress } from '../../src/index.js';
import type { Guest } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { holds, write } from '../support/guest-disk.js';
import { documentsOf, untouched } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(bench.stop);

interface Subject {
  readonly guest: Guest;
  readonly domain: ManagedDomain;
  readonly images: string;
}
let booted: Promise<Subject> | undefined;
/** One guest with an agent, a root disk and a data disk that it writes to, for all tests of this file. */
function running(): Promise<Subject> {
  booted ??= (async () => {
    const { host, manager } = await bench();
    const guest = await host.guest({ name: 'copies', agent: true });
    const disks = [
      { file: await host.createDisk('root.qcow2', { size: '8 MiB' }), target: 'vda', id: 'root', serial: 'ROOT' },
      { file: await host.createDisk('data.qcow2', { size: '64 MiB' }), target: 'vdb', id: 'data', serial: 'DATA' },
    ];
    const domain = await manager.define(guest.domainXml({ disks, rootPorts: 10 }));
    await domain.start();
    await guest.waitForReport();
    await eventually('the agent', async () => (await domain.agent.state()) === 'connected');
    const made = await guest.exec('mke2fs /dev/vdb >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/vdb /mnt');
    assert.is(made.status, 0, made.output);
    return { guest, domain, images: join(host.directory, 'images') };
  })();
  return booted;
}

const sourceOf = (xml = '', serial = 'DATA') =>
  new RegExp(`<source file='([^']+)'[^>]*>(?:(?!</disk>)[\\s\\S])*<serial>${serial}`).exec(xml)?.[1];

/** Runs a change of images and holds it to what is true of each: never defined, no address moved, in no document and not in the guest. */
async function nothingMoves<T>({ guest, domain }: Subject, work: () => Promise<T>): Promise<T> {
  const [abi, seen] = [await domain.guestAbi(), await within(guest.report())];
  using wire = new Wire();
  const result = await within(work(), 60_000);
  assert.equal(wire.defining(), [], 'never redefined');
  await domain.verify(abi);
  const now = await within(guest.report());
  assert.is(now.bootId, seen.bootId, 'the guest went on');
  assert.equal(now.disks, seen.disks);
  assert.equal(now.pci, seen.pci);
  assert.equal(await domain.pending().then(({ changes }) => changes), [], 'both documents say the same');
  return result;
}

test('snapshot: the image stays as it was, both documents follow; commit: what was written since goes back into it', async () => {
  const subject = await running();
  const { guest, domain, images } = subject;
  const base = sourceOf(await domain.canonical()) ?? '';
  await write(guest, 'BEFORE-SNAPSHOT');
  const taken = await nothingMoves(subject, () =>
    domain.snapshot({ name: 's1', disks: { data: {} }, quiesce: 'agent' }),
  );
  const file = join(images, 'data.s1');
  assert.equal(taken, { name: 's1', disks: [{ disk: 'disk data', base, file }], consistency: 'filesystem' });
  for (const xml of Object.values(await documentsOf(domain))) assert.is(sourceOf(xml), file);
  await write(guest, 'AFTER-SNAPSHOT');
  assert.equal([holds(base, 'BEFORE-SNAPSHOT'), holds(base, 'AFTER-SNAPSHOT')], [true, false]);

  const given = new AbortController();
  const options = { signal: given.signal, onProgress: () => given.abort() };
  const error = await nothingMoves(subject, () => failure(domain.commitDisk('data', options), 'ABORTED', 60_000));
  assert.match(error.message, `the disk stays on ${file}`);
  for (const xml of Object.values(await documentsOf(domain))) assert.is(sourceOf(xml), file);
  assert.equal(await domain.blockJobs(), []);

  const told: Progress[] = [];
  const done = await nothingMoves(subject, () =>
    domain.commitDisk('data', { leftover: 'delete', onProgress: (progress) => told.push(progress) }),
  );
  assert.equal(done, { disk: 'disk data', file: base, leftover: [file] });
  for (const xml of Object.values(await documentsOf(domain))) assert.is(sourceOf(xml), base);
  assert.equal([holds(base, 'BEFORE-SNAPSHOT'), holds(base, 'AFTER-SNAPSHOT')], [true, true]);
  assert.is(existsSync(file), false);
  assert.match(told[0]?.what ?? '', 'commit of disk data of copies');
  assert.equal(await domain.blockJobs(), []);
});

test('copy: the whole disk at a moment in which its file systems were frozen, and the disk stays where it is', async () => {
  const subject = await running();
  const { guest, domain, images } = subject;
  const before = await documentsOf(domain);
  await write(guest, 'BEFORE-COPY');
  const told: Progress[] = [];
  const file = join(images, 'copy.raw');
  const copy = await nothingMoves(subject, () =>
    domain.copyDisk('data', file, { format: 'raw', quiesce: 'agent', onProgress: (progress) => told.push(progress) }),
  );
  await write(guest, 'AFTER-COPY');
  assert.is(copy.consistency, 'filesystem');
  assert.equal(await documentsOf(domain), before);
  assert.equal([holds(file, 'BEFORE-COPY'), holds(file, 'AFTER-COPY')], [true, false]);
  assert.is(told.at(-1)?.fraction, 1);
  // Its file system was frozen, so it needs no repair.
  assert.is(readFileSync(file).readUInt16LE(1024 + 56), 0xef53, 'the magic number of an ext file system');
  const taken = await failure(domain.copyDisk('data', file), 'LIBVIRT');
  assert.match(taken.message, 'exists');
});

test('an abort cancels the job, leaves both documents as they were, and says what stays', async () => {
  const subject = await running();
  const { domain, images } = subject;
  const before = await documentsOf(domain);
  const file = join(images, 'aborted.raw');
  const abort = new AbortController();
  const error = await failure(
    domain.copyDisk('data', file, {
      format: 'raw',
      bandwidth: '1 MiB',
      signal: abort.signal,
      onProgress: () => abort.abort(),
    }),
    'ABORTED',
  );
  assert.match(error.message, `the job is cancelled; ${file} is incomplete and stays`);
  assert.is(existsSync(file), true);
  assert.equal(await domain.blockJobs(), []);
  assert.equal(await documentsOf(domain), before);
});

test('a job that a crashed program left is found; it can be aborted, or taken over and finished', async () => {
  const subject = await running();
  const { guest, domain, images } = subject;
  const { host } = await bench();
  const leave = async (file: string, bandwidth: bigint) => {
    const gone = await connect(host.uri);
    const { dom } = await gone.call('DOMAIN_LOOKUP_BY_NAME', { name: domain.name });
    const destxml = `<disk type='file'><driver type='qcow2'/><source file='${file}'/></disk>`;
    const params = [{ field: 'bandwidth', value: { type: 'ullong', value: bandwidth } } as const];
    await gone.call('DOMAIN_BLOCK_COPY', { dom, path: 'vdb', destxml, params, flags: 4 });
    await gone.close();
  };
  const before = await documentsOf(domain);
  await leave(join(images, 'left.qcow2'), 1n << 20n);
  const [job] = await domain.blockJobs();
  assert.is(job?.disk, 'disk data');
  assert.is(job?.type, 'copy');
  assert.is(job?.file, join(images, 'left.qcow2'));
  await within(domain.abortBlockJob('data'));
  assert.equal(await domain.blockJobs(), []);
  assert.equal(await documentsOf(domain), before);

  const file = join(images, 'adopted.qcow2');
  await leave(file, 0n);
  const adopted = await nothingMoves(subject, () => domain.adoptBlockJob('data', { finish: 'pivot' }));
  assert.is(adopted.file, file);
  for (const xml of Object.values(await documentsOf(domain))) assert.is(sourceOf(xml), file);
  await write(guest, 'ON-ADOPTED');
  assert.is(holds(file, 'ON-ADOPTED'), true);
  await failure(domain.adoptBlockJob('data', { finish: 'keep' }), 'DOMAIN_STATE');
});

test('move: the disk is on the new file in both documents, now and after a cold boot, at the address it had', async () => {
  const subject = await running();
  const { guest, domain, images } = subject;
  const file = join(images, 'moved.raw');
  const source = sourceOf(await domain.canonical()) ?? '';
  const { rival } = await bench();
  const other = await rival();
  const { dom } = await other.call('DOMAIN_LOOKUP_BY_NAME', { name: domain.name });
  const asked: Promise<number>[] = [];
  const onProgress = () => asked.push(other.call('DOMAIN_IS_PERSISTENT', { dom }).then((told) => told.persistent));
  const moved = await nothingMoves(subject, () => domain.moveDisk('data', file, { format: 'raw', onProgress }));
  assert.equal([...new Set(await Promise.all(asked))], [1], 'persistent all the while');
  assert.equal((await domain.drift()).changes, [], 'its own doing is no drift');
  assert.equal(moved, { disk: 'disk data', file, source, consistency: 'crash' });
  for (const xml of Object.values(await documentsOf(domain))) assert.is(sourceOf(xml), file);
  await write(guest, 'AFTER-MOVE');
  assert.equal([holds(file, 'AFTER-MOVE'), holds(source, 'AFTER-MOVE')], [true, false]);

  const seen = await within(guest.report());
  await guest.exec('umount /mnt');
  await within(domain.reboot({ mode: 'cold' }), 60_000);
  const then = await guest.waitForReport({ after: seen.bootId });
  assert.equal(then.disks, seen.disks);
  assert.equal(
    (await guest.exec('mkdir -p /mnt; mount -t ext4 /dev/vdb /mnt; cat /mnt/AFTER-MOVE')).output,
    'AFTER-MOVE\n',
  );
});

test('what cannot be done is refused by name, and nothing is touched', async () => {
  const { guest, domain, images } = await running();
  await failure(domain.copyDisk('nothing', join(images, 'x')), 'DEVICE_NOT_FOUND');
  await failure(domain.copyDisk('data', 'relative'), 'ARGUMENT_INVALID');
  assert.is((await untouched(domain, () => domain.commitDisk('data'))).code, 'ARGUMENT_INVALID');
  const signal = AbortSignal.abort();
  assert.is(
    (await untouched(domain, () => domain.snapshot({ name: 's', disks: { data: {} }, signal }))).code,
    'ABORTED',
  );
  await guest.exec('umount /mnt');
  await domain.destroy();
  assert.is((await untouched(domain, () => domain.copyDisk('data', join(images, 'x')))).code, 'DOMAIN_STATE');
  assert.is((await untouched(domain, () => domain.commitDisk('data'))).code, 'DOMAIN_STATE');
  const abi = await domain.guestAbi();
  const base = sourceOf(await domain.canonical());
  const file = join(images, 'off.qcow2');
  const taken = await within(domain.snapshot({ name: 'off', disks: { data: { file } }, quiesce: 'if-available' }));
  assert.equal(taken.disks, [{ disk: 'disk data', base, file }]);
  assert.is(taken.consistency, 'crash');
  assert.is(sourceOf(await domain.canonical()), file);
  await domain.verify(abi);
  await within(domain.undefine());
});

test.run();
