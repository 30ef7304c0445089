import { SIZE } from '../json-schema.js';
import { bytesOf, formatValue, type Size, specInvalid } from '../values.js';
import { deviceFields, type Field, flag, group, integer, oneOf, text } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { CONFIG, can, cannot, NO_UPDATE } from './rows.js';

/** Memory shared between guests. libvirt: `<shmem>`. */
export interface ShmemSpec extends DeviceSpecBase {
  /** Name of the memory on the host. */
  readonly name: string;
  /** Default: `ivshmem-doorbell` with a server, else `ivshmem-plain`. */
  readonly model?: 'ivshmem-plain' | 'ivshmem-doorbell' | 'ivshmem' | undefined;
  /** A power of two from 1 MiB. libvirt's default is 4 MiB; with a server it is the server's. */
  readonly size?: Size | undefined;
  /** `master`: the guest keeps the memory when it migrates. */
  readonly role?: 'master' | 'peer' | undefined;
  /** Socket of the ivshmem server. */
  readonly server?: string | undefined;
  /** Interrupts, with a server only. */
  readonly msi?: { readonly vectors?: number | undefined; readonly ioeventfd?: boolean | undefined } | undefined;
}

const MIB = 1024n * 1024n;

/** libvirt writes this size in MiB, so that is how it is sent. */
function mebibytes(): Field<Size> {
  return {
    paths: ['size'],
    schema: SIZE,
    encode(value, where) {
      const count = bytesOf(value, where) / MIB;
      if (bytesOf(value, where) % MIB !== 0n || count === 0n || (count & (count - 1n)) !== 0n)
        throw specInvalid(where, `${formatValue(value)} is not a power of two from 1 MiB`);
      return [
        ['size/@unit', 'M'],
        ['size', String(count)],
      ];
    },
    decode(leaves) {
      const count = leaves.get('size');
      return count === undefined || leaves.get('size/@unit') !== 'M' ? undefined : Number(BigInt(count) * MIB);
    },
  };
}

const HOT = { where: { 'model/@type': ['ivshmem-plain', 'ivshmem-doorbell'] } };
const reason = 'only the models ivshmem-plain and ivshmem-doorbell can be hot-plugged';

export const shmem: DeviceKind<ShmemSpec> = {
  element: 'shmem',
  fields: {
    ...deviceFields,
    name: text('@name', { pattern: /^(?!\.{1,2}$)[^/]+$/, expected: 'a name without a slash' }),
    model: oneOf('model/@type', ['ivshmem-plain', 'ivshmem-doorbell', 'ivshmem']),
    size: mebibytes(),
    role: oneOf('@role', ['master', 'peer']),
    server: text('server/@path', { pattern: /^\//, expected: 'an absolute path' }),
    msi: group({
      vectors: integer('msi/@vectors', { min: 1, max: 65535 }),
      ioeventfd: flag('msi/@ioeventfd', 'on', 'off'),
    }),
  },
  required: ['name'],
  derive(leaves) {
    if (leaves.has('model/@type')) return [];
    return [['model/@type', leaves.has('server/@path') ? 'ivshmem-doorbell' : 'ivshmem-plain']];
  },
  check(leaves, where) {
    const model = leaves.get('model/@type');
    const server = leaves.has('server/@path');
    if (model === 'ivshmem-plain' && server) throw specInvalid(`${where}.server`, 'ivshmem-plain has no server');
    if (model === 'ivshmem-doorbell' && !server)
      throw specInvalid(`${where}.server`, 'is missing', 'ivshmem-doorbell has its memory from a server');
    if (model === 'ivshmem-doorbell' && leaves.has('size'))
      throw specInvalid(`${where}.size`, 'ivshmem-doorbell has the size of its server', 'Leave it out');
    if (!server && (leaves.has('msi/@vectors') || leaves.has('msi/@ioeventfd')))
      throw specInvalid(`${where}.msi`, 'goes with a server only');
  },
  names: (leaves) => [leaves.get('@name')],
  unique: { '@name': 'shmem name' },
  support: [
    can('attach', 'live', 'qemuDomainAttachShmemDevice', HOT),
    cannot('attach', 'live', reason, 'qemuDomainAttachShmemDevice'),
    can('detach', 'live', 'qemuDomainDetachPrepShmem', HOT),
    cannot('detach', 'live', reason, 'qemuDomainDetachPrepShmem'),
    ...CONFIG,
  ],
  ...NO_UPDATE,
  abi: ['@role', 'model', 'size', 'msi'],
  liveOnly: [],
  bus: () => ({ type: 'pci', slot: 'conventional' }),
};
