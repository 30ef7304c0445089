import { parseElement, serialize, setAt } from '../xml/index.js';
import { readDevice } from './document.js';
import { machineOf, onMachine } from './places/machines.js';
import type { DomainSpec } from './spec.js';

/** What libvirt adds to each domain and cannot place without PCI, unless it is said that there is none. */
const NONE: Readonly<Record<string, string>> = {
  memballoon: "<memballoon model='none'/>",
  'controller usb': "<controller type='usb' model='none'/>",
};

/**
 * The devices of a spec on a machine whose virtio devices are on virtio-mmio: libvirt finds no place for one whose address is
 * not written. Elsewhere they stay as they are.
 */
export function onOwnBus({ machine = 'q35', arch }: DomainSpec, devices: readonly string[]): readonly string[] {
  const row = machineOf({ machine, arch });
  if (row.virtio !== 'virtio-mmio') return devices;
  const seen = new Set<string>();
  const placed = devices.map((xml) => {
    const element = parseElement(xml);
    const { kind, leaves } = readDevice(element);
    seen.add(kind.element === 'controller' ? `controller ${leaves.get('@type')}` : kind.element);
    if (leaves.has('address/@type') || onMachine(row, { kind, leaves })?.type !== 'virtio-mmio') return xml;
    setAt(element, 'address/@type', 'virtio-mmio');
    return serialize(element);
  });
  return [...placed, ...Object.keys(NONE).flatMap((what) => (seen.has(what) ? [] : [NONE[what] as string]))];
}
