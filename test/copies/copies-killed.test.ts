/** What a process leaves that is killed in the middle of a copy, commit or backup, and what the next one makes of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { BlockJob, ManagedDomain } from '../../src/index.js';
import type { Guest } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { noiseDisk } from '../support/noise.js';
import { documentsOf } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(bench.stop);
const child = fileURLToPath(new URL('./copies-child.js', import.meta.url));

let booted: Promise<{ guest: Guest; domain: ManagedDomain; images: string }> | undefined;
/** A guest with an agent, a mounted data disk with noise behind its file system, and one of noise alone, which takes a while. */
function running() {
  booted ??= (async () => {
    const { host, manager } = await bench();
    const images = join(host.directory, 'images');
    const guest = await host.guest({ name: 'killed', agent: true });
    const disks = [
      { file: noiseDisk(images, 'data', 32 << 20), target: 'vda', id: 'data' },
      // QEMU 10.0 backs up 300 MB in 0.9 s here, of which the thaw takes half.
      { file: noiseDisk(images, 'noise', 1 << 30), target: 'vdb', id: 'noise' },
    ];
    const domain = await manager.define(guest.domainXml({ disks }));
    await domain.start();
    await guest.waitForReport();
    await eventually('the agent', async () => (await domain.agent.state()) === 'connected');
    // In the first blocks only: the noise stays.
    const made = await guest.exec('mke2fs /dev/vda 4096 >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/vda /mnt');
    assert.is(made.status, 0, made.output);
    return { guest, domain, images };
  })();
  return booted;
}

/** Runs the child until it is killed at a moment: `progress`, or the end of a call. */
async function killed(domain: ManagedDomain, what: string, moment: string, file = ''): Promise<void> {
  const { host } = await bench();
  const process_ = spawn(process.execPath, [child, host.uri, domain.name, what, moment, file], { stdio: 'inherit' });
  const [, signal] = await within(once(process_, 'exit'), 60_000, 'the child');
  assert.is(signal, 'SIGKILL', 'it was killed at the moment asked for');
}

const jobOf = async (domain: ManagedDomain): Promise<BlockJob | undefined> => (await domain.blockJobs())[0];
const write = (guest: Guest, name: string) => guest.exec(`echo ${name} >/mnt/${name} && sync && echo done`);
/** What the guest reads of a disk image that is plugged in for it. */
async function readBack({ guest, domain }: Awaited<ReturnType<typeof running>>, file: string): Promise<string> {
  const disk = { id: 'old', target: 'vdx', file, format: 'qcow2', readonly: true } as const;
  await domain.apply(await domain.plan({ attach: [{ disk }], scope: 'live' }));
  // The guest's kernel takes a moment to see the disk.
  const { output } = await guest.exec(
    'until [ -b /dev/vdc ]; do sleep 0.1; done; mkdir -p /old; mount -t ext4 -o ro,noload /dev/vdc /old; ls /old; umount /old',
  );
  await domain.apply(await domain.plan({ detach: [{ disk: 'old' }], scope: 'live' }));
  return output;
}

test('a copy: the job is found; ended, nothing has changed; or finished', async () => {
  const subject = await running();
  const { guest, domain, images } = subject;
  const before = await documentsOf(domain);
  await killed(domain, 'copy', 'progress', join(images, 'left.qcow2'));
  const job = await jobOf(domain);
  assert.equal([job?.disk, job?.type, job?.ready], ['disk data', 'copy', false]);
  await within(domain.abortBlockJob('data'));
  assert.equal(await domain.blockJobs(), []);
  assert.equal(await documentsOf(domain), before);

  const file = join(images, 'finished.qcow2');
  await killed(domain, 'copy', 'progress', file);
  await write(guest, 'while-nobody-looks');
  const copy = await within(domain.adoptBlockJob('data', { finish: 'keep', quiesce: 'agent', bandwidth: 0 }), 60_000);
  assert.equal([copy.file, copy.consistency], [file, 'filesystem']);
  assert.equal(await documentsOf(domain), before);
  assert.match(await readBack(subject, file), 'while-nobody-looks');
});

test('a copy, killed while the guest was frozen for it: the next one says so, and taking it over thaws the guest', async () => {
  const { guest, domain, images } = await running();
  const file = join(images, 'frozen.qcow2');
  await killed(domain, 'copy', 'DOMAIN_FSFREEZE', file);
  assert.is(await domain.agent.frozen(), true);
  const job = await jobOf(domain);
  assert.equal([job?.type, job?.ready], ['copy', true]);
  // Who froze it may be at work still: that is not undone in passing.
  const again = await failure(domain.backup({ disks: { data: { file: `${file}.x` } } }), 'DOMAIN_STATE');
  assert.match(again.message, 'frozen already');
  assert.is(await domain.agent.frozen(), true);
  const busy = await failure(domain.copyDisk('data', `${file}.x`), 'DOMAIN_STATE');
  assert.match(busy.message, 'adoptBlockJob or abortBlockJob ends it');
  await within(domain.adoptBlockJob('data', { finish: 'keep' }), 60_000);
  assert.is(await domain.agent.frozen(), false);
  assert.is((await write(guest, 'thawed')).output, 'done\n');

  await killed(domain, 'copy', 'DOMAIN_FSFREEZE', join(images, 'frozen2.qcow2'));
  await within(domain.abortBlockJob('data'));
  assert.is((await write(guest, 'thawed-too')).output, 'done\n');

  await domain.agent.freeze();
  const snapshot = await failure(domain.snapshot({ name: 'x', disks: { data: {} } }), 'DOMAIN_STATE');
  assert.match(snapshot.message, 'frozen already');
  assert.is(await domain.agent.thaw(), 1);
});

test('a move: both documents name the old image until it is finished', async () => {
  const { guest, domain, images } = await running();
  const { host } = await bench();
  const before = await documentsOf(domain);
  const abi = await domain.guestAbi();
  const file = join(images, 'moved.qcow2');
  await killed(domain, 'move', 'progress', file);
  assert.is(await domain.canonical(), before.canonical);
  // The daemon, too, may end meanwhile: QEMU goes on.
  await host.killDaemon();
  await host.startDaemon();
  using wire = new Wire();
  await eventually('the connection', async () => (await jobOf(domain).catch(() => undefined)) !== undefined);
  await within(domain.adoptBlockJob('data', { finish: 'pivot', bandwidth: 0 }), 60_000);
  for (const xml of Object.values(await documentsOf(domain))) assert.match(xml ?? '', `<source file='${file}'`);
  await domain.verify(abi);
  assert.equal(wire.defining(), []);
  assert.is((await write(guest, 'moved')).output, 'done\n');
});

test('a commit: ended, the disk stays on its file, whole; finished, it is on the image below with all of it', async () => {
  const subject = await running();
  const { guest, domain, images } = subject;
  const base = (await domain.devices()).find(({ id }) => id === 'data')?.spec.file as string;
  const file = join(images, 'over.qcow2');
  await domain.snapshot({ name: 's', disks: { data: { file } } });
  await guest.exec('dd if=/dev/urandom of=/dev/vda bs=1M seek=16 count=8 2>/dev/null');
  await write(guest, 'over');
  await killed(domain, 'commit', 'progress');
  assert.is((await jobOf(domain))?.type, 'active-commit');
  await within(domain.abortBlockJob('data'));
  for (const xml of Object.values(await documentsOf(domain))) assert.match(xml ?? '', `<source file='${file}'`);
  assert.is((await write(guest, 'still')).output, 'done\n');

  await killed(domain, 'commit', 'progress');
  await within(domain.adoptBlockJob('data', { finish: 'pivot', bandwidth: 0 }), 60_000);
  for (const xml of Object.values(await documentsOf(domain))) assert.match(xml ?? '', `<source file='${base}'`);
  assert.is((await guest.exec('cd /mnt && cat over still')).output, 'over\nstill\n');
});

test('a backup: found and waited for, its file is whole; ended, neither file nor checkpoint stays', async () => {
  const subject = await running();
  const { domain, images } = subject;
  const file = join(images, 'backup.qcow2');
  await killed(domain, 'backup', 'DOMAIN_BACKUP_BEGIN', file);
  const jobs = (await domain.blockJobs()).map(({ disk, type }) => `${type} of ${disk}`);
  assert.ok(jobs.includes('backup of disk noise'), jobs.join());
  const adopted = await within(domain.adoptBackup({ checkpoint: 'left' }), 60_000);
  assert.equal(adopted.files, [
    { disk: 'disk data', file },
    { disk: 'disk noise', file: `${file}.noise` },
  ]);
  assert.is(await domain.agent.frozen(), false);
  assert.match(await readBack(subject, file), 'thawed');
  const error = await failure(domain.adoptBackup(), 'DOMAIN_STATE');
  assert.match(error.message, 'no backup of killed runs');
  for (const { name } of await domain.checkpoints()) await domain.deleteCheckpoint(name);

  const other = join(images, 'other.qcow2');
  await killed(domain, 'backup', 'DOMAIN_BACKUP_BEGIN', other);
  const abort = new AbortController();
  await failure(
    domain.adoptBackup({
      checkpoint: 'left',
      signal: abort.signal,
      onProgress: () => abort.abort(),
    }),
    'ABORTED',
    60_000,
  );
  assert.equal([existsSync(other), await domain.checkpoints(), await domain.blockJobs()], [false, [], []]);
});

test.run();
