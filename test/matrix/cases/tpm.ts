import type { KindCase } from '../case.js';

const uuid = '6e2f5a5c-1f0c-4f43-8a59-0e6a7f4ad001';

export const cases: readonly KindCase[] = [
  {
    kind: 'tpm',
    title: 'emulator',
    host: 'session',
    device: () => ({
      tpm: { model: 'tpm-crb', emulator: { version: '2.0', persistentState: true, activePcrBanks: ['sha256'] } },
    }),
  },
  {
    kind: 'tpm',
    title: 'emulator, encrypted',
    host: 'none',
    why: 'needs a secret of the host',
    device: () => ({ tpm: { model: 'tpm-tis', emulator: { version: '1.2', encryption: uuid } } }),
  },
  {
    kind: 'tpm',
    title: 'external',
    host: 'session',
    device: () => ({ tpm: { model: 'tpm-tis', external: { socket: '/tmp/no-such-swtpm' } } }),
  },
  { kind: 'tpm', title: 'passthrough', host: 'session', device: () => ({ tpm: { passthrough: '/dev/tpm0' } }) },
];
