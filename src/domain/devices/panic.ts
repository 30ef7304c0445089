import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A panic notifier. libvirt: `<panic>`. */
export type PanicSpec = DeviceSpecBase;

export const panic = xmlOnly('panic', { names: (leaves) => [leaves.get('@model')] });
