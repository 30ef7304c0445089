import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A memory module. libvirt: `<memory>` below `<devices>`. */
export type MemoryDeviceSpec = DeviceSpecBase;

export const memoryDevice = xmlOnly('memory');
