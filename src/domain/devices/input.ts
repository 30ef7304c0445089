import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A mouse, keyboard or tablet. libvirt: `<input>`. */
export type InputSpec = DeviceSpecBase;

export const input = xmlOnly('input', {
  names: (leaves) => [`${leaves.get('@type')}-${leaves.get('@bus') ?? ''}`],
  bus: (leaves) =>
    leaves.get('@bus') === 'usb'
      ? { type: 'usb' }
      : leaves.get('@bus') === 'virtio'
        ? { type: 'pci', slot: 'express' }
        : undefined,
});
