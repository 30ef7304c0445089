import type { Address } from './address.js';

/** Buses on which nothing can be plugged or unplugged while the guest runs, and why. */
const COLD: Readonly<Record<string, string>> = {
  'spapr-vio': "QEMU's spapr-vio bus does not support hot-plug (qdev_device_add)",
  'virtio-mmio': "QEMU's virtio-mmio buses do not support hot-plug (qdev_device_add)",
};

/** Why a device on such a bus waits for the next boot; undefined on a bus that takes hot-plug. */
export function whyCold(on: { readonly type: string } | Address | undefined): string | undefined {
  return on && COLD[on.type];
}
