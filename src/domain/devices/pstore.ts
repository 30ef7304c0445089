import type { Size } from '../values.js';
import { deviceFields, oneOf, size, text } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { defineOnly, NO_UPDATE } from './rows.js';

/** Storage in which a crashed guest leaves its last words. libvirt 10.6.0: `<pstore>`. One per domain. */
export interface PstoreSpec extends DeviceSpecBase {
  readonly backend: 'acpi-erst';
  /** File on the host. Left out, libvirt makes one of the domain's name. */
  readonly path?: string | undefined;
  readonly size?: Size | undefined;
}

export const pstore: DeviceKind<PstoreSpec> = {
  element: 'pstore',
  since: '10.6.0',
  fields: {
    ...deviceFields,
    backend: oneOf('@backend', ['acpi-erst']),
    path: text('path'),
    size: size('size', { unitPath: 'size/@unit', fallback: 'KiB' }),
  },
  required: ['backend'],
  names: () => ['pstore'],
  unique: {},
  support: defineOnly('pstore devices'),
  ...NO_UPDATE,
  abi: ['@backend', 'size'],
  liveOnly: [],
  bus: () => ({ type: 'pci', slot: 'conventional' }),
};
