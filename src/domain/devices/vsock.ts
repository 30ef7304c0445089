import { wholeNumber } from '../json-schema.js';
import { formatValue, specInvalid } from '../values.js';
import {
  deviceFields,
  type Field,
  group,
  oneOf,
  VIRTIO_ABI,
  type VirtioDriverSpec,
  virtioDriverFields,
} from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { can, NO_UPDATE } from './rows.js';
import { VIRTIO_MODELS, virtioSlot } from './virtio.js';

/** A socket between guest and host. libvirt: `<vsock>`. One per domain. */
export interface VsockSpec extends DeviceSpecBase {
  /** Context id of the guest, from 3; `auto`: libvirt takes a free one at each start. */
  readonly cid: number | 'auto';
  /** Default `virtio`. */
  readonly model?: (typeof VIRTIO_MODELS)[number] | undefined;
  readonly driver?: VirtioDriverSpec | undefined;
}

function cid(): Field<number | 'auto'> {
  return {
    paths: ['cid'],
    schema: { anyOf: [wholeNumber(3, 0xffffffff), { const: 'auto' }] },
    encode(value, where) {
      if (value === 'auto') return [['cid/@auto', 'yes']];
      if (!Number.isSafeInteger(value) || value < 3 || value > 0xffffffff)
        throw specInvalid(where, `${formatValue(value)} is not a context id`, "Give a number from 3, or 'auto'");
      return [
        ['cid/@auto', 'no'],
        ['cid/@address', String(value)],
      ];
    },
    decode(leaves) {
      if (leaves.get('cid/@auto') === 'yes') return 'auto';
      const value = leaves.get('cid/@address');
      return value === undefined ? undefined : Number(value);
    },
  };
}

const since = '4.5.0';

export const vsock: DeviceKind<VsockSpec> = {
  element: 'vsock',
  fields: {
    ...deviceFields,
    cid: cid(),
    model: oneOf('@model', VIRTIO_MODELS),
    driver: group<VirtioDriverSpec>(virtioDriverFields),
  },
  required: ['cid'],
  defaults: [['@model', 'virtio']],
  names: () => ['vsock'],
  unique: {},
  support: [
    can('attach', 'live', 'qemuDomainAttachVsockDevice', { since }),
    can('attach', 'config', 'qemuDomainAttachDeviceConfig', { since }),
    can('detach', 'live', 'qemuDomainDetachPrepVsock', { since }),
    can('detach', 'config', 'qemuDomainDetachDeviceConfig', { since }),
  ],
  limits: [{ atMost: 1, source: 'qemuDomainAttachVsockDevice, qemuDomainAttachDeviceConfig' }],
  ...NO_UPDATE,
  abi: ['@model', ...VIRTIO_ABI],
  liveOnly: [{ path: 'cid/@address', where: { 'cid/@auto': ['yes'] } }],
  bus: (leaves) => virtioSlot(leaves.get('@model')),
};
