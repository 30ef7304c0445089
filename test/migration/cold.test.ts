/** Domains that are off on their way to another host: with the images that are asked for, and the state of their TPM. */
import { closeSync, copyFileSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type HostFiles, LOCAL_FILES } from '../../src/host/files.js';
import type { MigrationError, MigrationOptions, MigrationProgress } from '../../src/index.js';
import { failure, within } from '../support/deadline.js';
import { tpmProblem } from '../support/tpm.js';
import { pairOnDemand } from './pair.js';

const pair = pairOnDemand();
test.after(pair.stop);
const MINUTES = 180_000;
const MIB = 1 << 20;

/** Writes into an image as a guest would, at places with holes between them. */
function scribble(path: string, places: readonly number[], length = MIB): void {
  const file = openSync(path, 'r+');
  for (const at of places) writeSync(file, Buffer.alloc(length, `data at ${at}`), 0, length, at);
  closeSync(file);
}

/** A domain that is off, with two images that the second host does not have, and the options to take them there. */
async function packed(name: string) {
  const { a, b, guest } = await pair();
  const [from, to] = [join(a.host.directory, 'images'), join(b.host.directory, 'images')];
  const raw = await a.host.createDisk(`${name}.raw`, { size: '64 MiB', format: 'raw' });
  const qcow2 = await a.host.createDisk(`${name}.qcow2`, { size: '32 MiB' });
  scribble(raw, [0, 40 * MIB + 512]);
  const xml = (text: string) =>
    text.replace(/(<driver name='qemu' type=')qcow2('[^>]*>\s*<source file='[^']*\.raw')/, '$1raw$2');
  const t = await guest(name, {
    start: false,
    disks: [
      { file: raw, target: 'vda' },
      { file: qcow2, target: 'vdb' },
    ],
    xml,
  });
  const paths = { ...t.options.paths, [from]: to };
  const options: MigrationOptions = { paths, mode: 'cold', disks: ['vda', 'vdb'] };
  return { a, b, t, options, images: { from, to }, files: { raw, qcow2 } };
}

test('migrate cold: images that are asked for are copied with their holes, byte for byte, and only those', async () => {
  const { b, t, options, images, files } = await packed('packed');
  const none = await t.domain.planMigration(b.manager, { ...options, disks: [] });
  assert.is(none.blocking.filter(({ remedy }) => /Name it in disks/.test(remedy)).length, 2, String(none));
  const one = await t.domain.planMigration(b.manager, { ...options, disks: ['vda'] });
  assert.equal(
    one.blocking.map(({ subject }) => subject),
    ['disk vdb'],
  );
  const plan = await t.domain.planMigration(b.manager, options);
  assert.ok(plan.isPossible, String(plan));
  assert.ok(plan.steps.includes('copy disk vda, read the copy back and compare it'), String(plan));
  assert.equal(
    plan.disks.map(({ target, how, capacity, bytes }) => [target, how, capacity, bytes]),
    [
      ['vda', 'copied', 64 * MIB, 64 * MIB],
      ['vdb', 'copied', 32 * MIB, statSync(files.qcow2).size],
    ],
  );
  assert.equal(readdirSync(images.to), [], 'a plan makes nothing');
  const job = t.domain.migrate(b.manager, options);
  const sending: MigrationProgress[] = [];
  let starting: Promise<unknown> | undefined;
  for await (const each of job) {
    if (each.phase !== 'sending') continue;
    // Nobody starts it at the source meanwhile.
    starting ??= t.domain.start().then(
      () => 'started',
      () => 'refused',
    );
    if (each.total.disks > 0) sending.push(each);
  }
  assert.equal((await within(job.done, MINUTES, 'the migration')).unfinished, []);
  assert.is(await starting, 'refused');
  assert.is(sending.at(-1)?.remaining.disks, 0);
  assert.is(sending.at(-1)?.total.disks, 2 * (64 * MIB + statSync(files.qcow2).size), 'sent, and read back');
  for (const [name, file] of Object.entries(files)) {
    const copy = join(images.to, `packed.${name}`);
    assert.is(readFileSync(copy).compare(readFileSync(file)), 0, copy);
    assert.ok(statSync(copy).blocks <= statSync(file).blocks + 64, `${copy} has its holes: ${statSync(copy).blocks}`);
  }
  const there = await b.manager.get(t.uuid);
  await there.start({ paused: true });
  assert.is(await there.state(), 'paused');
  await there.destroy();
});

test('migrate cold: an abort while images are copied removes the copies, and the domain stays at the source', async () => {
  const { b, t, options, images } = await packed('aborted');
  const job = t.domain.migrate(b.manager, options);
  for await (const { phase } of job) if (phase === 'sending') break;
  const where = await within(job.abort(), MINUTES, 'the abort');
  assert.is(where.source.is === 'there' && where.source.state, 'shutoff');
  assert.is(where.destination.is, 'absent');
  await failure<MigrationError>(job.done, 'ABORTED');
  assert.equal(
    readdirSync(images.to).filter((name) => name.startsWith('aborted')),
    [],
  );
  await failure(b.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  await t.domain.start({ paused: true });
  await t.domain.destroy();
});

test('migrate cold: an image over another one needs that at the destination, and one that is there is not written over', async () => {
  const { a, b, t, options, images, files } = await packed('over');
  await t.domain.start({ paused: true });
  await t.domain.snapshot({ name: 'top', disks: { vdb: { file: join(images.from, 'over-top.qcow2') } } });
  await t.domain.destroy();
  const without = await t.domain.planMigration(b.manager, options);
  assert.ok(
    without.blocking.some(
      ({ subject, problem }) => subject === 'disk vdb' && /over\.qcow2, is not there/.test(problem),
    ),
    String(without),
  );
  copyFileSync(files.qcow2, join(images.to, 'over.qcow2'));
  assert.equal((await t.domain.planMigration(b.manager, options)).blocking, []);
  await b.host.createDisk('over.raw', { size: '1 MiB', format: 'raw' });
  const taken = await t.domain.planMigration(b.manager, options);
  assert.ok(
    taken.blocking.some(({ subject, problem }) => subject === 'disk vda' && /is there already/.test(problem)),
    String(taken),
  );
  await failure(t.domain.migrate(b.manager, options).done, 'MIGRATION_REFUSED');
  assert.is(statSync(join(images.to, 'over.raw')).size, MIB);
  assert.is((await a.manager.get(t.uuid)).uuid, t.uuid);
});

const noTpm = tpmProblem();
if (noTpm !== undefined) console.log(`migrate cold with a TPM is left out: ${noTpm}`);
const withTpm = noTpm === undefined ? test : test.skip;
withTpm('migrate cold: the state of an emulated TPM goes along, to the same path on the other host', async () => {
  const { a, b, guest } = await pair();
  const folder = (directory: string) => join(directory, 'etc/libvirt/qemu/swtpm');
  const xml = (text: string) =>
    text.replace('</devices>', "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm></devices>");
  const t = await guest('tpm', { start: false, xml });
  await t.domain.start({ paused: true });
  await t.domain.destroy();
  const [here, there] = [a, b].map(({ host }) => join(folder(host.directory), t.uuid, 'tpm2')) as [string, string];
  const state = readdirSync(here).filter((name) => name.endsWith('permall'));
  assert.is(state.length, 1, readdirSync(here).join());
  const contents = readFileSync(join(here, String(state)));
  const files = { source: seenBy(folder(a.host.directory)), destination: seenBy(folder(b.host.directory)) };
  const options = { paths: t.options.paths ?? {}, mode: 'cold', files } as const;
  await LOCAL_FILES.write(join(there, 'of another'), Buffer.of());
  const taken = await t.domain.planMigration(b.manager, options);
  assert.match(taken.blocking.map(({ problem }) => problem).join(), /tpm2 is there already, and is not known to be/);
  rmSync(join(there, 'of another'));
  const plan = await t.domain.planMigration(b.manager, options);
  assert.ok(
    plan.steps.some((step) => step.startsWith('carry the state of its TPM to ')),
    String(plan),
  );
  await within(t.domain.migrate(b.manager, options).done, MINUTES, 'the migration');
  assert.is(readFileSync(join(there, String(state))).compare(contents), 0, 'byte for byte');
  const arrived = await b.manager.get(t.uuid);
  await arrived.start({ paused: true });
  await arrived.destroy();
});

/** Files as a host has them whose folder of TPM states is this one: two private hosts share the paths of a machine. */
function seenBy(folder: string): HostFiles {
  const place = (path: string) => path.replace(/^.*\/libvirt\/qemu\/swtpm(?=\/|$)/, folder);
  return {
    look: (path) => LOCAL_FILES.look(place(path)),
    read: (path) => LOCAL_FILES.read(place(path)),
    write: (path, contents) => LOCAL_FILES.write(place(path), contents),
    remove: (path) => LOCAL_FILES.remove(place(path)),
    list: (path) => LOCAL_FILES.list(place(path)),
  };
}

test.run();
