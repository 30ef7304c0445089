import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A USB device redirected from a client. libvirt: `<redirdev>`. */
export type RedirdevSpec = DeviceSpecBase;

export const redirdev = xmlOnly('redirdev', { bus: () => ({ type: 'usb' }) });
