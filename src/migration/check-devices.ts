import type { Device, DomainDocument } from '../domain/index.js';
import { blocks, type MigrationFinding } from './findings.js';

/** Devices that libvirt or QEMU do not migrate. What is not here libvirt itself is asked, by a Begin that is cancelled. */
interface Row {
  readonly kind: string;
  readonly when: (device: Device) => boolean;
  readonly problem: string;
  readonly remedy: string;
}

const DETACH = 'Detach it, migrate, and attach one of the other host';
const ROWS: readonly Row[] = [
  {
    kind: 'hostdev',
    when: ({ leaves }) => leaves.get('@type') !== 'usb' && leaves.get('teaming/@type') !== 'transient',
    problem: 'it is a device of this host',
    remedy: DETACH,
  },
  {
    kind: 'interface',
    when: ({ leaves }) =>
      ['hostdev', 'vdpa'].includes(leaves.get('@type') ?? '') && leaves.get('teaming/@type') !== 'transient',
    problem: 'it is a device of this host',
    remedy: DETACH,
  },
  {
    kind: 'shmem',
    when: ({ leaves }) => leaves.get('model/@type') !== 'ivshmem-doorbell' && leaves.get('@role') !== 'master',
    problem: 'its memory is shared with others of this host',
    remedy: 'Detach it first',
  },
];

/** What of a running domain's devices cannot migrate. */
export function checkDevices({ devices }: DomainDocument): MigrationFinding[] {
  return devices.flatMap((device) =>
    ROWS.filter(({ kind, when }) => kind === device.kind.element && when(device)).map(({ problem, remedy }) =>
      blocks('source', device.identity, problem, remedy),
    ),
  );
}
