import type { KindCase } from '../case.js';

const ioapic = (xml: string) => xml.replace('<apic/>', "<apic/><ioapic driver='qemu'/>");

export const cases: readonly KindCase[] = [
  {
    kind: 'iommu',
    title: 'intel',
    host: 'session',
    domain: { xml: ioapic },
    device: () => ({
      iommu: {
        model: 'intel',
        driver: { intremap: true, cachingMode: true, eim: false, iotlb: true, awBits: 48 },
      },
    }),
  },
  { kind: 'iommu', title: 'virtio', host: 'session', device: () => ({ iommu: { model: 'virtio' } }) },
];
