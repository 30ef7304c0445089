import {
  deviceFields,
  group,
  integer,
  oneOf,
  VIRTIO_ABI,
  type VirtioDriverSpec,
  virtioDriverFields,
} from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { defineOnly, NO_UPDATE } from './rows.js';

/** A cryptographic accelerator. libvirt 9.1.0: `<crypto model='virtio' type='qemu'>`. */
export interface CryptoSpec extends DeviceSpecBase {
  /** Who does the work: QEMU's own code, or the Linux kernel's. */
  readonly backend: 'builtin' | 'lkcf';
  readonly queues?: number | undefined;
  readonly driver?: VirtioDriverSpec | undefined;
}

export const crypto: DeviceKind<CryptoSpec> = {
  element: 'crypto',
  since: '9.1.0',
  fields: {
    ...deviceFields,
    backend: oneOf('backend/@model', ['builtin', 'lkcf']),
    queues: integer('backend/@queues', { min: 1, max: 0xffffffff }),
    driver: group<VirtioDriverSpec>(virtioDriverFields),
  },
  required: ['backend'],
  defaults: [
    ['@model', 'virtio'],
    ['@type', 'qemu'],
  ],
  names: () => [],
  unique: {},
  support: defineOnly('crypto devices'),
  ...NO_UPDATE,
  abi: ['@model', '@type', 'backend/@queues', ...VIRTIO_ABI],
  liveOnly: [],
  bus: () => ({ type: 'pci', slot: 'express', virtio: true }),
};
