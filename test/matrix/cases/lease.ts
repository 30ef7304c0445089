import type { KindCase } from '../case.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'lease',
    title: 'lease',
    host: 'session',
    device: (host) => ({
      lease: { lockspace: 'room', key: 'door', target: { path: `${host.directory}/lease`, offset: 1024 } },
    }),
  },
];
