/** Disks on their way to another host: copied when they are not shared, never copied onto themselves, never left behind. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type HostFiles, LOCAL_FILES } from '../../src/host/files.js';
import {
  type MigrationError,
  type MigrationOptions,
  type MigrationRefusedError,
  recoverMigration,
} from '../../src/index.js';
import { failure, within } from '../support/deadline.js';
import { pairOnDemand } from './pair.js';
import { Program } from './program.js';

const pair = pairOnDemand();
test.after(pair.stop);
const MINUTES = 180_000;

/** Images of the first host become images of the second. */
async function images() {
  const { a, b } = await pair();
  const [from, to] = [join(a.host.directory, 'images'), join(b.host.directory, 'images')];
  return { from, to, there: { [from]: to }, back: { [to]: from } };
}

test('migrate block: copies what is not shared, into images it makes itself, and the guest reads there what it wrote here', async () => {
  const { b, guest } = await pair();
  const { from, to, there } = await images();
  const t = await guest('block', { shared: 2 });
  const { bootId } = await t.here.report();
  await t.here.exec('dd if=/dev/urandom of=/dev/vda bs=1M count=3 && sync && sha256sum /dev/vda >/tmp/sum');
  const { output } = await t.here.exec('cat /tmp/sum');
  const options = { ...t.options, paths: { ...t.options.paths, ...there } };

  const live = await failure<MigrationRefusedError>(t.domain.migrate(b.manager, options).done, 'MIGRATION_REFUSED');
  assert.match(live.message, /does not have the storage of .*block-0.*mode: 'block'/);
  const partly = await t.domain.planMigration(b.manager, { ...options, mode: 'block', disks: ['vda'] });
  assert.ok(
    partly.blocking.some(({ subject }) => subject === 'disk vdb'),
    'a local disk is not left behind',
  );
  const onto = await t.domain.planMigration(b.manager, { ...t.options, mode: 'block', disks: ['vda'] });
  assert.ok(
    onto.blocking.some(({ subject, problem }) => subject === 'disk vda' && /onto itself/.test(problem)),
    'a shared one is not copied',
  );

  const plan = await t.domain.planMigration(b.manager, { ...options, mode: 'block' });
  assert.ok(plan.isPossible, String(plan));
  assert.equal(
    plan.disks.map(({ target, how, capacity }) => [target, how, capacity]),
    [
      ['vda', 'copied', 8 << 20],
      ['vdb', 'copied', 8 << 20],
    ],
  );
  assert.equal(readdirSync(to), [], 'a plan makes nothing');
  assert.equal(JSON.parse(JSON.stringify(plan)).disks.length, 2);
  const result = await within(
    t.domain.migrate(b.manager, { ...options, mode: 'block' }).done,
    MINUTES,
    'the migration',
  );
  assert.equal(result.unfinished, []);
  assert.equal(readdirSync(to).sort(), ['block-0.qcow2', 'block-1.qcow2']);
  assert.is((await t.there.report()).bootId, bootId);
  assert.is((await t.there.exec('sha256sum /dev/vda')).output, output, 'the contents went along');
  const domain = await b.manager.get(t.uuid);
  for (const document of [await domain.canonical(), await domain.live()])
    assert.ok(
      document?.includes(`${to}/block-0.qcow2`) && !document.includes(`${from}/block`),
      'both documents name the copy',
    );
  await domain.destroy();
  await domain.undefine();
});

test('migrate block: what was made for it goes again when it fails, and what was there before stays', async () => {
  const { b, guest } = await pair();
  const { to, there } = await images();
  const t = await guest('fails');
  const options = { ...t.options, paths: { ...t.options.paths, ...there }, mode: 'block' } as const;
  const { policy } = { policy: { bandwidth: { begin: 1 }, onStall: [] } };
  const job = t.domain.migrate(b.manager, { ...options, policy });
  for await (const { phase } of job) if (phase === 'sending') break;
  const where = await within(job.abort(), MINUTES, 'the abort');
  assert.is(where.outcome, 'not-migrated');
  assert.not.ok(existsSync(join(to, 'fails-0.qcow2')), 'the target is removed');
  // An image that somebody else has there.
  writeFileSync(join(to, 'fails-0.qcow2'), 'precious');
  const error = await failure<MigrationRefusedError>(t.domain.migrate(b.manager, options).done, 'MIGRATION_REFUSED');
  assert.match(error.message, /is there already/);
  assert.is(readFileSync(join(to, 'fails-0.qcow2'), 'utf8'), 'precious');
  // One that turns up between the check and the making, and a program that dies before it makes anything.
  rmSync(join(to, 'fails-0.qcow2'));
  const beforePrepare = () => writeFileSync(join(to, 'fails-0.qcow2'), 'later');
  await failure(
    t.domain.migrate(b.manager, { ...options, hooks: { beforePrepare } }).done,
    'MIGRATION_FAILED',
    MINUTES,
  );
  assert.is(readFileSync(join(to, 'fails-0.qcow2'), 'utf8'), 'later');
  rmSync(join(to, 'fails-0.qcow2'));
  const { a } = await pair();
  await new Program(a.host.uri, b.host.uri, t.uuid, [['kill', 'record']], options).killed();
  beforePrepare();
  assert.is((await recoverMigration(a.connection, b.connection, t.uuid)).outcome, 'not-migrated');
  assert.is(readFileSync(join(to, 'fails-0.qcow2'), 'utf8'), 'later');
  // A word for it does not make another image the same.
  const { blocking } = await t.domain.planMigration(b.manager, { ...options, mode: 'live', shared: ['vda'] });
  assert.ok(
    blocking.some(({ subject }) => subject === 'disk vda'),
    blocking.map(({ problem }) => problem).join(),
  );
  // A folder that is not there.
  const nowhere = await t.domain.planMigration(b.manager, {
    ...options,
    paths: { ...t.options.paths, [join((await pair()).a.host.directory, 'images')]: '/nowhere' },
  });
  assert.ok(
    nowhere.blocking.some(({ problem }) => /no folder \/nowhere/.test(problem)),
    String(nowhere),
  );
  await t.domain.destroy();
});

test('migrate block: incremental copies the top image alone, over a base that is there', async () => {
  const { a, b, guest } = await pair();
  const { from, to, there } = await images();
  const base = await a.host.createDisk('base.qcow2', { size: '8 MiB' });
  const t = await guest('layers', { disks: [{ file: base, target: 'vda' }] });
  await t.here.exec('dd if=/dev/urandom of=/dev/vda bs=1M count=2 && sync');
  await t.domain.snapshot({ name: 'top', disks: { vda: { file: join(from, 'top.qcow2') } } });
  await t.here.exec('dd if=/dev/urandom of=/dev/vda bs=1M seek=4 count=1 && sync');
  const { output } = await t.here.exec('sha256sum /dev/vda');
  const options = {
    ...t.options,
    paths: { ...t.options.paths, ...there },
    mode: 'block',
    copy: 'incremental',
  } as const;
  const without = await t.domain.planMigration(b.manager, options);
  assert.ok(
    without.blocking.some(({ problem }) => /base\.qcow2, is not there/.test(problem)),
    String(without),
  );
  copyFileSync(base, join(to, 'base.qcow2'));
  await within(t.domain.migrate(b.manager, options).done, MINUTES, 'the migration');
  assert.is((await t.there.exec('sha256sum /dev/vda')).output, output);
  const domain = await b.manager.get(t.uuid);
  assert.match(String(await domain.live()), new RegExp(`<source file='${to}/base.qcow2'`), 'the chain is there');
  await domain.destroy();
});

test('migrate cold: the definition goes, with its variables; a running domain and a saved one are refused', async () => {
  const { a, b, guest } = await pair();
  const t = await guest('cold', { start: false });
  await t.domain.apply(await t.domain.plan({ set: { autostart: true, title: 'cold one' } }));
  const abi = await t.domain.guestAbi();
  const live = await t.domain.planMigration(b.manager, t.options);
  assert.ok(
    live.blocking.some(({ problem }) => problem === 'it is shutoff'),
    String(live),
  );
  const options = { paths: t.options.paths ?? {}, mode: 'cold' } as const;
  assert.equal((await within(t.domain.migrate(b.manager, options).done, MINUTES, 'the migration')).unfinished, []);
  await failure(a.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  const there = await b.manager.get(t.uuid);
  assert.is(await there.state(), 'shutoff');
  await there.verify(abi);
  assert.equal((await there.drift()).changes, []);
  assert.is(there.migration, undefined);
  const { autostart } = await b.connection.call('DOMAIN_GET_AUTOSTART', {
    dom: { name: t.name, uuid: t.uuid, id: -1 },
  });
  assert.is(autostart, 1);
  await there.start();
  await t.there.waitForReport();
  const running = await failure<MigrationRefusedError>(
    there.migrate(a.connection, { paths: t.back.paths ?? {}, mode: 'cold' }).done,
    'MIGRATION_REFUSED',
  );
  assert.match(running.message, /it is running/);
  await there.save();
  const saved = await failure<MigrationRefusedError>(
    there.migrate(a.connection, { paths: t.back.paths ?? {}, mode: 'cold' }).done,
    'MIGRATION_REFUSED',
  );
  assert.match(saved.message, /managed-save image/);
  await within(
    there.migrate(a.connection, { paths: t.back.paths ?? {}, mode: 'cold', managedSave: 'discard' }).done,
    MINUTES,
    'the way back',
  );
  assert.equal(
    readdirSync(join(b.host.directory, 'etc/libvirt/qemu')).filter((name) => /\.save$/.test(name)),
    [],
  );
  const home = await a.manager.get(t.uuid);
  assert.is(await home.state(), 'shutoff');
  assert.equal((await recoverMigration(a.connection, b.connection, t.uuid)).did, []);
});

const OVMF = ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'] as const;
const withOvmf = OVMF.every((path) => existsSync(path)) ? test : test.skip;
withOvmf('migrate: UEFI variables go along, live and cold, and none are left at the source', async () => {
  const { a, b, guest } = await pair();
  const [here, there] = [a, b].map(({ host }) => join(host.directory, 'etc/libvirt/qemu/nvram'));
  const file = (folder: string | undefined) => join(folder as string, 'uefi.fd');
  const t = await guest('uefi', {
    start: false,
    shared: 1,
    xml: (text) =>
      text.replace(
        '</os>',
        `<loader readonly='yes' type='pflash'>${OVMF[0]}</loader><nvram template='${OVMF[1]}'>${file(here)}</nvram></os>`,
      ),
  });
  await t.domain.start({ paused: true });
  const paths = (back: boolean) => ({
    ...(back ? t.back.paths : t.options.paths),
    [(back ? there : here) as string]: (back ? here : there) as string,
  });
  const variables = readFileSync(file(here));
  mkdirSync(there as string, { recursive: true });
  const plan = await t.domain.planMigration(b.manager, { ...t.options, paths: paths(false) });
  assert.ok(plan.isPossible, String(plan));
  await within(t.domain.migrate(b.manager, { ...t.options, paths: paths(false) }).done, MINUTES, 'the migration');
  assert.is(readFileSync(file(there)).compare(variables), 0, 'byte for byte');
  assert.not.ok(existsSync(file(here)), 'none are left at the source');
  await failure(a.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  const domain = await b.manager.get(t.uuid);
  await domain.destroy();
  const cold = { paths: paths(true), mode: 'cold' } as const;
  const blocking = async (options: MigrationOptions) =>
    (await domain.planMigration(a.connection, options)).blocking.map(({ host, problem }) => `${host}: ${problem}`);
  assert.equal(await blocking(cold), []);
  // What an earlier visit left there is not taken for the domain's own, and is not written over.
  writeFileSync(file(here), 'old');
  assert.match(
    (await blocking(cold)).join(),
    /^destination: .*uefi\.fd is there already, and is not known to be the same/,
  );
  await failure(domain.migrate(a.connection, cold).done, 'MIGRATION_REFUSED');
  assert.is(readFileSync(file(here), 'utf8'), 'old');
  rmSync(file(here));
  // As from a machine that reaches neither host's files, nor can tell what they share.
  const unseen: HostFiles = { ...LOCAL_FILES, look: async () => 'unknown' };
  assert.match(
    (await blocking({ ...cold, files: { source: unseen } })).join(),
    /^source: its UEFI variables \(.*uefi\.fd\) cannot be reached from here, and would be lost/,
  );
  assert.match(
    (await blocking({ ...cold, files: { destination: unseen } })).join(),
    /^destination: its UEFI variables cannot be written to .*uefi\.fd from here/,
  );
  // Its program dies when they are written: recovery removes them, and what somebody else has put in their place it leaves.
  for (const written of [undefined, 'of somebody else']) {
    await new Program(b.host.uri, a.host.uri, t.uuid, [['kill', 'begin']], cold).killed();
    assert.is(readFileSync(file(here)).compare(variables), 0, 'written before libvirt began');
    if (written !== undefined) writeFileSync(file(here), written);
    const { outcome, unfinished } = await recoverMigration(b.connection, a.connection, t.uuid);
    assert.is(outcome, 'source-ended');
    assert.equal(unfinished, written === undefined ? [] : [`${file(here)} is left at the destination`]);
    assert.is(existsSync(file(here)), written !== undefined);
    rmSync(file(here), { force: true });
  }
  await within(domain.migrate(a.connection, cold).done, MINUTES, 'the way back');
  assert.is(readFileSync(file(here)).compare(variables), 0, 'cold, too');
  assert.not.ok(existsSync(file(there)), 'none are left');
});

test('migrate by peer-to-peer: the daemons do it themselves; a failure leaves it at the source', async () => {
  const { a, b, guest } = await pair();
  const t = await guest('daemons');
  const { bootId } = await t.here.report();
  const options = { ...t.options, via: 'peer-to-peer', destinationUri: b.host.uri } as const;
  const error = await failure<MigrationError>(
    t.domain.migrate(b.manager, { ...options, destinationUri: 'qemu+unix:///session?socket=/nowhere' }).done,
    'MIGRATION_FAILED',
    MINUTES,
  );
  assert.is(error.where.outcome, 'not-migrated');
  assert.equal((await within(t.domain.migrate(b.manager, options).done, MINUTES, 'the migration')).unfinished, []);
  assert.is((await t.there.report()).bootId, bootId);
  await failure(a.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  await (await b.manager.get(t.uuid)).destroy();
});

test.run();
