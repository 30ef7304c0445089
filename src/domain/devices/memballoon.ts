import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** The memory balloon. libvirt: `<memballoon>`. */
export type MemballoonSpec = DeviceSpecBase;

export const memballoon = xmlOnly('memballoon', {
  names: () => ['memballoon'],
  bus: () => ({ type: 'pci', slot: 'express' }),
});
