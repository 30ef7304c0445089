import type { KindCase } from '../case.js';
import { bridge, fresh } from '../domain-parts.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'shmem',
    title: 'ivshmem-plain',
    host: 'session',
    domain: bridge,
    device: () => ({ shmem: { id: 'ours', name: fresh(`lvc-${process.pid}`), size: '1 MiB', role: 'peer' } }),
  },
  {
    kind: 'shmem',
    title: 'ivshmem, which QEMU has no more',
    host: 'none',
    why: 'QEMU dropped it in 4.0',
    device: () => ({ shmem: { name: 'old', model: 'ivshmem' } }),
  },
  {
    kind: 'shmem',
    title: 'ivshmem-doorbell',
    host: 'none',
    why: 'needs an ivshmem server',
    device: () => ({ shmem: { name: 'bell', server: '/run/ivshmem.sock', msi: { vectors: 2 } } }),
  },
];
