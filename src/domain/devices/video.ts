import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A video card. libvirt: `<video>`. */
export type VideoSpec = DeviceSpecBase;

export const video = xmlOnly('video', {
  bus: (leaves) => (leaves.get('model/@type') === 'virtio' ? { type: 'pci', slot: 'express' } : undefined),
});
