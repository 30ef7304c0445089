import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A parallel port. libvirt: `<parallel>`. */
export type ParallelSpec = DeviceSpecBase;

export const parallel = xmlOnly('parallel', { names: (leaves) => [leaves.get('target/@port')] });
