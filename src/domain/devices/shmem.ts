import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** Memory shared between guests. libvirt: `<shmem>`. */
export type ShmemSpec = DeviceSpecBase;

export const shmem = xmlOnly('shmem', {
  names: (leaves) => [leaves.get('@name')],
  bus: () => ({ type: 'pci', slot: 'conventional' }),
});
