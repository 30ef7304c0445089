import { deviceFields, flag, group, integer, oneOf } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { can, cannot, NO_UPDATE } from './rows.js';

/** An I/O memory management unit of the guest. libvirt: `<iommu>`. One per domain. */
export interface IommuSpec extends DeviceSpecBase {
  /** `virtio` from libvirt 8.3.0 on. */
  readonly model: 'intel' | 'smmuv3' | 'virtio';
  readonly driver?: IommuDriverSpec | undefined;
}

/** Options of the `intel` model. libvirt: `<driver>`. */
export interface IommuDriverSpec {
  /** Interrupt remapping; needs `<ioapic driver='qemu'/>`. */
  readonly intremap?: boolean | undefined;
  readonly cachingMode?: boolean | undefined;
  /** Extended interrupt mode, for more than 255 vCPUs. */
  readonly eim?: boolean | undefined;
  /** Device I/O TLB, for virtio devices with `iommu` and `ats`. */
  readonly iotlb?: boolean | undefined;
  /** Bits of an address, 39 or 48. libvirt 6.5.0 */
  readonly awBits?: number | undefined;
  /** Newer than libvirt 9.0.0. */
  readonly dmaTranslation?: boolean | undefined;
}

const WITH_THE_MACHINE = 'an IOMMU is part of the machine and cannot come or go while it runs';

export const iommu: DeviceKind<IommuSpec> = {
  element: 'iommu',
  fields: {
    ...deviceFields,
    model: oneOf('@model', ['intel', 'smmuv3', 'virtio']),
    driver: group<IommuDriverSpec>({
      intremap: flag('driver/@intremap', 'on', 'off'),
      cachingMode: flag('driver/@caching_mode', 'on', 'off'),
      eim: flag('driver/@eim', 'on', 'off'),
      iotlb: flag('driver/@iotlb', 'on', 'off'),
      awBits: integer('driver/@aw_bits', { min: 1, max: 64 }),
      dmaTranslation: flag('driver/@dma_translation', 'on', 'off'),
    }),
  },
  required: ['model'],
  names: () => ['iommu'],
  unique: {},
  support: [
    cannot('attach', 'live', WITH_THE_MACHINE, 'qemuDomainAttachDeviceLive'),
    can('attach', 'config', 'qemuDomainAttachDeviceConfig', { since: '10.5.0' }),
    cannot('detach', 'live', WITH_THE_MACHINE, 'qemuDomainDetachDeviceLive'),
    can('detach', 'config', 'qemuDomainDetachDeviceConfig', { since: '10.5.0' }),
  ],
  limits: [{ atMost: 1, source: 'qemuDomainAttachDeviceConfig' }],
  ...NO_UPDATE,
  abi: ['@model', 'driver'],
  liveOnly: [],
  bus: () => undefined,
};
