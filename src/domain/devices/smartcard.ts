import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A smartcard. libvirt: `<smartcard>`. */
export type SmartcardSpec = DeviceSpecBase;

export const smartcard = xmlOnly('smartcard');
