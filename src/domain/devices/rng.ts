import { type Size, specInvalid } from '../values.js';
import { type ChrSourceSpec, chrLiveOnly, chrNormal, chrSource, coldSources } from './chr-source.js';
import {
  constant,
  deviceFields,
  group,
  integer,
  oneOf,
  size,
  text,
  VIRTIO_ABI,
  type VirtioDriverSpec,
  virtioDriverFields,
} from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { CONFIG, can, NO_UPDATE, unread } from './rows.js';
import { VIRTIO_MODELS, virtioSlot } from './virtio.js';

/** A source of randomness. libvirt: `<rng>`. One of `random`, `builtin` and `egd` says where it comes from. */
export interface RngSpec extends DeviceSpecBase {
  /** Path of a device of the host: `/dev/urandom`. */
  readonly random?: string | undefined;
  /** QEMU's own random numbers. */
  readonly builtin?: true | undefined;
  /** An entropy gathering daemon behind a character device. */
  readonly egd?: ChrSourceSpec | undefined;
  /** Default `virtio`. */
  readonly model?: (typeof VIRTIO_MODELS)[number] | undefined;
  /** At most so many bytes in each `period` of milliseconds, 1000 when left out. */
  readonly rate?: { readonly bytes: Size; readonly period?: number | undefined } | undefined;
  readonly driver?: VirtioDriverSpec | undefined;
}

export const rng: DeviceKind<RngSpec> = {
  element: 'rng',
  fields: {
    ...deviceFields,
    random: text('backend', {
      pattern: /^\//,
      expected: 'an absolute path',
      alongside: ['backend/@model', 'random'],
    }),
    builtin: constant(['backend/@model', 'builtin'], 'Leave it out to have another source'),
    egd: chrSource(['backend/@model', 'egd'], 'backend/'),
    model: oneOf('@model', VIRTIO_MODELS),
    rate: group({ bytes: size('rate/@bytes'), period: integer('rate/@period', { min: 1 }) }),
    driver: group<VirtioDriverSpec>(virtioDriverFields),
  },
  exclusive: [['random', 'builtin', 'egd']],
  defaults: [['@model', 'virtio']],
  check(leaves, where) {
    if (!leaves.has('backend/@model')) throw specInvalid(where, 'it has no source', 'Give random, builtin or egd');
    if (leaves.has('rate/@period') && !leaves.has('rate/@bytes'))
      throw specInvalid(`${where}.rate.bytes`, 'is missing');
    if (leaves.get('rate/@bytes') === '0')
      throw specInvalid(`${where}.rate.bytes`, 'nothing at all is no rate', 'Leave rate out to have no limit');
  },
  names: () => [],
  unique: {},
  support: [
    coldSources('backend/'),
    can('attach', 'live', 'qemuDomainAttachRNGDevice'),
    can('detach', 'live', 'qemuDomainDetachPrepRNG'),
    ...CONFIG,
  ],
  ...NO_UPDATE,
  abi: ['@model', ...VIRTIO_ABI],
  liveOnly: chrLiveOnly('backend/'),
  normal: [
    ...chrNormal('backend/'),
    ...unread('virDomainChrSourceDefParseXML: only a character device of its own has labels', [
      /^backend\/source(\[\d+\])?\/seclabel/,
    ]),
    { path: /^rate\/@(bytes|period)$/, asked: /^0$/, there: 'nothing', source: 'virDomainRNGDefFormat' },
  ],
  bus: (leaves) => virtioSlot(leaves.get('@model')),
};
