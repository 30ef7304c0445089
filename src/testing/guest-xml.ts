import { randomUUID } from 'node:crypto';

export interface GuestDisk {
  readonly file: string;
  /** `vda`, `sda` … */
  readonly target: string;
  /** Default `virtio`. */
  readonly bus?: 'virtio' | 'scsi' | 'ide' | 'sata' | 'usb';
  /** Default `disk`. */
  readonly device?: 'disk' | 'cdrom';
  /** Default: by the file's name, as `createDisk` chooses it. */
  readonly format?: 'qcow2' | 'raw';
  readonly serial?: string;
  /** `<boot order>`; the first disk has 1 when none is given. */
  readonly boot?: number;
  /** User alias without `ua-`. Default: the target. */
  readonly id?: string;
}

export interface GuestInterfaceSpec {
  readonly mac: string;
  /** User alias without `ua-`. Default `nic0`, `nic1` … */
  readonly id?: string;
  /** Default `virtio`. */
  readonly model?: string;
}

/** What {@link Guest.domainXml} puts into the domain. */
export interface GuestDomainOptions {
  /** Default: a new one. */
  readonly uuid?: string;
  /** Default `q35`. */
  readonly machine?: string;
  /** In MiB, default 128. */
  readonly memoryMiB?: number;
  /** Default 1. */
  readonly vcpus?: number;
  /** Default: `vcpus`. */
  readonly maxVcpus?: number;
  /**
   * Makes the guest's kernel take CPUs that are plugged in. Linux 6.12 with its fixes does so only on a hypervisor that it
   * knows (its commit 825c5d67c389), which plain emulation is not: it is shown VMware, by `VMware` in the serial of the DMI
   * system table and a CPU that does not name its hypervisor. A `<cpu>` in `extraElements` gets the same. Older kernels are
   * shown nothing.
   */
  readonly hotplugVcpus?: boolean;
  readonly disks?: readonly GuestDisk[];
  /** Each of `type='user'`. */
  readonly interfaces?: readonly GuestInterfaceSpec[];
  /** `pcie-root-port`s, those for the devices given included. Default 8; not for machines without PCI Express. */
  readonly rootPorts?: number;
  /** Of the DMI system table. */
  readonly dmiSerial?: string;
  /** Further elements of `<devices>`. */
  readonly extraDevices?: readonly string[];
  /** Further elements of `<domain>`, e.g. `<cpu>` or `<metadata>`. */
  readonly extraElements?: readonly string[];
}

/** The parts of a guest that go into its domain. */
export interface GuestBoot {
  readonly name: string;
  readonly kernelVersion: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly cmdline: string;
  readonly serialDevices: readonly string[];
}

/** A small complete domain of `type='qemu'` that boots the guest. */
export function guestDomainXml(boot: GuestBoot, options: GuestDomainOptions): string {
  const { machine = 'q35', memoryMiB = 128, vcpus = 1, maxVcpus = vcpus, disks = [], interfaces = [] } = options;
  const uuid = options.uuid ?? randomUUID();
  const express = /q35/.test(machine);
  const rootPorts = express ? (options.rootPorts ?? 8) : 0;
  const bootable = disks.some((disk) => disk.boot !== undefined);
  const { extraElements = [] } = options;
  const shown = options.hotplugVcpus === true && /^(6\.1[2-9]|6\.[2-9]\d|[7-9])\./.test(boot.kernelVersion);
  const sysinfo = shown ? `${options.dmiSerial ?? boot.name} VMware` : options.dmiSerial;
  const lines = [
    "<domain type='qemu'>",
    `<name>${escapeXml(boot.name)}</name>`,
    `<uuid>${uuid}</uuid>`,
    `<memory unit='MiB'>${memoryMiB}</memory>`,
    `<vcpu current='${vcpus}'>${maxVcpus}</vcpu>`,
    ...(sysinfo === undefined
      ? []
      : [`<sysinfo type='smbios'><system><entry name='serial'>${escapeXml(sysinfo)}</entry></system></sysinfo>`]),
    `<os><type arch='x86_64' machine='${machine}'>hvm</type>${bootXml(boot)}${sysinfo === undefined ? '' : "<smbios mode='sysinfo'/>"}</os>`,
    '<features><acpi/><apic/></features>',
    ...(shown ? withCpu(extraElements) : extraElements),
    '<devices>',
    ...(express ? ["<controller type='pci' index='0' model='pcie-root'/>"] : []),
    ...Array.from({ length: rootPorts }, () => "<controller type='pci' model='pcie-root-port'/>"),
    ...(disks.some((disk) => disk.bus === 'scsi') ? ["<controller type='scsi' model='virtio-scsi'/>"] : []),
    ...(disks.some((disk) => disk.bus === 'usb') ? [] : ["<controller type='usb' model='none'/>"]),
    ...disks.map((disk, index) => diskXml(disk, bootable ? disk.boot : index === 0 ? 1 : undefined)),
    ...interfaces.map((nic, index) => interfaceXml(nic, index)),
    ...boot.serialDevices,
    ...(options.extraDevices ?? []),
    '</devices>',
    '</domain>',
  ];
  return `${lines.join('\n')}\n`;
}

/** The elements with a `<cpu>` that does not name its hypervisor. */
function withCpu(elements: readonly string[]): readonly string[] {
  const start = "<cpu mode='custom' match='exact'><model>qemu64</model><feature policy='disable' name='hypervisor'/>";
  if (!elements.some((each) => each.startsWith('<cpu>'))) return [...elements, `${start}</cpu>`];
  return elements.map((each) => each.replace(/^<cpu>/, start));
}

/** The elements of `<os>` that make a domain boot the guest. */
export function bootXml(boot: Pick<GuestBoot, 'kernel' | 'initrd' | 'cmdline'>): string {
  const { kernel, initrd, cmdline } = boot;
  return `<kernel>${escapeXml(kernel)}</kernel><initrd>${escapeXml(initrd)}</initrd><cmdline>${escapeXml(cmdline)}</cmdline>`;
}

export function diskXml(disk: GuestDisk, order: number | undefined): string {
  const { file, target, bus = 'virtio', device = 'disk', serial, id = target } = disk;
  const format = disk.format ?? (/\.(raw|img|iso)$/.test(file) ? 'raw' : 'qcow2');
  return [
    `<disk type='file' device='${device}'><driver name='qemu' type='${format}'/><source file='${escapeXml(file)}'/>`,
    `<target dev='${target}' bus='${bus}'/>`,
    device === 'cdrom' ? '<readonly/>' : '',
    order === undefined ? '' : `<boot order='${order}'/>`,
    serial === undefined ? '' : `<serial>${escapeXml(serial)}</serial>`,
    `<alias name='ua-${escapeXml(id)}'/></disk>`,
  ].join('');
}

// Without its option ROM: loading iPXE takes an emulated BIOS long, and the guest boots from a kernel anyway.
function interfaceXml({ mac, id, model = 'virtio' }: GuestInterfaceSpec, index: number): string {
  return `<interface type='user'><mac address='${mac}'/><model type='${model}'/><rom enabled='no'/><alias name='ua-${escapeXml(id ?? `nic${index}`)}'/></interface>`;
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;')
    .replaceAll('"', '&quot;');
}
