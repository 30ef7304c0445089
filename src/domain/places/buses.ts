import type { BusRequirement } from '../devices/index.js';

/** A PCI bus, and what it offers to devices. */
export interface PciBus {
  readonly index: number;
  readonly slots: readonly [first: number, last: number];
  /** First slot for a device whose request names its address. */
  readonly firstNamed?: number;
  readonly accepts: ReadonlyArray<'express' | 'conventional'>;
  readonly hotplug: boolean;
  /** On a PC, hot-plug only with `<acpi/>`: QEMU says that the bus does not support it. */
  readonly byAcpi?: boolean;
}

/**
 * What each model of PCI controller offers to devices, after libvirt's qemuDomainPCIAddressSetCreate and
 * virDomainPCIAddressBusSetModel. Models that are not here take bridges only. pci-root leaves out slot 1 (PIIX) and
 * slot 2, which is the primary video's as long as nobody asks for it.
 */
export const PCI_MODELS: Readonly<Record<string, Omit<PciBus, 'index'>>> = {
  'pcie-root-port': { slots: [0, 0], accepts: ['express'], hotplug: true },
  'pcie-switch-downstream-port': { slots: [0, 0], accepts: ['express'], hotplug: true },
  'pcie-to-pci-bridge': { slots: [1, 31], accepts: ['conventional'], hotplug: true },
  'pci-bridge': { slots: [1, 31], accepts: ['conventional'], hotplug: true },
  'dmi-to-pci-bridge': { slots: [1, 31], accepts: ['conventional'], hotplug: false },
  'pci-root': { slots: [3, 31], firstNamed: 2, accepts: ['express', 'conventional'], hotplug: true, byAcpi: true },
};

/** A pci-root that is no PC's: it keeps no slot to itself but 0, and hot-plug needs no ACPI. */
export const PCI_ROOT = { accepts: ['express', 'conventional'], hotplug: true } as const;

/** The numbers that libvirt gives to virtio devices on s390x: cssid 0xfe, ssid 0 to 3, devno 0 to 0xffff (virDomainCCWAddressAssign). */
export const VIRTIO_CSSID = 0xfe;
export const CCW_SSIDS = 4;
export const CCW_DEVNOS = 0x10000;

/** From one number on spapr-vio to the next (qemuDomainAssignSpaprVIOAddress). */
export const SPAPR_VIO_STEP = 0x1000;

/** Drive controllers: units per controller, and which unit numbers there are (virDomainDiskDefAssignAddress). */
export const DRIVE_UNITS: Readonly<Record<string, ReadonlyArray<{ readonly bus: number; readonly unit: number }>>> = {
  scsi: [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15].map((unit) => ({ bus: 0, unit })),
  sata: [0, 1, 2, 3, 4, 5].map((unit) => ({ bus: 0, unit })),
  ide: [0, 1, 2, 3].map((n) => ({ bus: n >> 1, unit: n & 1 })),
  fdc: [0, 1].map((unit) => ({ bus: 0, unit })),
};

/** Ports of a USB controller model that does not say its own number (virDomainUSBAddressControllerModelToPorts). */
export const USB_PORTS: Readonly<Record<string, number>> = {
  'qemu-xhci': 4,
  'nec-xhci': 4,
  'ich9-ehci1': 6,
  ehci: 6,
  'pci-ohci': 3,
  // Companions of ich9-ehci1, which has the ports.
  'ich9-uhci1': 0,
  'ich9-uhci2': 0,
  'ich9-uhci3': 0,
  none: 0,
};
/** Ports of a hub (virDomainUSBAddressSetAddHub). */
export const HUB_PORTS = 8;

/** The buses whose places are counted, and the demand that each answers. On a machine without PCIe the first two are one. */
export const BUSES = {
  pci: { type: 'pci', slot: 'express' },
  conventional: { type: 'pci', slot: 'conventional' },
  scsi: { type: 'drive', controller: 'scsi', target: 'sda' },
  sata: { type: 'drive', controller: 'sata', target: 'sda' },
  ide: { type: 'drive', controller: 'ide', target: 'hda' },
  fdc: { type: 'drive', controller: 'fdc', target: 'fda' },
  usb: { type: 'usb' },
  'virtio-serial': { type: 'virtio-serial' },
  ccid: { type: 'ccid' },
  dimm: { type: 'dimm' },
} as const satisfies Record<string, BusRequirement>;

/** A bus that devices take places on: `pci` has the hot-plug slots for PCIe devices, `conventional` those for PCI ones. */
export type BusName = keyof typeof BUSES;
