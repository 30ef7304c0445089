import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A folder of the host shared with the guest. libvirt: `<filesystem>`. */
export type FilesystemSpec = DeviceSpecBase;

export const filesystem = xmlOnly('filesystem', {
  names: (leaves) => [leaves.get('target/@dir')],
  bus: () => ({ type: 'pci', slot: 'express' }),
});
