import type { DomainDocument } from '../domain/index.js';
import { holderOfImage, unsaidFormat } from '../plan/index.js';
import { child, children, select, valueAt } from '../xml/index.js';

/** Something to know before a domain is defined. */
export interface DefineFinding {
  /**
   * `refuses`: `define` refuses it, since it would never start, or would lose what the caller said, and cannot be corrected.
   * `warns`: it is defined. `unknown`: it could not be looked at.
   */
  readonly severity: 'refuses' | 'warns' | 'unknown';
  /** `domain`, `firmware`, `cpu`, `machine`, `emulator`, or the identity of a device. */
  readonly subject: string;
  /** Place in the document, where there is one. */
  readonly path?: string;
  readonly problem: string;
  readonly remedy: string;
}

/** One rule about a document, and what it finds. */
type Rule = (document: DomainDocument) => DefineFinding[];

const finding = (
  severity: DefineFinding['severity'],
  subject: string,
  path: string,
  problem: string,
  remedy: string,
): DefineFinding => ({ severity, subject, path, problem, remedy });

const MIB = 1024;

/** An amount without a unit is in KiB; `2048` was most likely meant in MiB. */
const memoryUnit: Rule = (document) => {
  const value = Number(document.value('memory') ?? 'NaN');
  const unit = (document.value('memory/@unit') ?? 'KiB').toLowerCase();
  const kib = unit === 'kib' || unit === 'k' ? value : unit === 'b' || unit === 'bytes' ? value / 1024 : MIB;
  if (!(kib < MIB)) return [];
  return [
    finding(
      'refuses',
      'domain',
      'memory',
      `the guest has ${kib} KiB of memory`,
      `Were other units meant? Give '${value} MiB'`,
    ),
  ];
};

/** libvirt drops what has no namespace, and the second of two with one, without a word. */
const lostMetadata: Rule = ({ root }) => {
  const metadata = child(root, 'metadata');
  const seen = new Set<string>();
  return (metadata ? children(metadata) : []).flatMap(({ namespaceURI, nodeName }) => {
    const path = `metadata/${nodeName}`;
    if (!namespaceURI)
      return [finding('refuses', 'domain', path, 'libvirt drops metadata without a namespace', 'Declare one by xmlns')];
    if (seen.has(namespaceURI))
      return [
        finding('refuses', 'domain', path, `libvirt keeps one element of ${namespaceURI} only`, 'Put both into one'),
      ];
    seen.add(namespaceURI);
    return [];
  });
};

/** An image that is read as raw though nobody said so. */
const formatUnsaid: Rule = ({ devices }) =>
  devices.flatMap((device) => {
    const unsaid = unsaidFormat(device);
    if (!unsaid) return [];
    const { reason, remedy, isWrong } = unsaid;
    return [finding(isWrong ? 'refuses' : 'warns', device.identity, 'driver/@type', reason, remedy)];
  });

const PATHS = ['source/@file', 'source/@dev', 'source/@dir', 'source/@path'];

/** libvirt takes a relative path from wherever its daemon was started. */
const relativePath: Rule = (document) => [
  ...document.devices.flatMap(({ kind, identity, leaves }) =>
    ['disk', 'filesystem', 'memory'].includes(kind.element)
      ? PATHS.flatMap((path) => relative(identity, path, leaves.get(path)))
      : [],
  ),
  ...['os/kernel', 'os/initrd', 'os/loader', 'os/nvram', 'os/dtb'].flatMap((path) =>
    relative('domain', path, document.value(path)?.trim()),
  ),
];

function relative(subject: string, path: string, value: string | undefined): DefineFinding[] {
  return value === undefined || value === '' || value.startsWith('/')
    ? []
    : [
        finding(
          'refuses',
          subject,
          path,
          `${value} is a relative path, taken from the daemon's own folder`,
          'Give an absolute path',
        ),
      ];
}

/** Two disks of one image that is not shared destroy it, or keep each other from being opened. */
const sharedImage: Rule = ({ devices }) =>
  devices.flatMap((device, index) => {
    const other = holderOfImage(device, devices.slice(0, index));
    if (!other) return [];
    const problem = `its image is the image of ${other.identity} too`;
    return [finding('refuses', device.identity, 'source', problem, 'Give each its own, or say shareable of both')];
  });

/** `<sysinfo>` and `<smbios mode='sysinfo'/>` do nothing without each other. */
const smbios: Rule = ({ root }) => {
  const mode = valueAt(root, 'os/smbios/@mode');
  const shown = children(root, 'sysinfo').some((each) => each.getAttribute('type') === 'smbios');
  if (mode === 'sysinfo' && !shown)
    return [
      finding(
        'refuses',
        'domain',
        'os/smbios',
        'there is no <sysinfo> for it to show: it would not start',
        'Give one, or leave smbios out',
      ),
    ];
  if (mode === undefined && shown)
    return [finding('warns', 'domain', 'sysinfo', 'the guest sees nothing of it', "Give <os><smbios mode='sysinfo'/>")];
  if (mode === 'host')
    return [
      finding('warns', 'domain', 'os/smbios', "the guest sees the host's serial number", 'Give sysinfo of its own'),
    ];
  return [];
};

/** libvirt takes a timer twice, and the last one counts. */
const timers: Rule = ({ root }) => {
  const names = select(root, 'clock/timer').map((each) => each.getAttribute('name') ?? '');
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => finding('refuses', 'domain', 'clock/timer', `the timer ${name} is there twice`, 'Give it once'));
};

/** libvirt does not check the name of a zone. */
const timezone: Rule = (document) => {
  const zone = document.value('clock/@timezone');
  if (zone === undefined) return [];
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return [];
  } catch {
    return [
      finding(
        'warns',
        'domain',
        'clock/@timezone',
        `${zone} is not a time zone known here`,
        "Give one such as 'Europe/Berlin'",
      ),
    ];
  }
};

/** Without memfd libvirt shares memory by a file on disk. */
const sharedMemory: Rule = (document) => {
  const shared = document.value('memoryBacking/access/@mode') === 'shared';
  const source = document.value('memoryBacking/source/@type');
  const huge = select(document.root, 'memoryBacking/hugepages').length > 0;
  return shared && source !== 'memfd' && !huge
    ? [
        finding(
          'warns',
          'domain',
          'memoryBacking',
          'shared memory without memfd is a file on disk',
          "Give source: 'memfd'",
        ),
      ]
    : [];
};

/** What a CPU should not say. */
const cpuMode: Rule = ({ root }) => [
  ...(valueAt(root, 'cpu/@check') === 'full'
    ? [
        finding(
          'refuses',
          'cpu',
          'cpu/@check',
          'full is for libvirt to write: the domain would not start',
          "Give check: 'partial'",
        ),
      ]
    : []),
  ...(valueAt(root, 'cpu/@match') === 'minimum'
    ? [finding('warns', 'cpu', 'cpu/@match', 'minimum is another CPU on another host', "Give match: 'exact'")]
    : []),
];

/** A TPM whose version nobody said is 1.2 with the usual model, of no use to Windows 11, and for good. */
const tpmVersion: Rule = ({ devices }) =>
  devices.flatMap(({ kind, identity, leaves }) =>
    kind.element === 'tpm' &&
    leaves.get('backend/@type') === 'emulator' &&
    leaves.get('backend/@version') === undefined &&
    leaves.get('@model') !== 'tpm-crb'
      ? [
          finding(
            'warns',
            identity,
            'backend/@version',
            'libvirt makes it TPM 1.2',
            "Give version: '2.0'; it cannot be changed later",
          ),
        ]
      : [],
  );

/** Types of interface that libvirt's schema has for other drivers: its daemon ends when QEMU is to be started with one (seen in 9.0; 11.3 refuses the start). */
const OTHER_DRIVERS = ['null', 'vds'];

const interfaceType: Rule = ({ devices }) =>
  devices.flatMap(({ kind, identity, leaves }) => {
    const type = leaves.get('@type') ?? '';
    if (kind.element !== 'interface' || !OTHER_DRIVERS.includes(type)) return [];
    const problem = `QEMU has no interface of type ${type}: the domain would not start, and libvirtd 9.0 ends at the attempt`;
    return [finding('refuses', identity, '@type', problem, 'Connect it otherwise, such as to a network or a bridge')];
  });

/** What goes past libvirt. */
const pastLibvirt: Rule = ({ root }) =>
  children(root).some(({ nodeName }) => /^\w+:(commandline|override)$/.test(nodeName))
    ? [
        finding(
          'warns',
          'domain',
          'qemu',
          'libvirt does not check it, and no plan reckons with it',
          'Leave it out where a field does the same',
        ),
      ]
    : [];

const RULES: readonly Rule[] = [
  memoryUnit,
  lostMetadata,
  formatUnsaid,
  relativePath,
  sharedImage,
  smbios,
  timers,
  timezone,
  sharedMemory,
  cpuMode,
  tpmVersion,
  interfaceType,
  pastLibvirt,
];

/** What a document says that libvirt takes, and that the caller can hardly mean. Looks at no host. */
export function documentFindings(document: DomainDocument): DefineFinding[] {
  return RULES.flatMap((rule) => rule(document));
}
