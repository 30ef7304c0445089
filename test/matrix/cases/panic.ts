import type { KindCase } from '../case.js';

export const cases: readonly KindCase[] = (['isa', 'hyperv'] as const).map((model) => ({
  kind: 'panic',
  title: model,
  host: 'session',
  device: () => ({ panic: { model } }),
}));
