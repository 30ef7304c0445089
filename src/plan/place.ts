import { type Address, addressProblem, addressText, busOf, type Device, invalid, type Scope } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { Draft } from './draft.js';

/** Where a device goes, and into which documents. */
export interface Place {
  readonly address: Address | undefined;
  readonly scope: Scope;
  readonly reason?: string;
}

/** A place free in both documents, or the one that the request names if it can be had. */
export function choosePlace(draft: Draft, device: Device, scope: Scope, path: string): Place | undefined {
  const demand = device.kind.bus(device.leaves);
  const hotplug = scope !== 'config';
  const problem = addressProblem(device.leaves);
  if (problem) throw invalid(path, problem, 'Leave the address out to have a free one chosen');
  if (device.address) {
    const occupant = draft.topology.occupant(device.address, demand);
    // One that is replaced from the next boot on still sits there while the guest runs.
    if (occupant && (hotplug || occupant !== device.identity)) {
      const where = addressText(device.address);
      throw new LibvirtCanonicalError('ADDRESS_IN_USE', `${path}: ${where} is taken by ${occupant}`, {
        path,
        device: occupant,
        remedy: 'Leave the address out to have a free one chosen',
      });
    }
    const objection =
      device.address.type === 'pci' && !occupant
        ? draft.topology.objection(device.address, demand, hotplug)
        : undefined;
    if (!objection) return { address: device.address, scope };
    draft.refuse(device.identity, path, objection, 'Leave the address out to have a free one chosen');
    return undefined;
  }
  if (!demand) return { address: undefined, scope };
  const address = draft.topology.choose(demand, hotplug, draft.intent?.formerAddress(device));
  if (address) return { address, scope };
  const shortage = shortageOf(busOf(demand));
  if (demand.type === 'drive' && demand.controller === 'scsi') {
    // libvirt would add its default controller, lsilogic, which few guests drive and which needs a PCI bridge.
    draft.refuse(device.identity, path, shortage, "Attach <controller type='scsi' model='virtio-scsi'/> first");
    return undefined;
  }
  if (!hotplug) return { address: undefined, scope, reason: `${shortage}; libvirt adds a controller for it` };
  if (draft.ifNotLive === 'next-boot' && scope === 'both') {
    const cold = draft.topology.choose(demand, false, draft.intent?.formerAddress(device));
    return { address: cold, scope: 'config', reason: `${shortage} while the domain runs` };
  }
  draft.refuse(
    device.identity,
    path,
    shortage,
    "Define with more hotplug.pciePorts, or ask for ifNotLive: 'next-boot'",
  );
  return undefined;
}

function shortageOf(bus: string): string {
  const what: Record<string, string> = {
    express: 'no hot-plug PCIe port is free in both documents',
    conventional: 'there is no free slot on a conventional PCI bus',
    usb: 'no USB port is free in both documents',
  };
  return what[bus] ?? `no place on a ${bus} controller is free in both documents`;
}
