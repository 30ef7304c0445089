/** What the doctor can find, by code: how bad it is, and why it matters. docs/doctor.md has a row for each. */
export const DOCTOR_FINDINGS = {
  'daemon-clients': [
    'warning',
    'A program that connects when the daemon is full is hung up on, migrations and monitoring included',
  ],
  'daemon-clients-full': ['error', 'The daemon takes hardly any client more: the next ones are hung up on'],
  'daemon-workers': [
    'warning',
    'A worker is busy until its call ends: a few calls that wait for a guest or a disk hold up all others',
  ],
  'daemon-prio-workers': [
    'warning',
    'Only these answer while all other workers wait for a stuck QEMU: state and destroy hang without them',
  ],
  'daemon-requests': [
    'warning',
    'The daemon stops reading a client with so many calls unanswered, keepalive included, and then drops it',
  ],
  'daemon-keepalive': [
    'warning',
    'The daemon notices late or never that a client is gone, and keeps its place and its jobs until then',
  ],
  'daemon-limits-unread': ['unknown', 'Limits that are too small are noticed under load only'],
  'host-uuid-dummy': [
    'error',
    'Hosts of the same vendor have the same UUID: libvirt refuses to migrate between them, taking both for one',
  ],
  'host-uuid-shared': ['error', 'libvirt takes both for one host and refuses to migrate between them'],
  'version-fault': ['note', 'The release has a known fault, unless the distribution has mended it in its own package'],
  'clock-skew': [
    'warning',
    'A guest that migrates takes its clock along, and journals, logs and certificates of the hosts disagree on what came first',
  ],
  'clock-unread': ['unknown', 'Clocks that differ are noticed in guests that migrated, and in logs'],
  'machine-deprecated': ['warning', 'A later QEMU does without it, and the domain does not start there'],
  'machine-removed': ['error', 'The domain does not start on this host'],
  'cpu-deprecated': ['warning', 'A later QEMU does without it, and the domain does not start there'],
  'cpu-removed': ['error', 'The domain does not start on this host'],
  'cpu-unpinned': [
    'warning',
    'The guest gets another CPU after an upgrade or on another host, and may not be able to migrate there',
  ],
  'pcie-ports-none': [
    'warning',
    'No further PCI device can be plugged in, neither while it runs nor without changing the document',
  ],
  'os-boot': [
    'note',
    'The boot order is of kinds of devices: a disk that is added can come first, and no device can have an order of its own',
  ],
  'disk-cache-migration': [
    'warning',
    'Live migration over shared storage needs none or directsync on hosts that do not keep their caches in step; libvirt refuses it',
  ],
  'disk-shared': ['error', 'Two guests that write to one image destroy its file system'],
  'disk-format-unsaid': [
    'error',
    'libvirt takes an image without a format for raw: the guest sees the header of the image as its disk, and can write a backing file into it that libvirt opens at the next start',
  ],
  'apply-interrupted': [
    'error',
    'Some of its changes were made and some not; every further change is refused until it is settled',
  ],
  'migration-interrupted': ['error', 'The domain may run on either host, or on none'],
  'rescue-open': ['note', 'The guest that runs is the rescue system, not the domain as its document has it'],
  'managed-save-old': [
    'warning',
    'The next plain start restores the guest with the document of the image, without what was changed since',
  ],
  'snapshots-pin': [
    'warning',
    'libvirt does not undefine, rename or migrate the domain, and a revert puts an older document in place',
  ],
  'security-denials': [
    'warning',
    'The host forbade a guest or its daemon something: a disk or a device fails in the guest, often without a word',
  ],
  'domain-unreadable': ['error', 'Nothing can be told of the domain, and nothing can be changed'],
} as const satisfies Readonly<Record<string, readonly [severity: DoctorSeverity, why: string]>>;

/** `error`: it fails, or will. `warning`: it fails in time. `note`: to know. `unknown`: it could not be looked at. */
export type DoctorSeverity = 'error' | 'warning' | 'note' | 'unknown';

/** What a finding is about; docs/doctor.md has a row for each. */
export type DoctorCode = keyof typeof DOCTOR_FINDINGS;

/** Something that is wrong with a host or with a domain of it, or will be. */
export interface DoctorFinding {
  readonly code: DoctorCode;
  readonly severity: DoctorSeverity;
  /** The domain that it is about; undefined for the host itself. */
  readonly domain: { readonly name: string; readonly uuid: string } | undefined;
  /** What was seen, with numbers and names. */
  readonly seen: string;
  /** Why it matters. */
  readonly why: string;
  /** What to do. */
  readonly remedy: string;
}

/** A finding before it is known which domain it is about. */
export type Found = Omit<DoctorFinding, 'domain'>;

/** Makes a finding: severity and reason are of its code. */
export function found(code: DoctorCode, seen: string, remedy: string): Found {
  const [severity, why] = DOCTOR_FINDINGS[code];
  return { code, severity, seen, why, remedy };
}
