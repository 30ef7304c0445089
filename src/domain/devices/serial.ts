import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A serial port. libvirt: `<serial>`. */
export type SerialSpec = DeviceSpecBase;

export const serial = xmlOnly('serial', { names: (leaves) => [leaves.get('target/@port')] });
