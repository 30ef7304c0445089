/** Bundles with their disks: out of one host into files, and from the files into another one, with the guest as the witness. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseBundle } from '../../src/evacuation/index.js';
import { type BundleProgress, connect, type DomainBundle, type ImportRefusedError } from '../../src/index.js';
import { errorOf, lvc, resultOf } from '../cli/lvc.js';
import { pairOnDemand, type Traveller } from '../migration/pair.js';
import { failure } from '../support/deadline.js';

const pair = pairOnDemand();
const folders: string[] = [];
test.after(async () => {
  await pair.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder of this program's, which no daemon can read. */
function folderFor(what: string): string {
  const folder = mkdtempSync(join(tmpdir(), `lvc-bundle-${what}-`));
  folders.push(folder);
  return folder;
}

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** A domain that is off, with an image over a base and a raw one with a hole, and the paths that lead to the second host. */
async function packed(name: string) {
  const { a, b, guest } = await pair();
  const [from, to] = [join(a.host.directory, 'images'), join(b.host.directory, 'images')];
  const raw = await a.host.createDisk(`${name}.raw`, { size: '24 MiB', format: 'raw' });
  const qcow2 = await a.host.createDisk(`${name}.qcow2`, { size: '8 MiB' });
  const t = await guest(name, {
    start: false,
    disks: [
      { file: qcow2, target: 'vda' },
      { file: raw, target: 'vdb' },
    ],
    // Several of them are on the second host at once.
    interfaces: [],
    xml: (text) => text.replace(/(type=')qcow2('[^>]*>\s*<source file='[^']*\.raw')/, '$1raw$2'),
  });
  const paths = { ...t.options.paths, [from]: to };
  return { a, b, t, images: { from, to }, files: { raw, qcow2 }, paths };
}

/** Writes to both disks in the guest; what it reads of them. */
async function written(t: Traveller): Promise<string> {
  await t.domain.start();
  await t.here.waitForReport();
  for (const disk of ['vda', 'vdb'])
    await t.here.exec(`dd if=/dev/urandom of=/dev/${disk} bs=1M seek=1 count=2 && sync`);
  const { output } = await t.here.exec('sha256sum /dev/vda /dev/vdb');
  await t.domain.destroy();
  return output;
}

test('export and import with disks: the guest reads on the other host what it wrote here; files can be told by sha256sum', async () => {
  const { a, b, t, files, paths, images } = await packed('goes');
  const read = await written(t);
  const folder = join(folderFor('goes'), 'new', 'web1');
  const seen: BundleProgress[] = [];
  const bundle = await t.domain.export({ disks: 'include', folder, onProgress: (told) => seen.push(told) });
  assert.equal(
    bundle.disks?.map(({ subject, path, file, bytes, backing }) => [subject, path, file, bytes, backing]),
    [
      ['disk vda', files.qcow2, 'goes.qcow2', statSync(files.qcow2).size, undefined],
      ['disk vdb', files.raw, 'goes.raw', 24 << 20, undefined],
    ],
  );
  assert.equal(readdirSync(folder).sort(), ['goes.qcow2', 'goes.raw']);
  for (const { path, file, sha256: sum } of bundle.disks ?? []) {
    const copy = join(folder, file);
    assert.is(execFileSync('sha256sum', [copy], { encoding: 'utf8' }).split(' ')[0], sum);
    assert.is(sha256(path), sum, 'byte for byte');
    assert.is(statSync(copy).mode & 0o777, 0o600);
    assert.ok(
      statSync(copy).blocks <= statSync(path).blocks + 1024,
      `${file} has its holes: ${statSync(copy).blocks} and ${statSync(path).blocks}`,
    );
  }
  const total = statSync(files.qcow2).size + (24 << 20);
  assert.equal([seen.at(-1)?.done, seen.at(-1)?.total], [total, total]);
  assert.is(parseBundle(JSON.stringify(bundle)).disks?.length, 2);

  // The images are not on the other host by other means.
  const without = await failure<ImportRefusedError>(b.manager.import(bundle, { paths }), 'IMPORT_REFUSED');
  assert.match(without.message, /goes\.qcow2/);
  await t.domain.undefine();
  const arrived = await b.manager.import(JSON.stringify(bundle), { paths, disks: 'include', folder });
  assert.equal(readdirSync(images.to).sort(), ['goes.qcow2', 'goes.raw']);
  for (const { file, sha256: sum } of bundle.disks ?? []) {
    assert.is(sha256(join(images.to, file)), sum);
    assert.ok(
      statSync(join(images.to, file)).blocks <= statSync(join(folder, file)).blocks + 1024,
      `${file} has its holes: ${statSync(join(images.to, file)).blocks} and ${statSync(join(folder, file)).blocks}`,
    );
  }
  await arrived.start({ verify: 'guest-abi' });
  await t.there.waitForReport();
  assert.is((await t.there.exec('sha256sum /dev/vda /dev/vdb')).output, read);
  await arrived.destroy();
  await arrived.undefine();
  await failure(a.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
});

test('export with disks: of the chain below an image all go along; what is no file, what runs and a folder that is taken are refused', async () => {
  const { b, t, files, paths, images } = await packed('chain');
  await t.domain.start({ paused: true });
  const top = join(images.from, 'chain-top.qcow2');
  await t.domain.snapshot({ name: 'top', disks: { vda: { file: top } } });
  const folder = folderFor('chain');
  const running = await failure(t.domain.export({ disks: 'include', folder }), 'DOMAIN_STATE');
  assert.match(running.message, /runs, and its disks change/);
  await t.domain.destroy();
  const bundle = await t.domain.export({ disks: ['vda'], folder });
  assert.equal(
    bundle.disks?.map(({ file, backing }) => [file, backing]),
    [
      ['chain-top.qcow2', files.qcow2],
      ['chain.qcow2', undefined],
    ],
  );
  const again = await failure(t.domain.export({ disks: ['vdb', 'vda'], folder }), 'ARGUMENT_INVALID');
  assert.match(again.message, /chain-top\.qcow2 is there already/);
  assert.equal(readdirSync(folder).sort(), ['chain-top.qcow2', 'chain.qcow2'], 'what it had written by then is gone');
  // The header of the top names its base by path: at another place it would not be found.
  const moved = await failure<ImportRefusedError>(
    b.manager.import(bundle, { paths, disks: 'include', folder }),
    'IMPORT_REFUSED',
  );
  assert.ok(
    moved.findings.some(({ problem }) => /names .*chain\.qcow2 below it, which would be/.test(problem)),
    moved.message,
  );
  for (const [options, path] of [
    [{ disks: 'include' }, 'folder'],
    [{ folder }, 'folder'],
    [{ disks: [], folder }, 'disks'],
    [{ disks: 'all', folder }, 'disks'],
  ] as const)
    assert.is((await failure(t.domain.export(options as never), 'ARGUMENT_INVALID')).path, path);
  await failure(t.domain.export({ disks: ['vdz'], folder }), 'DEVICE_NOT_FOUND');
  rmSync(files.raw);
  assert.match((await failure(t.domain.export({ disks: ['vdb'], folder }), 'UNSUPPORTED')).message, /it is not there/);
  await t.domain.undefine();
});

test('export with disks: an image that is written to meanwhile ends it, and an abort; nothing is left of either', async () => {
  const { a, t, files } = await packed('meanwhile');
  const folder = folderFor('meanwhile');
  let touched = false;
  const error = await failure(
    t.domain.export({
      disks: 'include',
      folder,
      onProgress: () => {
        if (touched) return;
        touched = true;
        // Somebody else's program.
        execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 4M 64k', files.qcow2]);
      },
    }),
    'JOB_FAILED',
  );
  assert.match(error.message, /written to while it was exported/);
  assert.equal(readdirSync(folder), []);
  const stop = new AbortController();
  await failure(
    t.domain.export({ disks: 'include', folder, signal: stop.signal, onProgress: () => stop.abort() }),
    'ABORTED',
  );
  assert.equal(readdirSync(folder), []);
  assert.is((await a.manager.get(t.uuid)).uuid, t.uuid);
  await t.domain.undefine();
});

test('import with disks: a file that was changed, cut or is missing, and a place that is taken: no image is left', async () => {
  const { b, t, paths, images } = await packed('tampered');
  const folder = folderFor('tampered');
  const bundle = await t.domain.export({ disks: 'include', folder });
  await t.domain.undefine();
  const left = () => readdirSync(images.to).filter((name) => name.startsWith('tampered'));
  const refused = async (value: DomainBundle, problem: RegExp) => {
    const error = await failure<ImportRefusedError>(
      b.manager.import(value, { paths, disks: 'include', folder }),
      'IMPORT_REFUSED',
    );
    assert.ok(
      error.findings.some((each) => problem.test(each.problem)),
      error.message,
    );
    assert.equal(left(), []);
  };
  const [raw, kept] = [join(folder, 'tampered.raw'), join(folderFor('kept'), 'raw')];
  copyFileSync(raw, kept);
  const changed = readFileSync(raw);
  changed[5 << 20] = 1;
  writeFileSync(raw, changed);
  const sum = await failure(b.manager.import(bundle, { paths, disks: 'include', folder }), 'JOB_FAILED');
  assert.match(sum.message, /tampered\.raw is not what was exported: its SHA-256 is [0-9a-f]{64}/);
  assert.equal(left(), [], 'neither this one nor the one before it');
  await failure(b.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  truncateSync(raw, 1 << 20);
  await refused(bundle, /has 1048576 bytes instead of/);
  rmSync(raw);
  await refused(bundle, /tampered\.raw is not there/);
  copyFileSync(kept, raw);
  const stop = new AbortController();
  await failure(
    b.manager.import(bundle, { paths, disks: 'include', folder, signal: stop.signal, onProgress: () => stop.abort() }),
    'ABORTED',
  );
  assert.equal(left(), []);
  const other = await b.host.createDisk('tampered.raw', { size: '1 MiB', format: 'raw' });
  const taken = await failure<ImportRefusedError>(
    b.manager.import(bundle, { paths, disks: 'include', folder }),
    'IMPORT_REFUSED',
  );
  assert.ok(taken.findings.some(({ problem }) => /tampered\.raw is there already/.test(problem)));
  assert.is(statSync(other).size, 1 << 20, 'as it was');
  rmSync(other);
  const arrived = await b.manager.import(bundle, { paths, disks: 'include', folder });
  await arrived.undefine();
  for (const [value, path] of [
    [{ file: '../x' }, 'file'],
    [{ path: 'images/x' }, 'path'],
    [{ sha256: 'x' }, 'sha256'],
    [{ bytes: -1 }, 'bytes'],
    [{ backing: '/a/../b' }, 'backing'],
  ] as const) {
    const disks = bundle.disks?.map((each, at) => (at === 1 ? { ...each, ...value } : each));
    const error = await failure(b.manager.import({ ...bundle, disks } as never, { paths }), 'SPEC_INVALID');
    assert.is(error.path, `bundle.disks[1].${path}`);
  }
  const { disks, ...bare } = bundle;
  assert.is(disks?.length, 2);
  for (const [value, options, path] of [
    [bundle, { disks: 'include' }, 'folder'],
    [bundle, { folder }, 'folder'],
    [bare, { disks: 'include', folder }, 'disks'],
  ] as const)
    assert.is((await failure(b.manager.import(value, { paths, ...options }), 'ARGUMENT_INVALID')).path, path);
});

test('lvc export --disks, import --disks', async () => {
  const { a, b, t, paths, images } = await packed('words');
  const folder = folderFor('words');
  const out = join(folder, 'words.json');
  const lone = await lvc(['export', 'words', '--disk', 'vda', '--json'], { uri: a.host.uri });
  assert.is(errorOf(lone).code, 'USAGE');
  const gone = await lvc(['export', 'words', '-o', out, '--disks', folder], { uri: a.host.uri });
  assert.is(gone.code, 0, gone.err);
  assert.match(gone.out, `words is written to ${out}, and 2 images to ${folder}.`);
  await t.domain.undefine();
  const words = Object.entries(paths).flatMap(([from, to]) => ['--path', `${from}=${to}`]);
  const come = await lvc(['import', out, '--disks', folder, ...words, '--json'], { uri: b.host.uri });
  assert.is(come.code, 0, come.err + come.out);
  assert.is(resultOf<{ name: string }>(come).name, 'words');
  assert.ok(existsSync(join(images.to, 'words.qcow2')));
  await using connection = await connect(b.host.uri);
  assert.is((await connection.call('DOMAIN_LOOKUP_BY_NAME', { name: 'words' })).dom.uuid, t.uuid);
});

test.run();
