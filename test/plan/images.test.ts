import { test } from 'uvu';
import * as assert from 'uvu/assert';
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

test('a plan names the source of what it attaches, and says when an image would be read as raw unasked', () => {
  const unsaid = plan({ disk: { id: 'x', target: 'vdx', file: '/img/x.qcow2' } });
  assert.match(String(unsaid), 'source: file=/img/x.qcow2 format=raw (none is given)');
  assert.ok(unsaid.notes.some((note) => /no format is given, so QEMU takes \/img\/x.qcow2 for raw/.test(note)));
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
  for (const memory of [2048, 512, 2048n, { current: 1024, maximum: '1 GiB' }]) {
    const error = failureNow(() => planChanges({ set: { memory } }, contextOf('off')), 'SPEC_INVALID');
    assert.match(error.message, /Did you mean '\d+ MiB'\?/);
  }
  assert.is(planChanges({ set: { memory: '600 MiB' } }, contextOf('off')).refusals.length, 0);
});

test.run();
