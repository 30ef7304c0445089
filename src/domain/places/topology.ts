import type { Assignment, BusRequirement } from '../devices/index.js';
import type { Device, DomainDocument } from '../document.js';
import type { Scope } from '../operation.js';
import { type Address, addressText, isPlace, type PciAddress, parseAddress } from './address.js';
import {
  BUSES,
  type BusName,
  CCW_DEVNOS,
  CCW_SSIDS,
  DRIVE_UNITS,
  HUB_PORTS,
  PCI_MODELS,
  PCI_ROOT,
  type PciBus,
  SPAPR_VIO_STEP,
  USB_PORTS,
  VIRTIO_CSSID,
} from './buses.js';
import { whyCold } from './cold-buses.js';
import { indexOf } from './controllers.js';
import { type MachineRow, machineOf, onMachine } from './machines.js';
import { ZpciNumbers } from './zpci.js';

/** How many places there are on a bus (on PCI those for hot-plug), and how many are free in both documents. */
export interface Capacity {
  readonly total: number;
  readonly free: number;
}

/**
 * The buses of a domain and who sits where, over both documents: a place is free only when it is free in the canonical
 * and in the live one, and a bus exists only when both have it. That is what keeps a hot-plugged device where it is.
 */
export class Topology {
  readonly #sides: readonly Side[];
  /** What the domain's machine decides. */
  readonly machine: MachineRow;
  readonly #acpi: boolean;
  /** On s390x alone. */
  readonly #zpci: ZpciNumbers | undefined;
  /** Devices on virtio-mmio, whose addresses do not tell them apart. */
  readonly #transports = new Set<string>();
  /** Who sits where; in two documents these can be two. */
  readonly #holders = new Map<string, Holder[]>();
  readonly #released = new Set<string>();
  /** What the controllers offer: worked out once, until another controller comes. */
  readonly #offers = new Map<string, readonly Slot[]>();
  readonly #buses = new Map<boolean, readonly PciBus[]>();

  constructor(canonical: DomainDocument, live: DomainDocument | undefined) {
    this.machine = machineOf(canonical);
    this.#acpi = canonical.value('features/acpi') !== undefined;
    if (this.machine.virtio === 'ccw') this.#zpci = new ZpciNumbers(live ? [canonical, live] : [canonical]);
    this.#sides = (live ? [canonical, live] : [canonical]).map(sideOf);
    for (const { devices } of [canonical, ...(live ? [live] : [])]) for (const device of devices) this.occupy(device);
  }

  /** The bus that a device needs a place on, on this machine. */
  demandOf(device: Pick<Device, 'kind' | 'leaves'>): BusRequirement | undefined {
    return onMachine(this.machine, device);
  }

  /** What an s390x guest knows a PCI device by, as far as the device leaves it out: the same in both documents. */
  zpciFor({ leaves }: Pick<Device, 'leaves'>, address: Address | undefined): readonly Assignment[] {
    return address?.type === 'pci' && this.#zpci ? this.#zpci.choose(leaves) : [];
  }

  /** Marks the place of a device as its own. One that is new brings a bus into the documents of `scope` when it is a controller. */
  occupy(device: Device, scope?: Scope): void {
    const { kind, leaves, address, identity } = device;
    if (scope && kind.element === 'controller') {
      for (const [n, side] of this.#sides.entries())
        if (scope === 'both' || (scope === 'live') === (n === 1)) add(side, leaves);
      this.#offers.clear();
      this.#buses.clear();
    }
    this.#zpci?.take(device);
    this.take(address, identity, this.demandOf(device), leaves.get('address/@multifunction') === 'on');
  }

  /** Marks an address as used by `who`. `demand` tells the drives of one controller from those of another. */
  take(address: Address | undefined, who: string, demand?: BusRequirement, shares = false): void {
    if (!address) return;
    if (address.type === 'virtio-mmio') {
      this.#transports.add(who);
      return;
    }
    const at = place(address, demand);
    const holder = { who, function: address.type === 'pci' ? address.function : 0, shares };
    this.#holders.set(at, [...(this.#holders.get(at) ?? []), holder]);
    this.#released.delete(at);
  }

  /** Marks the place of a device that the plan detaches: given to another only when nothing else is free. */
  release(device: Device): void {
    if (!device.address) return;
    this.#transports.delete(device.identity);
    const left = place(device.address, this.demandOf(device));
    const others = (this.#holders.get(left) ?? []).filter(({ who }) => who !== device.identity);
    if (others.length > 0) this.#holders.set(left, others);
    else this.#holders.delete(left);
    this.#released.add(left);
  }

  /** Keeps a place that a device has left for that device, as long as another is free; `address` as {@link addressText} writes it. */
  keepFor(address: string): void {
    const drives = Object.keys(DRIVE_UNITS).map((controller) => `${controller} ${address}`);
    const pci = /^pci (\w+):(\w+):(\w+)\.\d$/.exec(address)?.slice(1);
    const slot = pci && `pci ${pci.map((each) => Number.parseInt(each, 16)).join(':')}`;
    for (const left of slot
      ? [slot]
      : address.startsWith('drive ')
        ? drives
        : [address.replace(/^(dimm \d+)@.*/, '$1')])
      if (!this.#holders.has(left)) this.#released.add(left);
  }

  /** Who keeps a device from an address, in either document: its holder; for a further function of a slot only one that does not share. */
  holderOf(address: Address, demand?: BusRequirement): string | undefined {
    const holders = this.#holders.get(place(address, demand)) ?? [];
    if (address.type !== 'pci' || address.function === 0) return holders[0]?.who;
    return holders.find((holder) => holder.function === address.function || (holder.function === 0 && !holder.shares))
      ?.who;
  }

  /** A free place for such a device, its `former` one if that is free; undefined when there is none. `hotplug` asks for one that works while running. */
  choose(demand: BusRequirement, hotplug: boolean, former?: string): Address | undefined {
    if (demand.type === 'ccw') return this.#chooseCcw(former);
    if (demand.type === 'spapr-vio') return this.#chooseSpaprVio(demand.first, former);
    if (demand.type === 'virtio-mmio') return this.transportsFull ? undefined : demand;
    const free = this.#places(demand, hotplug).filter(({ at }) => !this.#holders.has(at));
    const own = demand.type === 'drive' ? unitOf(demand) : undefined;
    const back = former === undefined ? undefined : this.#formerPlace(former, demand, hotplug);
    if (back) return back;
    const chosen =
      // The place that libvirt itself derives from the target name comes first.
      free.find(({ at }) => at === own && !this.#released.has(at)) ??
      free.find(({ at }) => !this.#released.has(at)) ??
      free.find(({ at }) => at === own) ??
      free[0];
    return chosen?.address;
  }

  /** The former number if it is free, else the lowest one, as virDomainCCWAddressAssign; there are more than a domain ever has devices. */
  #chooseCcw(former: string | undefined): Address | undefined {
    if (former?.startsWith('ccw ') && !this.#holders.has(former)) return parseAddress(former, 'the former address');
    const last = CCW_SSIDS * CCW_DEVNOS;
    const lowest = (avoid: (at: string) => boolean) => {
      for (let n = 0; n < last; n++) {
        const address: Address = {
          type: 'ccw',
          cssid: VIRTIO_CSSID,
          ssid: Math.floor(n / CCW_DEVNOS),
          devno: n % CCW_DEVNOS,
        };
        const at = place(address);
        if (!this.#holders.has(at) && !avoid(at)) return address;
      }
      return undefined;
    };
    return lowest((at) => this.#released.has(at)) ?? lowest(() => false);
  }

  /** The former number if it is free, else the first free one from that of the kind on, as qemuDomainAssignSpaprVIOAddress. */
  #chooseSpaprVio(first: number, former: string | undefined): Address {
    if (former?.startsWith('spapr-vio ') && !this.#holders.has(former))
      return parseAddress(former, 'the former address');
    let reg = first;
    while (this.#holders.has(place({ type: 'spapr-vio', reg }))) reg += SPAPR_VIO_STEP;
    return { type: 'spapr-vio', reg };
  }

  /** How many virtio-mmio transports the domain has; undefined on a machine where libvirt has no such address. */
  get transports(): number | undefined {
    const { transports, transportsByAcpi = transports } = this.machine;
    return this.#acpi ? transportsByAcpi : transports;
  }

  /** True when each virtio-mmio transport has its device. */
  get transportsFull(): boolean {
    return this.#transports.size >= (this.transports ?? 0);
  }

  /** The place that a device had, whoever gave it: also one that is given away only by name. */
  #formerPlace(former: string, demand: BusRequirement, hotplug: boolean): Address | undefined {
    const address = isPlace(former) ? parseAddress(former, 'the former address') : undefined;
    if (address?.type !== demand.type) return undefined;
    const at = place(address, demand);
    const places = this.#places(demand, hotplug);
    const known = places.find((each) => each.at === at);
    if (known && address.type !== 'pci') return this.#holders.has(at) ? undefined : known.address;
    // A controller that is not there any more is none to come back to: libvirt adds one of its own choice.
    if (address.type !== 'pci' && !places.some((each) => indexOf(each.address) === indexOf(address))) return undefined;
    return this.whyNot(address, demand, hotplug) === undefined ? address : undefined;
  }

  /** Says what is wrong with the numbers of zPCI that a request gives; undefined when they can be had. */
  zpciProblem(device: Pick<Device, 'leaves' | 'identity'>): string | undefined {
    return this.#zpci?.problem(device);
  }

  /** Says why an address that a request names cannot be had; undefined when it can. */
  whyNot(address: Address, demand: BusRequirement | undefined, hotplug: boolean): string | undefined {
    const occupant = this.holderOf(address, demand);
    if (occupant) return `${addressText(address)} is taken by ${occupant}`;
    const { name, noPci } = this.machine;
    if (address.type === 'pci' && noPci) return noPci;
    if (address.type === 'virtio-mmio' && this.machine.transports === undefined)
      return `the machine ${name} has no virtio-mmio that libvirt uses`;
    if (!demand || address.type === 'other') return undefined;
    if (address.type === 'pci' && demand.type === 'pci') return this.#pciObjection(address, demand, hotplug);
    if (address.type !== demand.type) return `${addressText(address)} is no place for a device on ${busOf(demand)}`;
    // SCSI controllers take more targets and units than libvirt gives away by itself, and it adds controllers even live.
    if (busOf(demand) === 'scsi' || demand.type === 'ccw') return undefined;
    if (address.type === 'virtio-mmio' || address.type === 'spapr-vio') return hotplug ? whyCold(address) : undefined;
    const absent = hotplug ? this.whyNotHotplug(address, demand) : undefined;
    // Without a port libvirt chooses one.
    if (absent || ('port' in address && !Number.parseInt(String(address.port), 10))) return absent;
    const places = this.#places(demand, hotplug);
    const at = place(address, demand);
    // What libvirt adds a controller for has no places yet.
    const known = places.some((each) => indexOf(each.address) === indexOf(address));
    return known && !places.some((each) => each.at === at) ? `there is no place ${addressText(address)}` : undefined;
  }

  #pciObjection(
    address: PciAddress,
    demand: Extract<BusRequirement, { type: 'pci' }>,
    hotplug: boolean,
  ): string | undefined {
    if (address.domain !== 0) return `there is no PCI domain ${address.domain}, only 0`;
    const slot = this.#holders.get(place(address)) ?? [];
    if (!hotplug && address.function !== 0 && !slot.some((holder) => holder.function === 0 && holder.shares))
      return `function 0 of ${addressText({ ...address, function: 0 })} is to be there first, with multifunction on`;
    const bus = this.#pciBuses(hotplug).find(({ index }) => index === address.bus);
    if (!bus)
      return hotplug ? `there is no PCI bus ${address.bus} that takes devices while the domain runs` : undefined;
    if (hotplug && !bus.hotplug) return `PCI bus ${address.bus} does not support hot-plug`;
    if (hotplug && address.function !== 0)
      return `only function 0 of a slot can be hot-plugged, not function ${address.function}`;
    if (!bus.accepts.includes(demand.slot)) return `PCI bus ${address.bus} takes no ${demand.slot} PCI devices`;
    const [first, last] = [bus.firstNamed ?? bus.slots[0], bus.slots[1]];
    if (address.slot < first || address.slot > last) {
      return `PCI bus ${address.bus} has slots ${first} to ${last} for devices, not ${address.slot}`;
    }
    return undefined;
  }

  /** False when a device that asks for `demand` cannot be where it is: a PCI device in a slot of the other sort. */
  accepts(address: PciAddress, demand: BusRequirement): boolean {
    const bus = this.#pciBuses(false).find(({ index }) => index === address.bus);
    return demand.type === 'pci' && (bus === undefined || bus.accepts.includes(demand.slot));
  }

  /** Why nothing can be plugged or unplugged at an address while the domain runs; undefined when it can. */
  whyNotHotplug(address: Address | undefined, demand?: BusRequirement): string | undefined {
    const cold = whyCold(address ?? demand);
    if (cold) return cold;
    if (address?.type === 'pci') {
      if (this.#pciBuses(true).find(({ index }) => index === address.bus)?.hotplug) return undefined;
      return `PCI bus ${address.bus} does not support hot-plug`;
    }
    if (address?.type === 'ccw' || demand?.type === 'ccw') return undefined;
    if (!address) return demand && 'libvirt gives it a place at the next boot only';
    const type = demand?.type === 'drive' ? demand.controller : demand?.type;
    if (type === undefined || type === 'dimm' || address.type === 'dimm') return undefined;
    const index = indexOf(address);
    if (this.#controllers(type, true).some((each) => each.index === index)) return undefined;
    return `the running guest has no ${type} controller ${index}`;
  }

  /** How many places each bus has. */
  capacity(): Readonly<Record<BusName, Capacity>> {
    const count = (demand: BusRequirement): Capacity => {
      const all = this.#places(demand, true);
      return { total: all.length, free: all.filter(({ at }) => !this.#holders.has(at)).length };
    };
    return Object.fromEntries(Object.entries(BUSES).map(([name, demand]) => [name, count(demand)])) as Record<
      BusName,
      Capacity
    >;
  }

  /** Every place of a bus, and whether it is free in both documents. `hotplug` leaves out what only the next boot offers. */
  places(bus: BusName, hotplug: boolean): Array<{ readonly address: Address; readonly free: boolean }> {
    return this.#places(BUSES[bus], hotplug).map(({ address, at }) => ({ address, free: !this.#holders.has(at) }));
  }

  /** All places of a bus, taken or not, in the order in which they are given away. */
  #places(demand: BusRequirement, hotplug: boolean): readonly Slot[] {
    const bus = `${busOf(demand)} ${hotplug}`;
    let places = this.#offers.get(bus);
    if (!places) {
      places = this.#addresses(demand, hotplug).map((address) => ({ address, at: place(address, demand) }));
      this.#offers.set(bus, places);
    }
    return places;
  }

  #addresses(demand: BusRequirement, hotplug: boolean): Address[] {
    switch (demand.type) {
      case 'pci':
        return this.#pciBuses(hotplug)
          .filter((bus) => bus.accepts.includes(demand.slot) && (bus.hotplug || !hotplug))
          .flatMap((bus) =>
            range(bus.slots[0], bus.slots[1]).map(
              (slot): Address => ({ type: 'pci', domain: 0, bus: bus.index, slot, function: 0 }),
            ),
          );
      case 'ccw':
      case 'spapr-vio':
      case 'virtio-mmio':
        return [];
      case 'usb':
        return this.#usbPorts(hotplug);
      case 'virtio-serial':
        // Port 0 is the console's (virDomainVirtioSerialAddrReserve).
        return this.#controllers('virtio-serial', hotplug).flatMap(({ index, controllers }) =>
          range(1, Number(controllers[0]?.get('@ports') ?? 31) - 1).map(
            (port): Address => ({ type: 'virtio-serial', controller: index, bus: 0, port }),
          ),
        );
      case 'ccid':
        return this.#controllers('ccid', hotplug).map(
          ({ index }): Address => ({ type: 'ccid', controller: index, slot: 0 }),
        );
      case 'dimm':
        return range(0, Math.min(...this.#sides.map(({ slots }) => slots)) - 1).map(
          (slot): Address => ({ type: 'dimm', slot, base: undefined }),
        );
      case 'drive':
        return this.#controllers(demand.controller, hotplug).flatMap(({ index }) =>
          (DRIVE_UNITS[demand.controller] ?? []).map(({ bus, unit }): Address => driveAt(index, bus, unit)),
        );
    }
  }

  #usbPorts(hotplug: boolean): Address[] {
    const own = this.#controllers('usb', hotplug).flatMap(({ index, controllers }) => {
      const ports = Math.max(
        ...controllers.map((leaves) => Number(leaves.get('@ports') ?? USB_PORTS[leaves.get('@model') ?? ''] ?? 2)),
      );
      return range(1, ports).map((port): Address => ({ type: 'usb', bus: index, port: String(port) }));
    });
    const [first, ...others] = this.#seen(hotplug);
    const hubs = [...(first?.hubs ?? [])]
      .filter(([at]) => others.every((side) => side.hubs.has(at)))
      .map(([, hub]) => hub);
    return [
      ...own,
      ...hubs.flatMap(({ bus, port }) =>
        range(1, HUB_PORTS).map((n): Address => ({ type: 'usb', bus, port: `${port}.${n}` })),
      ),
    ];
  }

  #pciBuses(hotplug: boolean): readonly PciBus[] {
    const known = this.#buses.get(hotplug);
    if (known) return known;
    const all = this.#controllers('pci', hotplug);
    // Without PCIe every device goes into a PCI slot, on pci-root or behind a bridge.
    const plain = all.some(({ index, controllers }) => index === 0 && controllers[0]?.get('@model') === 'pci-root');
    const buses = all.flatMap(({ index, controllers }) => {
      const model = controllers[0]?.get('@model') ?? '';
      const { pciRoot } = this.machine;
      const offer = model === 'pci-root' && pciRoot ? { ...PCI_ROOT, ...pciRoot } : PCI_MODELS[model];
      if (!offer) return [];
      return [
        {
          index,
          slots: offer.slots,
          ...(offer.firstNamed === undefined ? {} : { firstNamed: offer.firstNamed }),
          accepts: plain ? (['express', 'conventional'] as const) : offer.accepts,
          hotplug:
            offer.hotplug &&
            controllers.every((each) => each.get('target/@hotplug') !== 'off') &&
            (!offer.byAcpi || this.#sides.every(({ acpi }) => acpi)),
        },
      ];
    });
    this.#buses.set(hotplug, buses);
    return buses;
  }

  /** What a running guest can use is in both documents; what is to be there from the next boot on needs the canonical one alone. */
  #seen(hotplug: boolean): readonly Side[] {
    return hotplug ? this.#sides : this.#sides.slice(0, 1);
  }

  /** Controllers of one type, lowest index first. */
  #controllers(type: string, hotplug: boolean): Array<{ index: number; controllers: Array<Device['leaves']> }> {
    const byIndex = this.#seen(hotplug).map(({ controllers }) => controllers.get(type));
    return [...(byIndex[0] ?? [])]
      .filter(([index]) => byIndex.every((found) => found?.has(index)))
      .map(([index]) => ({ index, controllers: byIndex.flatMap((found) => found?.get(index) ?? []) }))
      .sort((a, b) => a.index - b.index);
  }
}

/** What one document offers: its controllers by type and index, its USB hubs by place, its slots for memory, and whether it has the ACPI that a PC needs. */
interface Side {
  readonly controllers: Map<string, Map<number, Array<Device['leaves']>>>;
  readonly hubs: Map<string, Extract<Address, { type: 'usb' }>>;
  readonly slots: number;
  readonly acpi: boolean;
}

/** A place on a bus, and what it is called where it is noted who sits there. */
interface Slot {
  readonly address: Address;
  readonly at: string;
}

/** One device in a place; `shares` is a function 0 with others beside it. */
interface Holder {
  readonly who: string;
  readonly function: number;
  readonly shares: boolean;
}

function sideOf(document: DomainDocument): Side {
  const side: Side = {
    controllers: new Map(),
    hubs: new Map(),
    slots: Number(document.value('maxMemory/@slots') ?? 0),
    acpi: !/^pc\b/.test(document.machine) || document.value('features/acpi') !== undefined,
  };
  for (const { kind, leaves, address } of document.devices) {
    if (kind.element === 'controller') add(side, leaves);
    if (kind.element === 'hub' && address?.type === 'usb') side.hubs.set(addressText(address), address);
  }
  return side;
}

function add({ controllers }: Side, leaves: Device['leaves']): void {
  const type = leaves.get('@type') ?? '';
  const index = Number(leaves.get('@index') ?? 0);
  const found = controllers.get(type) ?? new Map<number, Array<Device['leaves']>>();
  controllers.set(type, found.set(index, [...(found.get(index) ?? []), leaves]));
}

/** The bus that a demand is for: the sort of slot on PCI, the sort of controller for drives. */
export function busOf(demand: BusRequirement): string {
  return demand.type === 'pci' ? demand.slot : demand.type === 'drive' ? demand.controller : demand.type;
}

/** The place an address takes up: for PCI the whole slot, since hot-plug works by slot. */
function place(address: Address, demand?: BusRequirement): string {
  if (address.type === 'dimm') return `dimm ${address.slot}`;
  if (address.type === 'pci') return `pci ${address.domain}:${address.bus}:${address.slot}`;
  // Drive addresses do not say which kind of controller they are on.
  return demand?.type === 'drive' ? `${demand.controller} ${addressText(address)}` : addressText(address);
}

function driveAt(controller: number, bus: number, unit: number): Address {
  return { type: 'drive', controller, bus, target: 0, unit };
}

/** The place of the unit that a target name stands for. */
function unitOf(demand: Extract<BusRequirement, { type: 'drive' }>): string | undefined {
  const units = DRIVE_UNITS[demand.controller] ?? [];
  const nth = targetIndex(demand.target);
  const unit = units[nth % units.length];
  return unit && place(driveAt(Math.floor(nth / units.length), unit.bus, unit.unit), demand);
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
