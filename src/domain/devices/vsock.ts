import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A socket between guest and host. libvirt: `<vsock>`. */
export type VsockSpec = DeviceSpecBase;

export const vsock = xmlOnly('vsock', { names: () => ['vsock'], bus: () => ({ type: 'pci', slot: 'express' }) });
