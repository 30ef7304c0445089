import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type VideoSpec, video } from '../../../src/domain/devices/video.js';
import { badValues, build, kindTests, namesOf, some, values, verdict, virtioDriver } from './support.js';

const test = suite('video');

const kib = fc.integer({ min: 1, max: 2 ** 20 }).map((count) => count * 1024);
const any = {
  id: values.id,
  address: values.pciAddress,
  vram: kib,
  primary: fc.boolean(),
  acceleration: some({ accel3d: fc.boolean(), accel2d: fc.boolean(), rendernode: values.path }),
};
const resolution = fc.record({ x: fc.integer({ min: 1, max: 8192 }), y: fc.integer({ min: 1, max: 8192 }) });
const heads = fc.integer({ min: 1, max: 16 });
const vgaconf = fc.constantFrom('io' as const, 'on' as const, 'off' as const);
const anyVideo: fc.Arbitrary<VideoSpec> = fc.oneof(
  some(
    {
      model: fc.constant('virtio' as const),
      ...any,
      resolution,
      heads,
      driver: some({ name: fc.constantFrom('qemu' as const, 'vhostuser' as const), vgaconf, ...virtioDriver }),
    },
    ['model'],
  ),
  some({ model: fc.constant('qxl' as const), ...any, ram: kib, vram64: kib, vgamem: kib, resolution, heads }, [
    'model',
  ]),
  some(
    { model: fc.constantFrom('vga' as const, 'bochs' as const), ...any, resolution, driver: fc.record({ vgaconf }) },
    ['model'],
  ),
  some({ model: fc.constantFrom(...(['cirrus', 'vmvga', 'ramfb', 'none'] as const)), ...any }, ['model']),
);

kindTests(test, video, anyVideo);

badValues(test, video, [
  ['model', {}],
  ['model', { model: 'matrox' }],
  ['vram', { model: 'vga', vram: 1000 }],
  ['ram', { model: 'vga', ram: '64 MiB' }],
  ['vram64', { model: 'virtio', vram64: '64 MiB' }],
  ['vgamem', { model: 'virtio', vgamem: '16 MiB' }],
  ['heads', { model: 'virtio', heads: 0 }],
  ['heads', { model: 'vga', heads: 2 }],
  ['resolution', { model: 'cirrus', resolution: { x: 640, y: 480 } }],
  ['resolution', { model: 'vga', resolution: { x: 640 } }],
  ['resolution', { model: 'vga', resolution: { y: 480 } }],
  ['acceleration.accel3d', { model: 'virtio', acceleration: { accel3d: 'yes' } }],
  ['driver.name', { model: 'vga', driver: { name: 'vhostuser' } }],
  ['driver', { model: 'vga', driver: { iommu: true } }],
]);

test('sizes are in KiB in XML', () => {
  assert.is(build(video, { model: 'vga', vram: '16 MiB' }).get('model/@vram'), '16384');
});

test('it answers to its id and its place', () => {
  const at = "<address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>";
  assert.equal(namesOf(`<video><model type='vga'/>${at}</video>`), ['pci 0000:00:01.0']);
});

test('it is in the definition or not at all', () => {
  for (const action of ['attach', 'detach'] as const)
    for (const scope of ['live', 'config'] as const)
      assert.match(verdict({ video: { model: 'virtio' } }, action, scope), /video cards/);
});

test('it takes a slot of its kind', () => {
  const slot = (model: VideoSpec['model']) => video.bus(build(video, { model }));
  assert.equal(slot('virtio'), { type: 'pci', slot: 'express', virtio: true });
  assert.equal(slot('qxl'), { type: 'pci', slot: 'conventional' });
  assert.is(slot('none'), undefined);
});

test.run();
