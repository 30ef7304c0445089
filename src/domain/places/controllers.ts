import type { Device, DomainDocument } from '../document.js';
import type { Address } from './address.js';
import { DRIVE_UNITS } from './buses.js';

/**
 * The controllers that the address of a device leads to: the one it sits on, those before it of the same type, since libvirt
 * adds no controller without all of a lower index (virDomainDefMaybeAddController), and in turn what those sit on.
 */
export function controllersFor(device: Device, { devices }: DomainDocument): Device[] {
  const found = new Set<Device>();
  const controllers = devices.filter(({ kind }) => kind.element === 'controller');
  const visit = ({ address, kind, leaves }: Device): void => {
    if (!address) return;
    const demand = kind.bus(leaves);
    const types = demand?.type === 'drive' ? [demand.controller] : typesOf(address);
    const index = indexOf(address);
    for (const controller of controllers) {
      const type = controller.leaves.get('@type') ?? '';
      const own = Number(controller.leaves.get('@index') ?? 0);
      // A PCI bridge has any index: only the bus itself counts there.
      if (!types.includes(type) || (type === 'pci' ? own !== index : own > index) || found.has(controller)) continue;
      found.add(controller);
      visit(controller);
    }
  };
  visit(device);
  return [...found];
}

/** True when a device of the document sits on the controller. */
export function isOccupied(controller: Device, { devices }: DomainDocument): boolean {
  const index = Number(controller.leaves.get('@index') ?? 0);
  return devices.some(({ address, kind, leaves }) => {
    const demand = kind.bus(leaves);
    const types = demand?.type === 'drive' ? [demand.controller] : address ? typesOf(address) : [];
    return address !== undefined && types.includes(controller.leaves.get('@type') ?? '') && indexOf(address) === index;
  });
}

/** The types of controllers that an address can be on. */
function typesOf({ type }: Address): readonly string[] {
  return type === 'drive' ? Object.keys(DRIVE_UNITS) : [type];
}

/** The index of the controller that an address is on. */
export function indexOf(address: Address): number {
  return 'controller' in address ? address.controller : 'bus' in address ? address.bus : 0;
}
