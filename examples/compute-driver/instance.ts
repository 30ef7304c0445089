/** What a cloud hands its compute driver, in Nova's words. */
import type { DomainSpec } from 'libvirt-canonical';

/** How large an instance is. */
export interface Flavor {
  readonly vcpus: number;
  readonly memory: `${number} MiB`;
}

/** One server of a user's. */
export interface Instance {
  readonly uuid: string;
  readonly name: string;
  readonly flavor: Flavor;
  /** The largest flavor that it may be resized to while it runs; more than that waits for a cold boot. */
  readonly room: Flavor;
  /** Path of the image that its root disk is an overlay of. */
  readonly image: string;
  /** What else the machine is to have: here the kernel and the serial ports of a small test Linux. */
  readonly machine: Partial<DomainSpec>;
}

/** A volume, connected to this host: what os-brick hands over. */
export interface Volume {
  readonly id: string;
  /** Where the host has it. */
  readonly path: string;
  /** How it was connected, for whoever disconnects it: kept beside the disk. */
  readonly connection: Readonly<Record<string, string>>;
}

/** A port, plugged on this host: what os-vif hands over. */
export interface Port {
  readonly id: string;
  readonly mac: string;
}
