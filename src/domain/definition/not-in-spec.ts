/** A part of the definition that no field of a spec says; XML can. */
export interface NotInSpecRow {
  /** Path of an element or attribute of the document; what lies below belongs to it. */
  readonly path: string;
  readonly reason: string;
}

const rows = (reason: string, paths: readonly string[]): NotInSpecRow[] => paths.map((path) => ({ path, reason }));

/** What is set at define only and has no field, with the reason. */
export const NOT_IN_SPEC: readonly NotInSpecRow[] = [
  ...rows('libvirt gives it to a domain while it runs', [
    '@id',
    'seclabel/imagelabel',
    'launchSecurity/handle',
    'cputune/cachetune/@id',
  ]),
  ...rows('boot order stands at the devices: in <os> it would keep them from ever having one', ['os/boot']),
  ...rows('it is for containers', [
    'os/init',
    'os/initarg',
    'os/initdir',
    'os/initenv',
    'os/initgroup',
    'os/inituser',
    'os/root',
    'idmap',
    'features/capabilities',
    'features/privnet',
    'lxc:namespace',
  ]),
  ...rows('it is for another hypervisor than QEMU', [
    'bootloader',
    'bootloader_args',
    'datacenterpath',
    'features/hap',
    'features/viridian',
    'features/xen',
    'memtune/min_guarantee',
    'bhyve:commandline',
    'xen:commandline',
  ]),
  ...rows('it is the address of a device that the machine of a PowerPC guest places itself', ['devices/nvram']),
  ...rows("variables on a volume, a block device or a server, for which the file's path has no place", [
    'os/nvram/source/@dev',
    'os/nvram/source/@dir',
    'os/nvram/source/@fdgroup',
    'os/nvram/source/@index',
    'os/nvram/source/@managed',
    'os/nvram/source/@mode',
    'os/nvram/source/@name',
    'os/nvram/source/@namespace',
    'os/nvram/source/@path',
    'os/nvram/source/@pool',
    'os/nvram/source/@protocol',
    'os/nvram/source/@query',
    'os/nvram/source/@startupPolicy',
    'os/nvram/source/@tls',
    'os/nvram/source/@tlsHostname',
    'os/nvram/source/@type',
    'os/nvram/source/@volume',
    'os/nvram/source/address',
    'os/nvram/source/auth',
    'os/nvram/source/config',
    'os/nvram/source/cookies',
    'os/nvram/source/encryption',
    'os/nvram/source/host',
    'os/nvram/source/identity',
    'os/nvram/source/initiator',
    'os/nvram/source/privateData',
    'os/nvram/source/readahead',
    'os/nvram/source/reconnect',
    'os/nvram/source/reservations',
    'os/nvram/source/seclabel',
    'os/nvram/source/slices',
    'os/nvram/source/snapshot',
    'os/nvram/source/ssl',
    'os/nvram/source/timeout',
  ]),
];
