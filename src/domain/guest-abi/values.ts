/** What the guest sees of one device. */
export interface DeviceAbi {
  readonly identity: string;
  readonly kind: string;
  /** Natural name: target, MAC, type and index … */
  readonly name: string;
  /** `pci 0000:04:00.0` and the like; undefined for a device without an address. */
  readonly address: string | undefined;
  readonly bootOrder: number | undefined;
  /** Every other field that the guest can see, by its path in the element. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Everything a guest can see that libvirt fixed in a document. A plain value: store it, compare it later. */
export interface GuestAbi {
  readonly machine: string;
  readonly domain: Readonly<Record<string, string>>;
  readonly devices: readonly DeviceAbi[];
}

/** One difference between two guest ABIs. */
export interface AbiDifference {
  /** `domain`, or the identity of the device. */
  readonly subject: string;
  /** Path of the field; `device` when the whole device is only on one side. */
  readonly field: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** Why the guest sees no difference; undefined for one that it sees. */
  readonly benign?: string;
}
