import { parseElement } from '../xml/index.js';
import type { BusDemand } from './devices/index.js';
import { type Device, readDevice } from './document.js';
import type { DomainSpec } from './spec.js';
import { refuseUnknownFields } from './unknown-field.js';
import { describe, invalid } from './values.js';

/** Ports that q35 needs for devices libvirt adds by itself: the USB controller and the memory balloon. */
const IMPLICIT_EXPRESS = 2;
/** Free PCIe ports when nothing is said of them. */
export const DEFAULT_FREE_PORTS = 8;

/** The controllers that a spec leads to: PCIe ports for its devices and for hot-plug, and virtio-scsi for scsi disks. */
export function controllers(spec: DomainSpec, devices: readonly string[]): string[] {
  return roomFor(devices, isQ35(spec) ? freePorts(spec) : undefined);
}

/**
 * Controllers for devices given as XML: virtio-scsi for scsi disks, and with `free` so many PCIe ports beyond those that
 * the devices take. Where PCI controllers are given, all of them are.
 */
export function roomFor(devices: readonly string[], free: number | undefined): string[] {
  const read = devices.map((xml) => readDevice(parseElement(xml)));
  const has = (type: string) =>
    read.some(({ kind, leaves }) => kind.element === 'controller' && leaves.get('@type') === type);
  const demands = read.map(demandOf);
  const needsScsi = demands.some((demand) => demand?.type === 'drive' && demand.controller === 'scsi') && !has('scsi');
  const scsi = needsScsi ? ["<controller type='scsi' index='0' model='virtio-scsi'/>"] : [];
  if (free === undefined || has('pci')) return scsi;
  const taken = expressTaken(read) + scsi.length;
  const ports = Array.from({ length: taken + free }, () => "<controller type='pci' model='pcie-root-port'/>");
  return ["<controller type='pci' index='0' model='pcie-root'/>", ...ports, ...scsi];
}

/** PCIe ports that devices take, with those of what libvirt adds by itself. */
export function expressTaken(devices: readonly Device[]): number {
  const has = (type: string) =>
    devices.some(({ kind, leaves }) => kind.element === 'controller' && leaves.get('@type') === type);
  const demands = devices.map(demandOf);
  const slots = (slot: 'express' | 'conventional') =>
    demands.filter((demand) => demand?.type === 'pci' && demand.slot === slot).length;
  return (
    slots('express') +
    // One bridge to conventional slots, which sits on a port.
    Number(slots('conventional') > 0) +
    Number(demands.some((demand) => demand?.type === 'virtio-serial') && !has('virtio-serial')) +
    IMPLICIT_EXPRESS
  );
}

/** The bus that a device needs, as libvirt would derive it where the XML leaves it out. */
function demandOf({ kind, leaves }: Device): BusDemand | undefined {
  return kind.bus(new Map([...leaves, ...(kind.derive?.(leaves) ?? [])]));
}

export function isQ35({ machine = 'q35' }: DomainSpec): boolean {
  return machine.includes('q35');
}

export function freePorts({ hotplug }: DomainSpec): number {
  if (hotplug !== undefined) refuseUnknownFields(hotplug, ['pciePorts', 'memory'], 'hotplug');
  const free = hotplug?.pciePorts ?? DEFAULT_FREE_PORTS;
  if (!Number.isSafeInteger(free) || free < 0 || free > 200)
    throw invalid('hotplug.pciePorts', `${describe(free)} is not a number of ports`, 'Give 0 to 200');
  return free;
}
