/** Findings of one kind that are accepted, and why. */
export interface AcceptedRow {
  readonly check: 'parse' | 'pair' | 'hotplug';
  /** Why it is right that the library sees a difference there. */
  readonly reason: string;
  /** What the findings look like; others of the same file are not accepted. */
  readonly what: RegExp;
  /** Files of libvirt's tests, below the tree; a file that a tree does not have is no matter there. */
  readonly files: readonly string[];
}

/** The output of one test, as trees up to 9.x and newer ones name it. */
const outputs = (name: string, old: string, now = 'x86_64-latest') => [
  `qemuxml2xmloutdata/${name}${old}.xml`,
  `qemuxmlconfdata/${name}.${now}.xml`,
];

/** Each is an input that says something which is not in what libvirt makes of it, so that a plan must speak of it. */
export const ACCEPTED: readonly AcceptedRow[] = [
  {
    check: 'pair',
    reason: 'the timeout of a boot menu that is off is dropped',
    what: /^refused domain: os\/bootmenu\/@timeout:/,
    files: outputs('boot-menu-disable-with-timeout', ''),
  },
  {
    check: 'pair',
    reason: 'a pseries guest gets memory in blocks of 256 MiB: sizes are rounded up when it is defined',
    what: /^refused memory( dimm \d)?: .*(target\/size would change|no call changes the maximum memory)/,
    files: [
      'qemuxml2xmloutdata/memory-hotplug-nvdimm-ppc64-abi-update.xml',
      'qemuxml2xmloutdata/memory-hotplug-ppc64-nonuma-abi-update.xml',
      'qemuxmlconfdata/memory-hotplug-nvdimm-ppc64.ppc64-latest.abi-update.xml',
      'qemuxmlconfdata/memory-hotplug-ppc64-nonuma.ppc64-latest.abi-update.xml',
    ],
  },
  {
    check: 'pair',
    reason: 'automatic memory placement drops the node set that was asked for',
    what: /^refused domain: numatune\/memory\/@nodeset:/,
    files: outputs('numatune-auto-nodeset-invalid', ''),
  },
  {
    check: 'pair',
    reason: 'a network filter is dropped from an interface that no bridge carries, and queues from a card of the host',
    what: /^update interface .*: (filterref\/@filter|driver\/@queues) nothing →/,
    files: [...outputs('net-vhostuser-fail', ''), ...outputs('net-hostdev-fail', '')],
  },
  {
    check: 'pair',
    reason: 'virtio-serial has one bus per controller: a channel on another is moved to the first',
    what: /^refused channel .*: address\/@bus would change/,
    files: outputs('channel-virtio-autoassign', ''),
  },
  {
    check: 'pair',
    reason: 'the removable flag is dropped from a disk that is not on USB',
    what: /^update disk sdb: target\/@removable nothing → on$/,
    files: outputs('disk-device-removable', ''),
  },
  {
    check: 'pair',
    reason: 'NVRAM was asked for in a format that no firmware of the host has, and libvirt took another',
    what: /^refused domain: os\/nvram\/@format: it is raw and/,
    files: outputs('firmware-auto-efi-format-mismatch', '.x86_64-latest'),
  },
  {
    check: 'pair',
    reason: 'ACPI is dropped where the machine has none',
    what: /^refused domain: features\/acpi:/,
    files: outputs('s390x-ccw-acpi', '.s390x-latest', 's390x-latest'),
  },
];
