import type { BusDemand } from '../devices/index.js';
import type { DomainDocument } from '../document.js';
import type { PciBus } from './buses.js';

/** What of a machine decides where devices go. */
export interface MachineRow {
  /** The machine's type, without its version. */
  readonly machine: RegExp;
  /** The bus of a virtio device that does not ask for another one (qemuDomainAssignAddresses and what it calls by machine). */
  readonly virtio: 'pci' | 'ccw';
  /** What `pci-root` offers, where it is not the one of a PC (qemuDomainPCIAddressSetCreate). */
  readonly pciRoot?: Pick<PciBus, 'slots'>;
  readonly source: string;
}

/** A PC and whatever has no row of its own. */
const OTHERS: MachineRow = { machine: /^/, virtio: 'pci', source: 'qemuDomainAssignPCIAddresses' };

/** Which bus a device goes on, by machine. The first row that matches decides. */
export const MACHINES: readonly MachineRow[] = [
  {
    machine: /^s390-ccw/,
    virtio: 'ccw',
    pciRoot: { slots: [1, 31] },
    source: 'qemuDomainAssignS390Addresses, qemuDomainPrimeVirtioDeviceAddresses',
  },
  { machine: /^pseries/, virtio: 'pci', pciRoot: { slots: [1, 31] }, source: 'qemuDomainAssignPCIAddresses' },
];

export function machineOf({ machine }: Pick<DomainDocument, 'machine'>): MachineRow {
  return MACHINES.find((row) => row.machine.test(machine)) ?? OTHERS;
}

/** What a device asks for on that machine: a virtio device goes onto the machine's own virtio bus unless its XML says PCI. */
export function onMachine(
  { virtio }: MachineRow,
  demand: BusDemand | undefined,
  type: string | undefined,
): BusDemand | undefined {
  const movable = demand?.type === 'pci' && demand.virtio === true && type !== 'pci';
  return movable && virtio === 'ccw' ? { type: 'ccw' } : demand;
}
