import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A lease of the lock manager. libvirt: `<lease>`. */
export type LeaseSpec = DeviceSpecBase;

export const lease = xmlOnly('lease', { names: (leaves) => [leaves.get('key')] });
