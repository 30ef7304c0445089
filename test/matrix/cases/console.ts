import type { KindCase } from '../case.js';
import { virtioSerial } from '../domain-parts.js';

const first = { serial: { port: 0, pty: true } } as const;

export const cases: readonly KindCase[] = [
  {
    kind: 'console',
    title: 'virtio',
    host: 'session',
    domain: { devices: [virtioSerial, first] },
    device: () => ({ console: { id: 'ours', port: 1, target: 'virtio', pty: true } }),
  },
  {
    kind: 'console',
    title: 'the first serial port by another name',
    host: 'session',
    domain: { devices: [first] },
    device: () => ({ console: { port: 0, target: 'serial', pty: true } }),
  },
];
