/** One value that a device gets at the next cold boot; a secret is replaced by a word. */
export interface TopologyChange {
  readonly path: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What the next cold boot does with a device. All devices of a domain that is off stay. */
export type AtNextBoot = 'stays' | 'moves' | 'comes' | 'goes' | 'changes';

/**
 * Who a device is from. `intent`: callers of this library asked for it. `libvirt`: it belongs to the machine, such as
 * controllers that nobody named and what libvirt adds by itself. `another-client`: neither.
 */
export type AskedBy = 'intent' | 'libvirt' | 'another-client';

/** A device with where it is now, and where it is from the next cold boot on. */
export interface TopologyDevice {
  /** Unique within the topology, as `devices()` shows it: `disk root`. */
  readonly identity: string;
  readonly kind: string;
  /** The id given at define or attach, without `ua-`. */
  readonly id: string | undefined;
  /** What tells it from others beside its id, for people: its target or MAC, and its model. */
  readonly detail: string;
  /** Its address in the canonical document: `pci 0000:04:00.0`. */
  readonly address: string | undefined;
  /** Its address in the running guest. Undefined when the domain is off. */
  readonly liveAddress: string | undefined;
  readonly in: 'both' | 'canonical' | 'live';
  readonly atNextBoot: AtNextBoot;
  /** What changes at the next cold boot, from the guest's value to the canonical one. */
  readonly changes: readonly TopologyChange[];
  /** For people: why that waits. Undefined when nothing does. */
  readonly reason: string | undefined;
  readonly askedBy: AskedBy;
  /** The bus that it makes, by {@link TopologyBus.name}: that of a controller. */
  readonly makes: string | undefined;
  /** Its element, without the values of secrets: the canonical one, else the live one. */
  readonly xml: string;
}

/** One place on a bus. */
export interface TopologyPort {
  /** `pci 0000:04:00.0`, `drive 0:0:0:1`, `usb 0:1`. */
  readonly address: string;
  /** True when neither document has a device there, and so a device can be given it. */
  readonly free: boolean;
  /** True when a device can be plugged in here while the guest runs. */
  readonly hotplug: boolean;
  /** Identity of the device that the canonical document has there. */
  readonly canonical: string | undefined;
  /** Identity of the device that the running guest has there. */
  readonly live: string | undefined;
}

/** A bus and its places, taken and free, in order. */
export interface TopologyBus {
  /** `pci 1`, `scsi 0`, `usb 0`, `dimm`; `none` for devices that have no address. Unique within the topology. */
  readonly name: string;
  /** Of the controller that makes it: `pcie-root-port`. */
  readonly model: string | undefined;
  /** Identity of the device that makes it. Undefined for what is part of the machine. */
  readonly controller: string | undefined;
  readonly in: 'both' | 'canonical' | 'live';
  readonly ports: readonly TopologyPort[];
}

/** Where every device of a domain sits, now and from its next cold boot on. Plain data: it survives JSON. */
export interface DomainTopology {
  /** Version of this form. It is raised when a field goes or changes its meaning. */
  readonly formatVersion: 1;
  readonly domain: {
    readonly name: string;
    readonly uuid: string;
    readonly title: string | undefined;
    readonly machine: string;
    readonly running: boolean;
  };
  /** Lowest bus first; a bus comes after the one that its controller sits on. */
  readonly buses: readonly TopologyBus[];
  /** Those of the canonical document first. */
  readonly devices: readonly TopologyDevice[];
  /** Places for hot-plug by bus: how many there are, and how many are free in both documents. */
  readonly capacity: Readonly<Record<string, { readonly total: number; readonly free: number }>>;
}
