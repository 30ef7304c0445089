import {
  deviceFields,
  flag,
  group,
  oneOf,
  seconds,
  VIRTIO_ABI,
  type VirtioDriverSpec,
  virtioDriverFields,
} from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { defineOnly, NO_UPDATE } from './rows.js';
import { VIRTIO_MODELS, virtioSlot } from './virtio.js';

/** The memory balloon. libvirt: `<memballoon>`. Only in the definition; libvirt adds one where it is left out. */
export interface MemballoonSpec extends DeviceSpecBase {
  /** Default `virtio`. `none`: no balloon. */
  readonly model?: (typeof VIRTIO_MODELS)[number] | 'none' | undefined;
  /** Gives memory back to a guest that would run out of it. */
  readonly autodeflate?: boolean | undefined;
  /** The guest tells which memory it does not use, so that the host can have it. */
  readonly freePageReporting?: boolean | undefined;
  /** Milliseconds, in whole seconds, between two readings of the guest's memory statistics. */
  readonly statsPeriod?: number | undefined;
  readonly driver?: VirtioDriverSpec | undefined;
}

export const memballoon: DeviceKind<MemballoonSpec> = {
  element: 'memballoon',
  fields: {
    ...deviceFields,
    model: oneOf('@model', [...VIRTIO_MODELS, 'none']),
    autodeflate: flag('@autodeflate', 'on', 'off'),
    freePageReporting: flag('@freePageReporting', 'on', 'off'),
    statsPeriod: seconds('stats/@period'),
    driver: group<VirtioDriverSpec>(virtioDriverFields),
  },
  defaults: [['@model', 'virtio']],
  names: () => ['memballoon'],
  unique: {},
  support: defineOnly('memory balloons'),
  ...NO_UPDATE,
  implicit: [{ source: 'qemuDomainDefAddDefaultDevices' }],
  abi: ['@model', '@autodeflate', '@freePageReporting', ...VIRTIO_ABI],
  liveOnly: [],
  normal: ['address', 'alias'].map((path) => ({
    path,
    where: { '@model': ['none'] },
    there: 'nothing',
    source: 'virDomainMemballoonDefFormat: what is not there sits nowhere',
  })),
  bus: (leaves) => (leaves.get('@model') === 'none' ? undefined : virtioSlot(leaves.get('@model'))),
};
