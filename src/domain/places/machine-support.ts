import { applies, type Where } from '../devices/index.js';
import type { Device, DomainDocument } from '../document.js';
import { machineOf } from './machines.js';

/** What a machine, or the QEMU that emulates it, does not have. The kind's own rows hold for all machines. */
export interface MachineSupportRow {
  /** Name of the machine's row in MACHINES. */
  readonly machine: string;
  readonly element: string;
  readonly where?: Where;
  /** Holds only for a domain without what this path selects. */
  readonly without?: string;
  readonly reason: string;
  /** The libvirt function, or QEMU's and libvirt's own words of it. */
  readonly source: string;
}

const S390 = 's390-ccw-virtio';
const ARM = 'virt of aarch64';
const RISCV = 'virt of riscv64';
const POWER = 'pseries';
const NO_USB = 'QEMU has no USB controller for s390x';
const VALIDATE = 'virQEMUCapsGet';
const IDE = 'the machine has no IDE';
const NO_NICS = ['e1000', 'e1000e', 'igb', 'rtl8139', 'ne2k_pci', 'pcnet', 'vmxnet3', 'i82551', 'i82557b', 'i82559er'];
const USB_MODELS = ['qemu-xhci', 'nec-xhci', 'ehci', 'ich9-ehci1', 'piix3-uhci', 'piix4-uhci', 'pci-ohci'];

const row = (machine: string, element: string, reason: string, where: Where = {}): MachineSupportRow => ({
  machine,
  element,
  where,
  reason,
  source: VALIDATE,
});

/** What each machine lacks, beside its buses. Each row is tried on the machine's emulator. */
export const MACHINE_SUPPORT: readonly MachineSupportRow[] = [
  row(S390, 'interface', 'QEMU has no such NIC for s390x, only virtio', { 'model/@type': NO_NICS }),
  row(S390, 'controller', NO_USB, { '@type': ['usb'], '@model': USB_MODELS }),
  row(S390, 'disk', NO_USB, { 'target/@bus': ['usb'] }),
  row(S390, 'input', NO_USB, { '@bus': ['usb'] }),
  row(S390, 'disk', 'QEMU has no SATA for s390x', { 'target/@bus': ['sata'] }),
  row(S390, 'watchdog', 'QEMU has only the diag288 watchdog for s390x', { '@model': ['i6300esb', 'ib700', 'itco'] }),
  row(S390, 'parallel', 'the machine has no parallel ports'),
  row(S390, 'shmem', 'QEMU has no shared memory device for s390x'),
  row(S390, 'memory', 'QEMU has no memory devices that libvirt takes on s390x'),
  row(RISCV, 'memory', 'QEMU has no memory devices for riscv64'),
  {
    ...row(ARM, 'memory', 'without ACPI the machine has nothing that memory modules are plugged into', {
      '@model': ['dimm', 'nvdimm'],
    }),
    without: 'features/acpi',
    source: 'QEMU: memory hotplug is not enabled: missing acpi-ged device',
  },
  {
    machine: 'microvm',
    element: 'rng',
    reason: 'libvirt takes a further rng on virtio-mmio for one with the same address as another device',
    source: 'qemuDomainAttachDeviceConfig: virDomainDefHasDeviceAddress',
  },
  row(POWER, 'memory', 'QEMU has no virtio memory for ppc64', { '@model': ['virtio-mem', 'virtio-pmem'] }),
  row(POWER, 'parallel', 'the machine has no parallel ports'),
  ...[S390, ARM, RISCV, POWER].map((machine) => row(machine, 'disk', IDE, { 'target/@bus': ['ide'] })),
  ...[ARM, RISCV, POWER].map((machine) =>
    row(machine, 'watchdog', 'the diag288 watchdog is of s390x', { '@model': ['diag288'] }),
  ),
  ...[S390, ARM, RISCV].map((machine) =>
    row(machine, 'interface', 'a spapr-vlan NIC is of the machine pseries', { 'model/@type': ['spapr-vlan'] }),
  ),
];

/** Why the machine of a document cannot have a device; undefined when it can. */
export function whyNotOnMachine(device: Pick<Device, 'kind' | 'leaves'>, document: DomainDocument): string | undefined {
  const { name } = machineOf(document);
  const found = MACHINE_SUPPORT.find(
    (each) =>
      each.machine === name &&
      each.element === device.kind.element &&
      applies(each.where, device.leaves) &&
      (each.without === undefined || document.value(each.without) === undefined),
  );
  return found && `${found.reason} (${found.source})`;
}

/** Machines on which libvirt and QEMU cannot plug vCPUs into a running guest. */
const NO_VCPU_HOTPLUG = [ARM, RISCV];

/** Why vCPUs cannot come or go while the guest runs; undefined on a machine where they can. */
export function whyNoVcpuHotplug(document: DomainDocument): string | undefined {
  const { name } = machineOf(document);
  if (!NO_VCPU_HOTPLUG.includes(name)) return undefined;
  return `QEMU has no hot-plug of vCPUs on the machine ${name} (qemuDomainSetVcpusLive)`;
}
