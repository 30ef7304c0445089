import type { KindCase } from '../case.js';
import { bridge } from '../domain-parts.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'watchdog',
    title: 'i6300esb',
    host: 'session',
    domain: bridge,
    device: () => ({ watchdog: { id: 'ours', model: 'i6300esb', action: 'reset' } }),
  },
  {
    kind: 'watchdog',
    title: 'ib700',
    host: 'session',
    device: () => ({ watchdog: { id: 'ours', model: 'ib700' } }),
  },
  {
    kind: 'watchdog',
    title: 'a second one',
    host: 'session',
    domain: { devices: [{ watchdog: { model: 'i6300esb' } }], ...bridge },
    device: () => ({ watchdog: { id: 'ours', model: 'i6300esb' } }),
  },
];
