import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A remote display. libvirt: `<graphics>`. */
export type GraphicsSpec = DeviceSpecBase;

export const graphics = xmlOnly('graphics', { names: (leaves) => [leaves.get('@type')] });
