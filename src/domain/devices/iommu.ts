import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** An IOMMU of the guest. libvirt: `<iommu>`. */
export type IommuSpec = DeviceSpecBase;

export const iommu = xmlOnly('iommu', { names: () => ['iommu'] });
