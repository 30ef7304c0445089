import type { KindCase } from '../case.js';

export const cases: readonly KindCase[] = [
  { kind: 'memballoon', title: 'virtio', host: 'session', device: () => ({ memballoon: { autodeflate: true } }) },
];
