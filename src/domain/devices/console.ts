import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A console of the guest. libvirt: `<console>`. */
export type ConsoleSpec = DeviceSpecBase;

export const console = xmlOnly('console', { names: (leaves) => [leaves.get('target/@port')] });
