import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A source of randomness. libvirt: `<rng>`. */
export type RngSpec = DeviceSpecBase;

export const rng = xmlOnly('rng', { bus: () => ({ type: 'pci', slot: 'express' }) });
