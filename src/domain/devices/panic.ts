import { deviceFields, oneOf } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { defineOnly, NO_UPDATE } from './rows.js';

/** How a guest tells that it has crashed. libvirt: `<panic>`. */
export interface PanicSpec extends DeviceSpecBase {
  /** Default by machine: `isa` on x86, `pseries`, `s390`. `pvpanic` is newer than libvirt 9.0.0. */
  readonly model?: 'isa' | 'pvpanic' | 'hyperv' | 'pseries' | 's390' | undefined;
}

export const panic: DeviceKind<PanicSpec> = {
  element: 'panic',
  fields: { ...deviceFields, model: oneOf('@model', ['isa', 'pvpanic', 'hyperv', 'pseries', 's390']) },
  names: (leaves) => [leaves.get('@model')],
  unique: {},
  support: defineOnly('panic devices'),
  ...NO_UPDATE,
  implicit: [{ where: { '@model': ['pseries', 's390'] }, source: 'qemuDomainDefAddDefaultDevices' }],
  abi: ['@model'],
  liveOnly: [],
  bus: (leaves) => (leaves.get('@model') === 'pvpanic' ? { type: 'pci', slot: 'conventional' } : undefined),
};
