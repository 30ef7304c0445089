import type { KindCase } from '../case.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'smartcard',
    title: 'passthrough',
    host: 'session',
    device: () => ({ smartcard: { passthrough: { null: true } } }),
  },
  { kind: 'smartcard', title: 'host', host: 'session', device: () => ({ smartcard: { host: true } }) },
];
