import type { KindCase } from '../case.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'vsock',
    title: 'auto',
    host: 'none',
    why: 'needs /dev/vhost-vsock',
    device: () => ({ vsock: { id: 'ours', cid: 'auto' } }),
  },
  {
    kind: 'vsock',
    title: 'a context id of one’s own',
    host: 'none',
    why: 'needs /dev/vhost-vsock',
    device: () => ({ vsock: { id: 'ours', cid: 4711 } }),
  },
];
