import type { KindCase } from '../case.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'crypto',
    title: 'virtio',
    host: 'session',
    device: () => ({ crypto: { backend: 'builtin', queues: 1, driver: { packed: true } } }),
  },
];
