import { setTimeout as sleep } from 'node:timers/promises';
import type { Guest, GuestReport } from 'libvirt-canonical/testing';

/** Where the guest's own kernel sees a device. */
export interface Place {
  /** Full PCI address. */
  readonly address: string;
  /** The name the kernel gives it; a memory balloon has none. */
  readonly name?: string;
}

/** Every device of the story that a guest sees, by its part in the story. */
export type Sighting = ReadonlyMap<string, Place>;

/** The part of a disk, by the serial number that the record gives it. */
const PARTS: Readonly<Record<string, string>> = { root: 'root disk', config: 'config disk' };
/** Virtio memory balloon, modern and transitional. */
const BALLOON_IDS = ['0x1af4:0x1045', '0x1af4:0x1002'];

/** Reads the devices of the story out of a guest's report. */
export function sightingOf({ disks, interfaces, pci }: GuestReport): Sighting {
  const seen = new Map<string, Place>();
  for (const { serial, pciAddress, name } of disks)
    if (serial !== undefined && pciAddress !== undefined)
      seen.set(PARTS[serial] ?? serial, { address: pciAddress, name });
  for (const { vendor, device, address } of pci)
    if (BALLOON_IDS.includes(`${vendor}:${device}`)) seen.set('memballoon', { address });
  for (const { pciAddress, name } of interfaces)
    if (pciAddress !== undefined) seen.set('network card', { address: pciAddress, name });
  return seen;
}

/** Asks the guest until it sees the device: its kernel takes a moment to probe what was plugged in. */
export async function reportWith(device: string, guest: Guest, signal: AbortSignal): Promise<GuestReport> {
  for (;;) {
    const report = await guest.report({ signal });
    if (sightingOf(report).has(device)) return report;
    await sleep(100, undefined, { signal });
  }
}
