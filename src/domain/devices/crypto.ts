import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A virtio crypto device. libvirt: `<crypto>`. */
export type CryptoSpec = DeviceSpecBase;

export const crypto = xmlOnly('crypto', { since: '9.1.0', bus: () => ({ type: 'pci', slot: 'express' }) });
