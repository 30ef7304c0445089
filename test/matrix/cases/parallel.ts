import type { KindCase } from '../case.js';
import { fresh } from '../domain-parts.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'parallel',
    title: 'file',
    host: 'session',
    device: (host) => ({
      parallel: { id: 'ours', port: 0, file: `${host.directory}/images/${fresh('parallel')}` },
    }),
  },
  {
    kind: 'parallel',
    title: 'second port',
    host: 'session',
    domain: { devices: [{ parallel: { port: 0, null: true } }] },
    device: () => ({ parallel: { id: 'ours', port: 1, null: true } }),
  },
];
