import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** An audio backend of the host. libvirt: `<audio>`. */
export type AudioSpec = DeviceSpecBase;

export const audio = xmlOnly('audio', { names: (leaves) => [leaves.get('@id')] });
