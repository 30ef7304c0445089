import { applies, type BusRequirement, type Where } from '../devices/index.js';
import type { Device, DomainDocument } from '../document.js';
import type { PciBus } from './buses.js';

/** What of a machine decides where devices go, and what room a definition gives it. */
export interface MachineRow {
  /** What people call it. */
  readonly name: string;
  /** The architecture, where machines of several have one name. */
  readonly arch?: string;
  /** The machine's type, without its version. */
  readonly machine: RegExp;
  /** The bus of a virtio device that does not ask for another one (qemuDomainAssignAddresses and what it calls by machine). */
  readonly virtio: 'pci' | 'ccw' | 'virtio-mmio';
  /** How many virtio-mmio transports it has; left out, libvirt has no such address there. */
  readonly transports?: number;
  /** How many with `<acpi/>`, where that makes a difference. */
  readonly transportsByAcpi?: number;
  /** What `pci-root` offers, where it is not the one of a PC (qemuDomainPCIAddressSetCreate). */
  readonly pciRoot?: Pick<PciBus, 'slots'>;
  /** Why it has no PCI. */
  readonly noPci?: string;
  /** Devices that sit elsewhere than on a PC. The first row that applies decides. */
  readonly elsewhere?: readonly BusRow[];
  /** The SCSI controller that libvirt adds for a disk. Default `lsilogic`. */
  readonly scsi?: 'virtio-scsi' | 'ibmvscsi';
  /** How a definition gets room for hot-plug, and how many places libvirt's own devices take; or why it needs or has none. */
  readonly room:
    | { readonly by: 'pcie-root-port' | 'pci-root'; readonly implicit: number }
    | { readonly by: 'nothing'; readonly reason: string };
  /** The CPU of an emulated guest whose spec names none, where that of libvirt runs no 64-bit guest. */
  readonly cpu?: string;
  readonly source: string;
}

/** Where a device sits on a machine. */
export interface BusRow {
  readonly element: string;
  readonly where?: Where;
  readonly demand: BusRequirement | undefined;
  readonly source: string;
}

const NO_PORTS = { by: 'nothing', reason: 'it has no PCIe ports of that sort' } as const;
/** A PC of another sort and whatever has no row of its own. */
const OTHERS: MachineRow = {
  name: 'another machine',
  machine: /^/,
  virtio: 'pci',
  room: NO_PORTS,
  source: 'qemuDomainAssignPCIAddresses',
};

const NIC = { element: 'interface', where: { 'model/@type': [''] } } as const;
const EXPRESS = { type: 'pci', slot: 'express', virtio: true } as const;
const CONVENTIONAL = { type: 'pci', slot: 'conventional' } as const;
const VIRT_NIC: BusRow = { ...NIC, demand: EXPRESS, source: 'qemuDomainDefaultNetModel' };

/** Numbers on spapr-vio begin by kind, and are one space (qemuDomainAssignSpaprVIOAddresses). */
const vio = (element: string, first: number, where: Where): BusRow => ({
  element,
  where,
  demand: { type: 'spapr-vio', first },
  source: 'qemuDomainAssignSpaprVIOAddresses',
});

/** Which bus a device goes on, by machine. The first row that matches decides. */
export const MACHINES: readonly MachineRow[] = [
  {
    name: 'q35',
    machine: /q35/,
    virtio: 'pci',
    // The USB controller and the memory balloon.
    room: { by: 'pcie-root-port', implicit: 2 },
    source: 'qemuDomainAssignPCIAddresses',
  },
  {
    name: 's390-ccw-virtio',
    machine: /^s390-ccw/,
    virtio: 'ccw',
    pciRoot: { slots: [1, 31] },
    scsi: 'virtio-scsi',
    room: { by: 'nothing', reason: 'its virtio devices sit on CCW, where there is always room' },
    elsewhere: [
      // What has no bus is a virtio one here (qemuDomainDeviceDefPostParse, virDomainInputDefPostParse).
      { element: 'input', where: { '@bus': [''] }, demand: { type: 'ccw' }, source: 'virDomainInputDefPostParse' },
    ],
    source: 'qemuDomainAssignS390Addresses, qemuDomainPrimeVirtioDeviceAddresses',
  },
  {
    name: 'pseries',
    machine: /^pseries/,
    virtio: 'pci',
    pciRoot: { slots: [1, 31] },
    scsi: 'ibmvscsi',
    room: { by: 'pci-root', implicit: 2 },
    elsewhere: [
      vio('interface', 0x1000, { 'model/@type': ['spapr-vlan'] }),
      vio('controller', 0x2000, { '@type': ['scsi'], '@model': ['', 'ibmvscsi'] }),
      vio('nvram', 0x3000, {}),
      vio('tpm', 0x4000, { '@model': ['', 'tpm-spapr'] }),
      vio('serial', 0x30000000, { 'target/@type': ['', 'spapr-vio-serial', 'isa-serial'] }),
    ],
    source: 'qemuDomainAssignPCIAddresses',
  },
  {
    name: 'virt of aarch64',
    arch: 'aarch64',
    machine: /^virt(-|$)/,
    virtio: 'pci',
    transports: 32,
    room: { by: 'pcie-root-port', implicit: 0 },
    cpu: 'cortex-a57',
    elsewhere: [VIRT_NIC],
    source: 'qemuDomainAssignVirtioMMIOAddresses, qemuDomainAssignPCIAddresses',
  },
  {
    name: 'virt of riscv64',
    arch: 'riscv64',
    machine: /^virt(-|$)/,
    virtio: 'pci',
    transports: 8,
    // The memory balloon.
    room: { by: 'pcie-root-port', implicit: 1 },
    elsewhere: [
      VIRT_NIC,
      {
        element: 'controller',
        where: { '@type': ['usb'], '@model': [''] },
        demand: CONVENTIONAL,
        source: 'qemuDomainControllerDefPostParse: a piix3-uhci',
      },
    ],
    source: 'qemuDomainAssignVirtioMMIOAddresses, qemuDomainAssignPCIAddresses',
  },
  {
    name: 'microvm',
    machine: /^microvm/,
    virtio: 'virtio-mmio',
    transports: 8,
    // With a second I/O APIC, which ACPI brings (microvm_devices_init).
    transportsByAcpi: 24,
    noPci: 'the machine microvm has no PCI bus',
    room: { by: 'nothing', reason: 'its devices sit on virtio-mmio, which has no hot-plug' },
    source: 'virDomainPCIAddressValidate: No PCI buses available',
  },
  {
    name: 'isapc',
    machine: /^isapc/,
    virtio: 'pci',
    noPci: 'the machine isapc has no PCI bus',
    room: { by: 'nothing', reason: 'it has no PCI bus' },
    source: 'virDomainPCIAddressValidate: No PCI buses available',
  },
];

export function machineOf({ machine, arch }: Pick<DomainDocument, 'machine'> & { readonly arch?: string | undefined }) {
  return MACHINES.find((row) => row.machine.test(machine) && (row.arch === undefined || row.arch === arch)) ?? OTHERS;
}

/** What a device asks for on that machine: a virtio device goes onto the machine's own virtio bus unless its XML names another. */
export function onMachine(
  { virtio, elsewhere = [] }: MachineRow,
  { kind, leaves }: Pick<Device, 'kind' | 'leaves'>,
): BusRequirement | undefined {
  const row = elsewhere.find(({ element, where }) => element === kind.element && applies(where, leaves));
  const demand = row ? row.demand : kind.bus(leaves);
  if (demand?.type !== 'pci' || demand.virtio !== true) return demand;
  const type = leaves.get('address/@type') ?? virtio;
  return type === 'ccw' || type === 'virtio-mmio' ? { type } : demand;
}
