import { under } from '../xml/index.js';

/** A part of the domain document that no call changes: it is as it was defined, for good. */
export interface DefineOnlyRow {
  /** Path of an element, or of an attribute as `element/@name`; what lies below belongs to it. */
  readonly path: string;
  /** For people: why no call changes it. */
  readonly reason: string;
  /** What comes near. */
  readonly partial?: string;
  /** First libvirt whose schema has it, as semver; left out when every supported one does. */
  readonly since?: string;
}

type More = Pick<DefineOnlyRow, 'partial' | 'since'>;
const rows = (reason: string, paths: readonly string[], more: More = {}): DefineOnlyRow[] =>
  paths.map((path) => ({ path, reason, ...more }));

const BOOT =
  'boot order of a device, by update or attach, when there is no <os><boot>; the start flag RESET_NVRAM for fresh NVRAM';
const TOPOLOGY = 'define with the largest topology and fewer vCPUs, and plug the rest';

/** Everything of `<domain>` that libvirt sets at define only (libvirt-domain.h has no call for it), and the partial ways. */
export const DEFINE_ONLY: readonly DefineOnlyRow[] = [
  ...rows('it is what the domain is known by', ['uuid']),
  ...rows('it says which virtualisation runs the guest', ['@type']),
  ...rows('libvirt gives it to a domain while it runs', ['@id']),
  ...rows('a guest takes a new one for a sign that it was cloned or restored', ['genid']),
  ...rows('it is the machine itself: firmware, machine type and how it boots', ['os'], { partial: BOOT }),
  ...rows('it is what SMBIOS tells the guest', ['sysinfo']),
  ...rows('it says where vCPUs without a pin run', ['vcpu/@placement', 'vcpu/@cpuset'], {
    partial: 'pins of vCPUs and of the emulator',
  }),
  ...rows('the guest sees it from its first instruction on', ['cpu'], { partial: TOPOLOGY }),
  ...rows('the guest reserves its address space for it at boot', ['maxMemory'], {
    partial: 'memory devices, up to what was defined',
  }),
  ...rows('QEMU allocates the memory of the guest by it', ['memoryBacking', 'memory/@dumpCore']),
  ...rows('virDomainSetMemoryParameters does not take it', ['memtune/min_guarantee']),
  ...rows('virDomainSetNumaParameters does not take it', ['numatune/memnode', 'numatune/memory/@placement']),
  ...rows('no call sets schedulers of threads', [
    'cputune/vcpusched',
    'cputune/iothreadsched',
    'cputune/emulatorsched',
  ]),
  ...rows('no call sets the allocation of caches and memory bandwidth', ['cputune/cachetune', 'cputune/memorytune']),
  ...rows('no call sets it', ['cputune/energytune'], { since: '12.4.0' }),
  ...rows('virDomainSetIOThreadParams is for IOThreads with an id', ['defaultiothread']),
  ...rows('no call sets it', ['iommufd'], { since: '12.2.0' }),
  ...rows('the process is put there when it starts', ['resource']),
  ...rows('the guest sees it from its first instruction on', ['features', 'clock']),
  ...rows('virDomainSetLifecycleAction does not take it', ['on_lockfailure']),
  ...rows('firmware tells the guest which sleep states there are', ['pm']),
  ...rows('QEMU is started with it', ['devices/emulator', 'seclabel', 'keywrap', 'launchSecurity']),
  ...rows('it belongs to the definition of USB redirection', ['devices/redirfilter']),
  ...rows('it is the firmware storage of a PowerPC guest', ['devices/nvram']),
  ...rows('it is passed to QEMU as it stands when it starts', [
    'qemu:commandline',
    'qemu:override',
    'qemu:capabilities',
    'qemu:deprecation',
  ]),
  ...rows('it is for another hypervisor than QEMU', [
    'bootloader',
    'bootloader_args',
    'idmap',
    'datacenterpath',
    'lxc:namespace',
    'bhyve:commandline',
    'xen:commandline',
  ]),
];

/** The row that says why no call changes a path of the domain document; undefined when a call does. */
export function defineOnlyRow(path: string): DefineOnlyRow | undefined {
  const found = DEFINE_ONLY.filter((row) => under(path, row.path));
  return found.sort((a, b) => b.path.length - a.path.length)[0];
}
