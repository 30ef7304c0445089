import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A watchdog timer. libvirt: `<watchdog>`. */
export type WatchdogSpec = DeviceSpecBase;

export const watchdog = xmlOnly('watchdog', {
  names: (leaves) => [leaves.get('@model')],
  bus: (leaves) => (leaves.get('@model') === 'i6300esb' ? { type: 'pci', slot: 'conventional' } : undefined),
});
