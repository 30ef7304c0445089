import type { KindCase } from '../case.js';
import { fresh, memorySlots } from '../domain-parts.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'memory',
    title: 'dimm',
    host: 'session',
    needsGuest: 'a guest must take the memory off line first',
    domain: memorySlots,
    device: () => ({ memory: { id: 'ours', model: 'dimm', size: '128 MiB', node: 0 } }),
  },
  {
    kind: 'memory',
    title: 'dimm without an id',
    host: 'session',
    needsGuest: 'a guest must take the memory off line first',
    domain: memorySlots,
    device: () => ({ memory: { model: 'dimm', size: '256 MiB', node: 0, access: 'private', discard: true } }),
  },
  {
    kind: 'memory',
    title: 'dimm in a domain without slots',
    host: 'session',
    device: () => ({ memory: { id: 'ours', model: 'dimm', size: '128 MiB', node: 0 } }),
  },
  {
    kind: 'memory',
    title: 'virtio-mem',
    host: 'session',
    domain: memorySlots,
    device: () => ({
      memory: { id: 'ours', model: 'virtio-mem', size: '128 MiB', block: '2 MiB', requested: '64 MiB', node: 0 },
    }),
    updates: [{ set: { requested: '32 MiB' } }, { set: { requested: 0 } }, { set: { size: '256 MiB' } }],
  },
  {
    kind: 'memory',
    title: 'virtio-mem without an id',
    host: 'session',
    domain: memorySlots,
    device: () => ({ memory: { model: 'virtio-mem', size: '128 MiB', block: '2 MiB', requested: '64 MiB', node: 0 } }),
    updates: [{ set: { requested: '32 MiB' } }],
  },
  {
    kind: 'memory',
    title: 'virtio-pmem',
    host: 'none',
    why: 'libvirt 9.0 accepts it and cannot start the domain any more',
    domain: memorySlots,
    async device(host) {
      const path = await host.createDisk(`${fresh('pmem')}.raw`, { size: '128 MiB', format: 'raw' });
      return { memory: { id: 'ours', model: 'virtio-pmem', size: '128 MiB', access: 'shared', source: { path } } };
    },
  },
  {
    kind: 'memory',
    title: 'nvdimm',
    host: 'session',
    needsGuest: 'a guest must take the memory off line first',
    domain: memorySlots,
    async device(host) {
      const path = await host.createDisk(`${fresh('nvdimm')}.raw`, { size: '128 MiB', format: 'raw' });
      return {
        memory: { id: 'ours', model: 'nvdimm', size: '128 MiB', node: 0, access: 'shared', source: { path } },
      };
    },
  },
  {
    kind: 'memory',
    title: 'sgx-epc',
    host: 'none',
    why: 'needs a CPU with SGX',
    device: () => ({ memory: { model: 'sgx-epc', size: '16 MiB' } }),
  },
];
