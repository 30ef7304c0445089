import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** Persistent storage for a guest's last words. libvirt: `<pstore>`. */
export type PstoreSpec = DeviceSpecBase;

export const pstore = xmlOnly('pstore', { since: '10.6.0', names: () => ['pstore'] });
