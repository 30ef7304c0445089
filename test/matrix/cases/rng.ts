import type { DeviceSpecs } from '../../../src/index.js';
import type { KindCase } from '../case.js';
import { bridge } from '../domain-parts.js';

const source = (title: string, spec: DeviceSpecs['rng'], domain?: KindCase['domain']): KindCase => ({
  kind: 'rng',
  title,
  host: 'session',
  ...(domain ? { domain } : {}),
  device: () => ({ rng: { id: 'ours', ...spec } }),
});

export const cases: readonly KindCase[] = [
  source('random', { random: '/dev/urandom', rate: { bytes: '1 KiB', period: 2000 } }),
  source('builtin', { builtin: true, driver: { packed: true } }),
  source('builtin, modern', { builtin: true, model: 'virtio-non-transitional' }),
  source('builtin, transitional', { builtin: true, model: 'virtio-transitional' }, bridge),
  source('egd', {
    egd: { udp: { connect: { host: '127.0.0.1', port: 9 }, bind: { host: '127.0.0.1', port: 0xd0ff } } },
  }),
];
