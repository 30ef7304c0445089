import { type Address, addressText, type PciAddress, parseAddress } from './address.js';
import type { BusDemand } from './devices/index.js';
import type { Device, DomainDocument } from './document.js';

interface PciBus {
  readonly index: number;
  readonly slots: readonly [first: number, last: number];
  readonly accepts: ReadonlyArray<'express' | 'conventional'>;
  readonly hotplug: boolean;
}

/**
 * What each model of PCI controller offers to devices, after libvirt's qemuDomainPCIAddressSetCreate and
 * virDomainPCIAddressBusSetModel. Models that are not here take bridges only. pci-root leaves out slot 1 (PIIX) and
 * slot 2 (kept for the primary video).
 */
const PCI_MODELS: Readonly<Record<string, Omit<PciBus, 'index'>>> = {
  'pcie-root-port': { slots: [0, 0], accepts: ['express'], hotplug: true },
  'pcie-switch-downstream-port': { slots: [0, 0], accepts: ['express'], hotplug: true },
  'pcie-to-pci-bridge': { slots: [1, 31], accepts: ['conventional'], hotplug: true },
  'pci-bridge': { slots: [1, 31], accepts: ['conventional'], hotplug: true },
  'dmi-to-pci-bridge': { slots: [1, 31], accepts: ['conventional'], hotplug: false },
  'pci-root': { slots: [3, 31], accepts: ['express', 'conventional'], hotplug: true },
};

/** Drive controllers: units per controller, and which unit numbers there are (virDomainDiskDefAssignAddress). */
const DRIVE_UNITS: Readonly<Record<string, ReadonlyArray<{ readonly bus: number; readonly unit: number }>>> = {
  scsi: [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15].map((unit) => ({ bus: 0, unit })),
  sata: [0, 1, 2, 3, 4, 5].map((unit) => ({ bus: 0, unit })),
  ide: [0, 1, 2, 3].map((n) => ({ bus: n >> 1, unit: n & 1 })),
  fdc: [0, 1].map((unit) => ({ bus: 0, unit })),
};

/** Ports of a USB controller model that does not say its own number (virDomainUSBAddressControllerModelToPorts). */
const USB_PORTS: Readonly<Record<string, number>> = {
  'qemu-xhci': 4,
  'nec-xhci': 4,
  'ich9-ehci1': 6,
  ehci: 6,
  'pci-ohci': 3,
};

/** How many places for hot-plug there are, and how many are free in both documents. */
export interface Capacity {
  readonly total: number;
  readonly free: number;
}

/**
 * The buses of a domain and who sits where, over both documents: a place is free only when it is free in the canonical
 * and in the live one, and a bus exists only when both have it. That is what keeps a hot-plugged device where it is.
 */
export class Topology {
  readonly #documents: readonly DomainDocument[];
  readonly #occupied = new Map<string, string>();
  readonly #released = new Set<string>();

  constructor(canonical: DomainDocument, live: DomainDocument | undefined) {
    this.#documents = live ? [canonical, live] : [canonical];
    for (const document of this.#documents)
      for (const { address, identity, kind, leaves } of document.devices)
        this.take(address, identity, kind.bus(leaves));
  }

  /** Marks an address as used by `who`. `demand` tells the drives of one controller from those of another. */
  take(address: Address | undefined, who: string, demand?: BusDemand): void {
    if (!address) return;
    this.#occupied.set(place(address, demand), who);
    this.#released.delete(place(address, demand));
  }

  /** Marks the place of a device that the plan detaches: given to another only when nothing else is free. */
  release(device: Device): void {
    if (!device.address) return;
    const left = place(device.address, device.kind.bus(device.leaves));
    this.#occupied.delete(left);
    this.#released.add(left);
  }

  /** Keeps a place that a device has left for that device, as long as another is free; `address` as {@link addressText} writes it. */
  spare(address: string): void {
    const left = place(parseAddress(address, 'address'));
    if (!this.#occupied.has(left)) this.#released.add(left);
  }

  /** Who sits at an address, in either document. */
  occupant(address: Address, demand?: BusDemand): string | undefined {
    return this.#occupied.get(place(address, demand));
  }

  /** A free place for such a device, its `former` one if that is free; undefined when there is none. `hotplug` asks for one that works while running. */
  choose(demand: BusDemand, hotplug: boolean, former?: string): Address | undefined {
    const candidates = this.#candidates(demand, hotplug).filter((address) => !this.occupant(address, demand));
    const again = candidates.find((address) => addressText(address) === former);
    if (again) return again;
    return candidates.find((address) => !this.#released.has(place(address, demand))) ?? candidates[0];
  }

  /** Says why an address that a request names cannot be had; undefined when it can. */
  objection(address: PciAddress, demand: BusDemand | undefined, hotplug: boolean): string | undefined {
    const occupant = this.occupant(address, demand);
    if (occupant) return `${addressText(address)} is taken by ${occupant}`;
    if (demand?.type !== 'pci') return undefined;
    const bus = this.#pciBuses().find(({ index }) => index === address.bus);
    if (!bus)
      return hotplug ? `there is no PCI bus ${address.bus} that takes devices while the domain runs` : undefined;
    if (hotplug && !bus.hotplug) return `PCI bus ${address.bus} does not support hot-plug`;
    if (hotplug && address.function !== 0)
      return `only function 0 of a slot can be hot-plugged, not function ${address.function}`;
    if (!bus.accepts.includes(demand.slot)) return `PCI bus ${address.bus} takes no ${demand.slot} PCI devices`;
    if (address.slot < bus.slots[0] || address.slot > bus.slots[1]) {
      return `PCI bus ${address.bus} has slots ${bus.slots[0]} to ${bus.slots[1]} for devices, not ${address.slot}`;
    }
    return undefined;
  }

  /** Why nothing can be plugged or unplugged at an address while the domain runs; undefined when it can. */
  hotplugObjection(address: Address | undefined): string | undefined {
    if (address?.type !== 'pci' || this.#pciBuses().find(({ index }) => index === address.bus)?.hotplug)
      return undefined;
    return `PCI bus ${address.bus} does not support hot-plug`;
  }

  /** Hot-plug places for PCIe devices (on a machine without PCIe, for PCI ones). */
  pciCapacity(): Capacity {
    const all = this.#candidates({ type: 'pci', slot: 'express' }, true);
    return { total: all.length, free: all.filter((address) => !this.#occupied.has(place(address))).length };
  }

  #candidates(demand: BusDemand, hotplug: boolean): Address[] {
    if (demand.type === 'pci') {
      return this.#pciBuses()
        .filter((bus) => bus.accepts.includes(demand.slot) && (bus.hotplug || !hotplug))
        .flatMap((bus) =>
          range(bus.slots[0], bus.slots[1]).map(
            (slot): Address => ({ type: 'pci', domain: 0, bus: bus.index, slot, function: 0 }),
          ),
        );
    }
    if (demand.type === 'usb') {
      return this.#controllers('usb').flatMap(({ index, controllers }) => {
        const ports = Math.max(
          ...controllers.map((leaves) => Number(leaves.get('@ports') ?? USB_PORTS[leaves.get('@model') ?? ''] ?? 2)),
        );
        return range(1, ports).map((port): Address => ({ type: 'usb', bus: index, port: String(port) }));
      });
    }
    if (demand.type === 'virtio-serial') {
      // Port 0 is the console's (virDomainVirtioSerialAddrReserve).
      return this.#controllers('virtio-serial').flatMap(({ index, controllers }) =>
        range(1, Number(controllers[0]?.get('@ports') ?? 31) - 1).map(
          (port): Address => ({ type: 'virtio-serial', controller: index, bus: 0, port }),
        ),
      );
    }
    if (demand.type === 'ccid')
      return this.#controllers('ccid').map(({ index }): Address => ({ type: 'ccid', controller: index, slot: 0 }));
    if (demand.type === 'dimm') {
      const slots = Math.min(...this.#documents.map((document) => Number(document.value('maxMemory/@slots') ?? 0)));
      return range(0, slots - 1).map((slot): Address => ({ type: 'dimm', slot, base: undefined }));
    }
    return this.#drives(demand);
  }

  #drives(demand: Extract<BusDemand, { type: 'drive' }>): Address[] {
    const units = DRIVE_UNITS[demand.controller] ?? [];
    const all = this.#controllers(demand.controller).flatMap(({ index }) =>
      units.map(({ bus, unit }): Address => ({ type: 'drive', controller: index, bus, target: 0, unit })),
    );
    // The place that libvirt itself derives from the target name comes first.
    const nth = targetIndex(demand.target);
    const preferred = units[nth % units.length];
    const first = all.filter(
      (address) =>
        address.type === 'drive' &&
        address.controller === Math.floor(nth / units.length) &&
        address.bus === preferred?.bus &&
        address.unit === preferred.unit,
    );
    return [...first, ...all];
  }

  #pciBuses(): PciBus[] {
    return this.#controllers('pci').flatMap(({ index, controllers }) => {
      const leaves = controllers[0];
      const offer = PCI_MODELS[leaves?.get('@model') ?? ''];
      if (!leaves || !offer) return [];
      return [
        {
          index,
          ...offer,
          hotplug: offer.hotplug && controllers.every((each) => each.get('target/@hotplug') !== 'off'),
        },
      ];
    });
  }

  /** Controllers of one type that every document has, lowest index first. */
  #controllers(type: string): Array<{ index: number; controllers: Array<Device['leaves']> }> {
    const byIndex = this.#documents.map((document) => {
      const found = new Map<number, Array<Device['leaves']>>();
      for (const { kind, leaves } of document.devices) {
        if (kind.element !== 'controller' || leaves.get('@type') !== type) continue;
        const index = Number(leaves.get('@index') ?? 0);
        found.set(index, [...(found.get(index) ?? []), leaves]);
      }
      return found;
    });
    return [...(byIndex[0] ?? [])]
      .filter(([index]) => byIndex.every((found) => found.has(index)))
      .map(([index]) => ({ index, controllers: byIndex.flatMap((found) => found.get(index) ?? []) }))
      .sort((a, b) => a.index - b.index);
  }
}

/** The place an address takes up: for PCI the whole slot, since hot-plug works by slot. */
function place(address: Address, demand?: BusDemand): string {
  if (address.type === 'dimm') return `dimm ${address.slot}`;
  if (address.type === 'pci') return `pci ${address.domain}:${address.bus}:${address.slot}`;
  // Drive addresses do not say which kind of controller they are on.
  return demand?.type === 'drive' ? `${demand.controller} ${addressText(address)}` : addressText(address);
}

/** 0 for `vda` and `sda`, 25 for `vdz`, 26 for `vdaa` (virDiskNameToIndex). */
function targetIndex(target: string): number {
  let index = 0;
  for (const letter of target.replace(/^(?:[vshf]d|xvd|ubd)/, '')) index = index * 26 + (letter.charCodeAt(0) - 96);
  return Math.max(index - 1, 0);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, i) => first + i);
}
