import type { Target } from './targets.js';

/** Faults for the fuzzer to find. */
export const TARGETS: Readonly<Record<string, Target>> = {
  guarded: {
    seeds: () => [Buffer.from('0123456789')],
    run(bytes) {
      if (bytes[0] === 0x39) {
        if (bytes[1] === 0x38) {
          if (bytes[2] === 0x37) throw new Error('reached');
        }
      }
    },
  },
  endless: {
    seeds: () => [Buffer.from('!')],
    run(bytes) {
      while (bytes[0] === 0x21);
    },
  },
  greedy: {
    seeds: () => [Buffer.from('!')],
    run(bytes) {
      const eaten: unknown[] = [];
      while (bytes[0] === 0x21) eaten.push(new Array(1_000_000).fill(eaten.length));
    },
  },
};
