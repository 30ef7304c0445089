import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A device of the host given to the guest. libvirt: `<hostdev>`. */
export type HostdevSpec = DeviceSpecBase;

export const hostdev = xmlOnly('hostdev');
