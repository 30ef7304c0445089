import { parseElement } from '../xml/index.js';
import type { BusRequirement } from './devices/index.js';
import { type Device, readDevice } from './document.js';
import { type MachineRow, machineOf } from './places/machines.js';
import type { DomainSpec } from './spec.js';
import { assertKnownFields } from './unknown-field.js';
import { formatValue, specInvalid } from './values.js';

/** Free PCIe ports when nothing is said of them. */
export const DEFAULT_FREE_PORTS = 8;
const SLOTS_OF_HOST_BRIDGE = 31;
/** A PC of another sort has been given no room, and says nothing of it. */
const OTHER = machineOf({ machine: '' }).name;

/** The controllers that a spec leads to: PCIe ports for its devices and for hot-plug, and virtio-scsi for scsi disks. */
export function controllers(spec: DomainSpec, devices: readonly string[]): string[] {
  const free = freePorts(spec);
  const { machine = 'q35', arch } = spec;
  const row = machineOf({ machine, arch });
  if (row.room.by === 'nothing' && row.name !== OTHER && spec.hotplug?.pciePorts !== undefined)
    throw specInvalid('hotplug.pciePorts', `the machine ${machine} needs none: ${row.room.reason}`, 'Leave it out');
  return roomFor(devices, row, free);
}

/**
 * Controllers for devices given as XML: virtio-scsi for scsi disks, and so many free PCIe ports beyond those that
 * the devices take, or host bridges with as many free slots. Where PCI controllers are given, all of them are.
 */
export function roomFor(devices: readonly string[], { room }: Pick<MachineRow, 'room'>, free: number): string[] {
  const read = devices.map((xml) => readDevice(parseElement(xml)));
  const has = (type: string) =>
    read.some(({ kind, leaves }) => kind.element === 'controller' && leaves.get('@type') === type);
  const demands = read.map(demandOf);
  const needsScsi = demands.some((demand) => demand?.type === 'drive' && demand.controller === 'scsi') && !has('scsi');
  const scsi = needsScsi ? ["<controller type='scsi' index='0' model='virtio-scsi'/>"] : [];
  if (room.by === 'nothing' || has('pci')) return scsi;
  const taken = placesTaken(read, room) + scsi.length;
  if (room.by === 'pci-root') return [...hostBridges(taken + free), ...scsi];
  const ports = Array.from({ length: taken + free }, () => "<controller type='pci' model='pcie-root-port'/>");
  return ["<controller type='pci' index='0' model='pcie-root'/>", ...ports, ...scsi];
}

/** Host bridges of pseries with so many slots together; the first one libvirt adds by itself. */
function hostBridges(slots: number): string[] {
  const count = Math.ceil(slots / SLOTS_OF_HOST_BRIDGE);
  if (count < 2) return [];
  return Array.from({ length: count }, (_, index) => `<controller type='pci' index='${index}' model='pci-root'/>`);
}

/** Places that devices take, with those of what libvirt adds by itself: PCIe ports, or slots of host bridges. */
export function placesTaken(devices: readonly Device[], room: Exclude<MachineRow['room'], { by: 'nothing' }>): number {
  const has = (type: string) =>
    devices.some(({ kind, leaves }) => kind.element === 'controller' && leaves.get('@type') === type);
  const demands = devices.map(demandOf);
  const slots = (slot: 'express' | 'conventional') =>
    demands.filter((demand) => demand?.type === 'pci' && demand.slot === slot).length;
  return (
    slots('express') +
    // One bridge to conventional slots, which sits on a port; a host bridge has a slot for each.
    (room.by === 'pci-root' ? slots('conventional') : Number(slots('conventional') > 0)) +
    Number(demands.some((demand) => demand?.type === 'virtio-serial') && !has('virtio-serial')) +
    room.implicit
  );
}

/** The bus that a device needs, as libvirt would derive it where the XML leaves it out. */
function demandOf({ kind, leaves }: Device): BusRequirement | undefined {
  return kind.bus(new Map([...leaves, ...(kind.derive?.(leaves) ?? [])]));
}

export function isQ35({ machine = 'q35' }: DomainSpec): boolean {
  return machine.includes('q35');
}

export function freePorts({ hotplug }: DomainSpec): number {
  if (hotplug !== undefined) assertKnownFields(hotplug, ['pciePorts', 'memory'], 'hotplug');
  const free = hotplug?.pciePorts ?? DEFAULT_FREE_PORTS;
  if (!Number.isSafeInteger(free) || free < 0 || free > 200)
    throw specInvalid('hotplug.pciePorts', `${formatValue(free)} is not a number of ports`, 'Give 0 to 200');
  return free;
}
