import type { KindCase } from '../case.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'audio',
    title: 'none',
    host: 'session',
    device: () => ({ audio: { number: 2, type: 'none', timerPeriod: 20 } }),
  },
];
