import type { DeviceSpecs } from '../../../src/index.js';
import type { KindCase } from '../case.js';

const attach = (title: string, spec: DeviceSpecs['input']): KindCase => ({
  kind: 'input',
  title,
  host: 'session',
  device: () => ({ input: { id: 'ours', ...spec } }),
});

export const cases: readonly KindCase[] = [
  attach('usb tablet', { type: 'tablet' }),
  attach('usb mouse', { type: 'mouse', bus: 'usb' }),
  attach('usb keyboard', { type: 'keyboard', bus: 'usb' }),
  attach('virtio tablet', { type: 'tablet', bus: 'virtio', driver: { packed: true } }),
  attach('virtio keyboard', { type: 'keyboard', bus: 'virtio', model: 'virtio' }),
  attach('virtio mouse', { type: 'mouse', bus: 'virtio', driver: { iommu: false } }),
  {
    kind: 'input',
    title: 'ps2 mouse',
    host: 'session',
    stricter: { 'attach config': 'QEMU has one mouse on ps2, whatever the document says' },
    device: () => ({ input: { type: 'mouse', bus: 'ps2' } }),
  },
  {
    kind: 'input',
    title: 'passthrough',
    host: 'none',
    why: 'needs an input device of the host',
    device: () => ({ input: { passthrough: '/dev/input/event0' } }),
  },
  {
    kind: 'input',
    title: 'evdev',
    host: 'none',
    why: 'needs an input device of the host',
    device: () => ({ input: { evdev: { path: '/dev/input/event0', grabAll: true, repeat: true } } }),
  },
];
