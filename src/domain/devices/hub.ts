import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A USB hub. libvirt: `<hub>`. */
export type HubSpec = DeviceSpecBase;

export const hub = xmlOnly('hub');
