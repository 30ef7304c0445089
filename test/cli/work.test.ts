import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';
import { lvc, resultOf } from './lvc.js';

const bench = benchOnDemand();
test.after(bench.stop);

/** One domain that is off, and ways to ask the command about it. */
async function subject(name: string) {
  const { host, define, disk } = await bench();
  const domain = await define({ name });
  const run = (args: readonly string[], input = '') => lvc(args, { uri: host.uri, input });
  return { domain, disk, run, folder: host.directory };
}

test('a running domain: what waits, drift taken back and accepted, moved off and on', async () => {
  const { run, domain } = await subject('runs');
  const { rival } = await bench();
  assert.is((await run(['start', 'runs', '--paused', '--verify'])).code, 0);
  assert.is((await run(['pending', 'runs'])).code, 0);
  assert.is(
    (await run(['apply', 'runs', '--update', 'interface=lan,link=down', '--scope', 'config', '--yes'])).code,
    0,
  );
  const waits = await run(['pending', 'runs']);
  assert.is(waits.code, 2);
  assert.match(waits.out, 'lvc reboot runs --mode cold');
  assert.match((await run(['show', 'runs'])).out, 'Waits for the next cold boot');
  const again = await run(['start', 'runs']);
  assert.is(again.code, 3);
  assert.match(again.err, 'DOMAIN_STATE');
  const hard = await run(['reboot', 'runs', '--mode', 'hard']);
  assert.is(hard.code, 0, hard.err);
  assert.is((await run(['pending', 'runs'])).code, 0);
  assert.is((await run(['stop', 'runs', '--destroy'])).code, 0);
  assert.is(await domain.state(), 'shutoff');

  const other = await rival();
  const title = async (text: string) => {
    const dom = { name: 'runs', uuid: domain.uuid, id: -1 };
    await other.call('DOMAIN_SET_METADATA', { dom, type: 1, metadata: text, key: null, uri: null, flags: 2 });
  };
  assert.is((await run(['drift', 'runs'])).code, 0);
  await title('theirs');
  const drift = await run(['drift', 'runs']);
  assert.is(drift.code, 2, drift.err);
  assert.match(drift.out, 'title: (none) → theirs');
  const undone = await run(['drift', 'runs', '--undo', '--yes']);
  assert.is(undone.code, 0, undone.err);
  assert.not.match(await domain.canonical(), 'theirs');
  await title('theirs');
  assert.is((await run(['drift', 'runs', '--accept'])).code, 0);
  assert.is((await run(['drift', 'runs'])).code, 0);
  assert.match(await domain.canonical(), 'theirs');
});

test('adopt: a domain that somebody else defined is sealed, and drift is told from then on', async () => {
  const { run, folder, disk } = await subject('seed');
  const { rival, manager } = await bench();
  const xml = `<domain type='qemu'><name>foreign</name><memory unit='MiB'>64</memory><os><type machine='q35'>hvm</type></os><devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='${await disk()}'/><target dev='vda' bus='virtio'/></disk></devices></domain>`;
  await (await rival()).call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
  const before = await run(['drift', 'foreign', '--json']);
  assert.is(resultOf<{ seal: string }>(before).seal, 'missing');
  assert.equal(resultOf<{ adopted: boolean }>(await run(['adopt', 'foreign', '--json'])), { adopted: true });
  assert.equal(resultOf<{ adopted: boolean }>(await run(['adopt', 'foreign', '--json'])), { adopted: false });
  assert.is((await (await manager.get('foreign')).drift()).seal, 'intact');

  const bundle = join(folder, 'foreign.json');
  assert.is((await run(['export', 'foreign', '--out', bundle])).code, 0);
  assert.is(statSync(bundle).mode & 0o077, 0);
  const taken = await run(['export', 'foreign', '--out', bundle]);
  assert.is(taken.code, 1);
  assert.is((await run(['host-check', '-f', bundle])).code === 1, false);
  assert.is((await run(['import', bundle])).code, 3, 'it is there already');
  await (await manager.get('foreign')).undefine();
  const back = await run(['import', bundle]);
  assert.is(back.code, 0, back.err);
  assert.is((await manager.get('foreign')).name, 'foreign');
});

test('resize, snapshot, commit, move and backup of disks, saved and restored', async () => {
  const { run, domain, folder } = await subject('disks');
  assert.is((await run(['start', 'disks', '--paused'])).code, 0);
  const images = join(folder, 'images');
  const grown = await run(['resize', 'disks', '--vcpus', '2', '--disk', 'root=2 MiB', '--json']);
  assert.is(grown.code, 0, grown.err);
  assert.equal(
    resultOf<{ disks: { before: number; capacity: number }[] }>(grown).disks.map(({ before, capacity }) => [
      before,
      capacity,
    ]),
    [[1 << 20, 2 << 20]],
  );
  assert.is((await run(['resize', 'disks', '--disk', 'root=1 MiB'])).code, 1);
  assert.is((await run(['snapshot', 'disks', 's1', '--disk', 'root'])).code, 0);
  assert.ok(existsSync(join(images, `${/disk\d+/.exec(await domain.canonical())?.[0]}.s1`)));
  assert.is((await run(['commit', 'disks', 'root', '--leftover', 'delete'])).code, 0);
  const moved = await run(['move', 'disks', 'root', join(images, 'moved.qcow2')]);
  assert.is(moved.code, 0, moved.err);
  assert.match(await domain.canonical(), 'moved.qcow2');
  const saved = await run([
    'backup',
    'disks',
    '--disk',
    `root=${join(images, 'backup.qcow2')}`,
    '--checkpoint',
    'c1',
    '--json',
  ]);
  assert.is(saved.code, 0, saved.err + saved.out);
  assert.is(resultOf<{ checkpoint: string }>(saved).checkpoint, 'c1');
});

test('save and restore: off with its memory, and on again', async () => {
  const { run, domain } = await subject('saved');
  assert.is((await run(['start', 'saved', '--paused'])).code, 0);
  assert.is((await run(['save', 'saved'])).code, 0);
  assert.is(await domain.state(), 'shutoff');
  assert.is((await run(['start', 'saved'])).code, 3, 'a saved guest waits');
  const restored = await run(['restore', 'saved', '--paused', '--verify']);
  assert.is(restored.code, 0, restored.err);
  assert.is(await domain.state(), 'paused');
});

test.run();
