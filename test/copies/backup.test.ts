import { execFileSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CALL_CHANNEL, type CallRecord, type ManagedDomain, type Progress } from '../../src/index.js';
import type { Guest } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { holds, write } from '../support/guest-disk.js';
import { noiseDisk } from '../support/noise.js';
import { documentsOf, untouched } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(bench.stop);

let booted: Promise<{ guest: Guest; domain: ManagedDomain; images: string }> | undefined;
/** A guest with an agent, a data disk with a file system, and a disk full of noise, which takes its time to copy. */
function running() {
  booted ??= (async () => {
    const { host, manager } = await bench();
    const images = join(host.directory, 'images');
    const guest = await host.guest({ name: 'backup', agent: true });
    const data = await host.createDisk('data.qcow2', { size: '64 MiB' });
    const noise = noiseDisk(images, 'noise', 256 << 20);
    const disks = [
      { file: data, target: 'vda', id: 'data', serial: 'DATA' },
      { file: noise, target: 'vdb', id: 'noise', serial: 'NOISE' },
    ];
    const domain = await manager.define(guest.domainXml({ disks, rootPorts: 10 }));
    await domain.start();
    await guest.waitForReport();
    await eventually('the agent', async () => (await domain.agent.state()) === 'connected');
    const made = await guest.exec('mke2fs /dev/vda >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/vda /mnt');
    assert.is(made.status, 0, made.output);
    return { guest, domain, images };
  })();
  return booted;
}

test('a full backup, then only what was written since; rebased, the second is the whole disk again', async () => {
  const { guest, domain, images } = await running();
  const [before, abi, seen] = [await documentsOf(domain), await domain.guestAbi(), await within(guest.report())];
  using wire = new Wire();
  const full = join(images, 'full.qcow2');
  const part = join(images, 'part.qcow2');
  const told: Progress[] = [];
  await write(guest, 'FIRST');
  const first = await within(
    domain.backup({
      disks: { data: { file: full } },
      checkpoint: 'c1',
      quiesce: 'agent',
      onProgress: (progress) => told.push(progress),
    }),
  );
  assert.equal(first, {
    files: [{ disk: 'disk data', file: full }],
    checkpoint: 'c1',
    since: undefined,
    consistency: 'filesystem',
  });
  for (const { what } of told) assert.is(what, 'backup of backup');
  await write(guest, 'SECOND');
  await within(domain.backup({ disks: { data: { file: part } }, checkpoint: 'c2', since: 'c1', quiesce: 'agent' }));
  await write(guest, 'THIRD');
  assert.equal([holds(full, 'FIRST'), holds(full, 'SECOND')], [true, false]);
  assert.ok(statSync(part).blocks < statSync(full).blocks, 'the second holds less');
  execFileSync('qemu-img', ['rebase', '-u', '-b', full, '-F', 'qcow2', part]);
  assert.equal(
    ['FIRST', 'SECOND', 'THIRD'].map((text) => holds(part, text)),
    [true, true, false],
  );
  assert.equal(
    (await domain.checkpoints()).map(({ name, parent, disks }) => ({ name, parent, disks })),
    [
      { name: 'c1', parent: undefined, disks: ['vda'] },
      { name: 'c2', parent: 'c1', disks: ['vda'] },
    ],
  );
  assert.equal(await documentsOf(domain), before, 'a backup changes no document');
  await domain.verify(abi);
  assert.equal((await within(guest.report())).disks, seen.disks);
  assert.equal(wire.defining(), []);
});

test('an abort ends the job, and leaves neither files nor a checkpoint that no backup belongs to', async () => {
  const { domain, images } = await running();
  const before = (await domain.checkpoints()).map(({ name }) => name);
  const file = join(images, 'aborted.qcow2');
  const abort = new AbortController();
  const listener = (message: unknown) => {
    const { phase, procedure } = message as CallRecord;
    if (phase === 'end' && procedure === 'DOMAIN_BACKUP_BEGIN') abort.abort();
  };
  subscribe(CALL_CHANNEL, listener);
  try {
    const request = { disks: { noise: { file } }, checkpoint: 'c3', quiesce: 'none', signal: abort.signal } as const;
    const error = await failure(domain.backup(request), 'ABORTED');
    assert.match(error.message, 'its files and checkpoint are deleted');
  } finally {
    unsubscribe(CALL_CHANNEL, listener);
  }
  assert.is(existsSync(file), false);
  assert.equal(
    (await domain.checkpoints()).map(({ name }) => name),
    before,
  );
  assert.equal(await domain.blockJobs(), []);
});

test('what cannot be backed up is refused; checkpoints are deleted by name', async () => {
  const { domain, images } = await running();
  const file = join(images, 'x.qcow2');
  await failure(domain.backup({ disks: { nothing: { file } } }), 'DEVICE_NOT_FOUND');
  await failure(domain.backup({ disks: { data: { file } }, since: 'never' }), 'LIBVIRT');
  assert.is(existsSync(file), false);
  for (const { name } of await domain.checkpoints()) await domain.deleteCheckpoint(name);
  assert.equal(await domain.checkpoints(), []);
  await domain.destroy();
  assert.is((await untouched(domain, () => domain.backup({ disks: { data: { file } } }))).code, 'DOMAIN_STATE');
  await within(domain.undefine());
});

test.run();
