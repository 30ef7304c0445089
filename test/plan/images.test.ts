import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument } from '../../src/domain/index.js';
import { planChanges } from '../../src/plan/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf } from '../support/fixtures.js';

const disk = (target: string, more: object) => ({ disk: { id: target, target, format: 'raw' as const, ...more } });
const plan = (...attach: object[]) => planChanges({ attach: attach as never }, contextOf('off'));

test('attach: one image in two disks is refused, unless both only read it or are shared', () => {
  for (const [one, two] of [
    [{ file: '/img/a' }, { file: '/img/a' }],
    [{ file: '/img/a' }, { file: '/img//x/../a' }],
    [{ block: '/dev/sdx' }, { block: '/dev/sdx' }],
    [{ file: '/img/a', shareable: true }, { file: '/img/a' }],
    [{ file: '/img/a', readonly: true }, { file: '/img/a' }],
    [{ volume: { pool: 'p', volume: 'v' } }, { volume: { pool: 'p', volume: 'v' } }],
  ]) {
    const error = failureNow(() => plan(disk('vdx', one as object), disk('vdy', two as object)), 'DEVICE_DUPLICATE');
    assert.is(error.device, 'disk vdx');
    assert.match(error.message, 'shareable');
  }
  for (const [one, two] of [
    [{ file: '/img/a' }, { file: '/img/b' }],
    [
      { file: '/img/a', shareable: true },
      { file: '/img/a', shareable: true },
    ],
    [
      { file: '/img/a', readonly: true },
      { file: '/img/a', readonly: true },
    ],
    [{ volume: { pool: 'p', volume: 'v' } }, { volume: { pool: 'q', volume: 'v' } }],
  ])
    assert.is(
      plan(disk('vdx', one as object), disk('vdy', two as object)).operations.length,
      2,
      JSON.stringify([one, two]),
    );
});

test('attach: the image of a disk that is there is refused as well', () => {
  const { canonical } = contextOf('off');
  const there = canonical.devices.find(({ leaves }) => leaves.has('source/@file') && !leaves.has('readonly'));
  const file = there?.leaves.get('source/@file');
  assert.ok(file, 'the fixture has a disk with a file');
  assert.is(failureNow(() => plan(disk('vdx', { file })), 'DEVICE_DUPLICATE').device, there?.identity);
});

/** A domain that is off, with a raw disk vdy beside what the fixture has. */
function withRawDisk() {
  const context = contextOf('off');
  const raw =
    "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/img/y.raw'/><target dev='vdy' bus='virtio'/></disk>";
  return { ...context, canonical: new DomainDocument(context.canonical.xml.replace('</devices>', `${raw}</devices>`)) };
}
const update = (set: object, more = {}) =>
  planChanges({ update: [{ disk: 'vdy', set } as never], ...more }, withRawDisk());

test('update: the image of another disk is refused, of the documents and of the same request', () => {
  const root = withRawDisk().canonical.devices.find(({ leaves }) => leaves.get('target/@dev') === 'vda');
  const file = root?.leaves.get('source/@file') as string;
  assert.is(failureNow(() => update({ file, format: 'qcow2' }), 'DEVICE_DUPLICATE').device, root?.identity);
  const attach = [disk('vdx', { file: '/img/new.raw' })];
  const error = failureNow(() => update({ file: '/img/new.raw' }, { attach }), 'DEVICE_DUPLICATE');
  assert.match(error.message, 'its image is already used by disk vd');
  const swap = planChanges(
    {
      update: [
        { disk: 'vdy', set: { file, format: 'qcow2' } },
        { disk: 'vda', set: { file: '/img/y.raw', format: 'raw' } },
      ],
    } as never,
    withRawDisk(),
  );
  assert.is(swap.operations.filter(({ action }) => action === 'update').length, 2, 'two that change with each other');
  assert.is(update({ file: '/img/free.raw' }).operations.filter(({ action }) => action === 'update').length, 1);
});

test('an update of a source that keeps the format raw says so when the name says otherwise', () => {
  const notes = (set: object) => update(set).notes.join();
  assert.match(notes({ file: '/img/z.qcow2' }), 'the format stays raw, so QEMU takes /img/z.qcow2 for raw');
  assert.not.match(notes({ file: '/img/z.qcow2', format: 'qcow2' }), 'stays raw');
  assert.not.match(notes({ file: '/img/z.raw' }), 'stays raw');
});

test('attach: an image whose name says that it is not raw is never taken for raw silently, in a request and in XML', () => {
  const xml =
    "<disk type='file' device='disk'><source file='/img/x.qcow2'/><target dev='vdx' bus='virtio'/></disk>" as never;
  for (const request of [{ disk: { id: 'x', target: 'vdx', file: '/img/x.qcow2' } }, xml]) {
    const said = plan(request);
    assert.match(said.notes.join(), 'no format is given, so QEMU takes /img/x.qcow2 for raw');
    assert.match(String(said), "format: 'qcow2'");
    assert.is(said.operations.filter(({ action }) => action === 'attach').length, 1);
  }
});

test('a plan names the source of what it attaches, and says when an image would be read as raw unasked', () => {
  for (const file of ['/img/x', '/img/x.img']) {
    const unsaid = plan({ disk: { id: 'x', target: 'vdx', file } });
    assert.match(String(unsaid), `source: file=${file} format=raw (none is given)`);
    assert.ok(unsaid.notes.some((note) => note.includes(`no format is given, so QEMU takes ${file} for raw`)));
  }
  const said = plan(disk('vdx', { file: '/img/x.qcow2', format: 'qcow2' }));
  assert.match(String(said), 'source: file=/img/x.qcow2 format=qcow2');
  assert.not.match(String(said), 'for raw');
  assert.not.match(String(plan({ disk: { device: 'cdrom', target: 'sdx', bus: 'sata', file: '/x.iso' } })), 'for raw');
  const net = plan(
    disk('vdx', {
      network: {
        protocol: 'https',
        name: 'a.raw',
        hosts: [{ name: 'h', port: 1 }],
        cookies: [{ name: 'c', value: 'hunter' }],
      },
    }),
  );
  assert.match(String(net), 'source: protocol=https name=a.raw name=h port=1 format=raw');
  assert.not.match(String(net), 'hunter');
  assert.match(String(plan({ interface: { id: 'n', network: 'blue' } })), 'source: network=blue');
});

test('memory: a number of bytes that no machine has is asked about', () => {
  for (const memory of [2048, 512, 2048n, { current: 1024, maximum: '1 GiB' }] as const) {
    const error = failureNow(() => planChanges({ set: { memory } }, contextOf('off')), 'SPEC_INVALID');
    assert.match(error.message, /Did you mean '\d+ MiB'\?/);
  }
  assert.is(planChanges({ set: { memory: '600 MiB' } }, contextOf('off')).refusals.length, 0);
});

test.run();
