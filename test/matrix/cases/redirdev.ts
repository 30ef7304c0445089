import type { KindCase } from '../case.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'redirdev',
    title: 'spicevmc',
    host: 'session',
    domain: { devices: [{ graphics: { type: 'spice', autoport: true } }] },
    device: () => ({ redirdev: { id: 'ours', spicevmc: true } }),
  },
  {
    kind: 'redirdev',
    title: 'tcp',
    host: 'session',
    device: () => ({
      redirdev: {
        id: 'ours',
        boot: 9,
        tcp: { host: '127.0.0.1', port: 9, mode: 'connect', reconnect: { enabled: true, timeout: 60_000 } },
      },
    }),
  },
];
