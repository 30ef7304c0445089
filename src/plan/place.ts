import {
  type Address,
  addressProblem,
  addressText,
  type BusName,
  type BusRequirement,
  busOf,
  type Device,
  movedOnMmio,
  type Scope,
  specInvalid,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { Draft } from './draft.js';

/** Where a device goes, and into which documents. */
export interface Placement {
  readonly address: Address | undefined;
  readonly scope: Scope;
  readonly reason?: string;
}

/** A place free in both documents, or the one that the request names if it can be had. */
export function choosePlace(draft: Draft, device: Device, scope: Scope, path: string): Placement | undefined {
  const demand = draft.topology.demandOf(device);
  const hotplug = scope !== 'config';
  const problem = addressProblem(device.leaves);
  if (problem) throw specInvalid(path, problem, 'Leave the address out to have a free one chosen');
  const impossible = neverOnMachine(draft, device, demand);
  if (impossible) {
    draft.refuse(device.identity, path, impossible.reason, impossible.remedy);
    return undefined;
  }
  if (device.address) {
    const occupant = draft.topology.holderOf(device.address, demand);
    // One that is replaced from the next boot on still sits there while the guest runs.
    if (occupant && (hotplug || occupant !== device.identity)) {
      const where = addressText(device.address);
      throw new LibvirtCanonicalError('ADDRESS_IN_USE', `${path}: ${where} is taken by ${occupant}`, {
        path,
        device: occupant,
        remedy: 'Leave the address out to have a free one chosen',
      });
    }
    const objection = occupant ? undefined : draft.topology.whyNot(device.address, demand, hotplug);
    if (!objection) return { address: device.address, scope };
    draft.refuse(device.identity, path, objection, 'Leave the address out to have a free one chosen');
    return undefined;
  }
  if (!demand) return { address: undefined, scope };
  const address = draft.topology.choose(demand, hotplug, draft.formerAddress(device));
  if (address) return { address, scope };
  const shortage = shortageOf(draft, busOf(demand));
  const fixed = fixedBus(draft, demand, hotplug);
  if (fixed) {
    draft.refuse(device.identity, path, `${shortage}: ${fixed.reason}`, fixed.remedy);
    return undefined;
  }
  if (!hotplug) return { address: undefined, scope, reason: `${shortage}; libvirt adds a controller for it` };
  if (draft.ifNotLive === 'next-boot' && scope === 'both') {
    const cold = draft.topology.choose(demand, false, draft.formerAddress(device));
    return { address: cold, scope: 'config', reason: `${shortage} while the domain runs` };
  }
  const more =
    demand.type === 'pci' && draft.topology.machine.room.by !== 'nothing'
      ? 'Define with more hotplug.pciePorts, or ask'
      : 'Ask';
  draft.refuse(device.identity, path, shortage, `${more} for ifNotLive: 'next-boot'`);
  return undefined;
}

/** A bus to which libvirt adds nothing when a device is attached and finds no free place. */
interface FixedRow {
  readonly bus: string;
  /** Only where libvirt adds this SCSI controller. */
  readonly scsi?: 'lsilogic' | 'virtio-scsi' | 'ibmvscsi';
  /** Only for a guest that runs. */
  readonly live?: true;
  /** Only once the domain has a controller of the bus: the first one libvirt adds. */
  readonly full?: true;
  readonly reason: string;
  readonly remedy: string;
  readonly source: string;
}

const FIXED: readonly FixedRow[] = [
  {
    bus: 'scsi',
    scsi: 'lsilogic',
    reason: 'the controller that libvirt would add is an lsilogic, which few guests drive and which needs a PCI bridge',
    remedy: "Attach <controller type='scsi' model='virtio-scsi'/> first",
    source: 'qemuDomainFindOrCreateSCSIDiskController',
  },
  {
    bus: 'scsi',
    scsi: 'virtio-scsi',
    live: true,
    reason:
      'the virtio-scsi controller that libvirt would add gets a CCW number of its own in each document, and could move at the next boot',
    remedy: "Attach <controller type='scsi' model='virtio-scsi'/> first",
    source: 'qemuDomainFindOrCreateSCSIDiskController',
  },
  {
    bus: 'scsi',
    scsi: 'ibmvscsi',
    live: true,
    reason: 'the controller that libvirt would add is an ibmvscsi, and spapr-vio does not support hot-plug',
    remedy: "Attach <controller type='scsi' model='virtio-scsi'/> first",
    source: 'qemuDomainFindOrCreateSCSIDiskController',
  },
  {
    bus: 'dimm',
    reason: 'the domain has no more slots for memory',
    remedy: 'Only another definition can give it more',
    source: 'qemuDomainAssignMemoryDeviceSlot',
  },
  ...['ide', 'fdc'].map(
    (bus): FixedRow => ({
      bus,
      full: true,
      reason: `a domain has one ${bus} controller`,
      remedy: 'Put it on another bus',
      source: 'qemuValidateDomainDeviceDefController',
    }),
  ),
  {
    bus: 'usb',
    full: true,
    reason: 'libvirt adds USB hubs when a domain is defined only',
    remedy: "Attach <controller type='usb' index='1' model='qemu-xhci'/> first",
    source: 'qemuDomainUSBAddressAddHubs',
  },
  {
    bus: 'conventional',
    full: true,
    reason: 'the bridge that libvirt would add needs a free slot on such a bus itself',
    remedy:
      "Attach <controller type='pci' model='pcie-to-pci-bridge'><model name='pcie-pci-bridge'/></controller> first",
    source: 'virDomainPCIAddressSetGrow',
  },
];

/** Why libvirt adds no controller to a bus that has no free place, not even for the next boot. */
function fixedBus(
  { context, capacity, topology }: Draft,
  demand: BusRequirement,
  hotplug: boolean,
): { reason: string; remedy: string } | undefined {
  const bus = busOf(demand);
  const off = ({ leaves }: Device) => leaves.get('@type') === 'usb' && leaves.get('@model') === 'none';
  if (bus === 'usb' && context.canonical.devices.some(off))
    return { reason: 'the domain is defined without USB', remedy: 'Only another definition can give it some' };
  const isThere = (capacity[bus as BusName]?.total ?? 0) > 0;
  // libvirt adds a further host bridge, which takes any device.
  if (demand.type === 'pci' && topology.machine.room.by === 'pci-root') return undefined;
  const scsi = topology.machine.scsi ?? 'lsilogic';
  const row = FIXED.find(
    (each) =>
      each.bus === bus &&
      (!each.full || isThere) &&
      (!each.live || hotplug) &&
      (each.scsi === undefined || each.scsi === scsi),
  );
  return row && { reason: `${row.reason} (${row.source})`, remedy: row.remedy };
}

/** Why the machine has no place for a device in whatever document, or none that leaves the others where they are. */
function neverOnMachine(draft: Draft, device: Device, demand: BusRequirement | undefined) {
  const { topology } = draft;
  const { transports } = topology;
  const { noPci } = topology.machine;
  const bus = device.address?.type ?? demand?.type;
  if (bus === 'pci' && noPci) return { reason: noPci, remedy: 'Use a virtio device, or a domain of another machine' };
  const zpci = bus === 'pci' ? topology.zpciProblem(device) : undefined;
  if (zpci) return { reason: zpci, remedy: 'Leave uid and fid out to have free ones chosen' };
  if (bus !== 'virtio-mmio' || transports === undefined) return undefined;
  if (topology.transportsFull)
    return {
      reason: `all ${transports} virtio-mmio transports of the machine are taken`,
      remedy: 'Detach another device first',
    };
  const moved = whyMoved(draft, device);
  return moved && { reason: moved, remedy: 'Only another definition can have it' };
}

/** Why a device on virtio-mmio can neither come nor go: QEMU numbers the transports anew at each start. */
export function whyMoved({ context: { canonical } }: Draft, device: Device): string | undefined {
  const moved = movedOnMmio(device, canonical).map(({ identity }) => identity);
  if (moved.length === 0) return undefined;
  return `QEMU fills virtio-mmio in the order of its command line: ${moved.join(', ')} would be on another transport at the next boot`;
}

function shortageOf({ topology }: Draft, bus: string): string {
  const hostBridge = topology.machine.room.by === 'pci-root' && (bus === 'express' || bus === 'conventional');
  if (hostBridge) return 'no slot of a PCI host bridge is free in both documents';
  const what: Record<string, string> = {
    express: 'no hot-plug PCIe port is free in both documents',
    conventional: 'there is no free slot on a conventional PCI bus',
    usb: 'no USB port is free in both documents',
  };
  return what[bus] ?? `no place on a ${bus} controller is free in both documents`;
}
