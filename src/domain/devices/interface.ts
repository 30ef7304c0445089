import { invalid } from '../values.js';
import {
  bootableFields,
  flag,
  group,
  integer,
  mac,
  oneOf,
  text,
  VIRTIO_ABI,
  type VirtioDriverSpec,
  virtioDriverFields,
} from './fields.js';
import type { BootableSpec, DeviceKind } from './kind.js';

/** A network card. libvirt: `<interface>`. One of `network`, `bridge` and `user` says where it is connected. */
export interface InterfaceSpec extends BootableSpec {
  /** Name of a libvirt network. */
  readonly network?: string;
  /** Name of a host bridge. */
  readonly bridge?: string;
  /** `true`: QEMU's own user-mode network (SLIRP), the only one an unprivileged session has. */
  readonly user?: boolean;
  /** MAC address. Without one a stable one is made of the domain's UUID and the device's id or address. */
  readonly mac?: string;
  /** Card model. Default `virtio`. */
  readonly model?:
    | 'virtio'
    | 'virtio-transitional'
    | 'virtio-non-transitional'
    | 'e1000'
    | 'e1000e'
    | 'igb'
    | 'rtl8139'
    | 'vmxnet3';
  /** State of the cable. */
  readonly link?: 'up' | 'down';
  /** MTU in bytes. */
  readonly mtu?: number;
  /** libvirt: attributes of `<driver>` of a virtio card. */
  readonly driver?: InterfaceDriverSpec;
  /** Name of a network filter. */
  readonly filter?: string;
  /** Rates in KiB/s, burst in KiB. */
  readonly bandwidth?: {
    readonly inbound?: { readonly average?: number; readonly peak?: number; readonly burst?: number };
    readonly outbound?: { readonly average?: number; readonly peak?: number; readonly burst?: number };
  };
  /** Guests on one bridge that are isolated cannot reach each other. */
  readonly isolated?: boolean;
  readonly trustGuestRxFilters?: boolean;
}

/** libvirt: attributes of `<driver>` of an interface. */
export interface InterfaceDriverSpec extends VirtioDriverSpec {
  /** Queue pairs. */
  readonly queues?: number;
}

const CHANGE = 'qemuDomainChangeNet';
const rates = (direction: string) =>
  group({
    average: integer(`bandwidth/${direction}/@average`, { min: 1 }),
    peak: integer(`bandwidth/${direction}/@peak`, { min: 1 }),
    burst: integer(`bandwidth/${direction}/@burst`, { min: 1 }),
  });
const hotpluggable = ['bridge', 'network', 'direct', 'ethernet', 'vhostuser', 'user', 'vdpa', 'hostdev'];

export const networkInterface: DeviceKind<InterfaceSpec> = {
  element: 'interface',
  plural: 'interfaces',
  fields: {
    ...bootableFields,
    network: text('source/@network', { alongside: ['@type', 'network'] }),
    bridge: text('source/@bridge', { alongside: ['@type', 'bridge'] }),
    user: {
      paths: [],
      encode(value, where) {
        if (value !== true) throw invalid(where, 'must be true', 'Leave it out to connect by network or bridge');
        return [['@type', 'user']];
      },
      decode: (leaves) => (leaves.get('@type') === 'user' ? true : undefined),
    },
    mac: mac('mac/@address'),
    model: oneOf('model/@type', [
      'virtio',
      'virtio-transitional',
      'virtio-non-transitional',
      'e1000',
      'e1000e',
      'igb',
      'rtl8139',
      'vmxnet3',
    ]),
    link: oneOf('link/@state', ['up', 'down']),
    mtu: integer('mtu/@size', { min: 68, max: 65535 }),
    driver: group<InterfaceDriverSpec>({
      queues: integer('driver/@queues', { min: 1, max: 256 }),
      ...virtioDriverFields,
    }),
    filter: text('filterref/@filter'),
    bandwidth: group({ inbound: rates('inbound'), outbound: rates('outbound') }),
    isolated: flag('port/@isolated'),
    trustGuestRxFilters: flag('@trustGuestRxFilters'),
  },
  exclusive: [['network', 'bridge', 'user']],
  defaults: [['model/@type', 'virtio']],
  check(leaves, where) {
    if (!leaves.has('@type'))
      throw invalid(where, 'the interface is connected to nothing', 'Give network, bridge or user: true');
  },
  names: (leaves) => [leaves.get('mac/@address')?.toLowerCase(), leaves.get('target/@dev')],
  unique: { 'mac/@address': 'MAC address' },
  support: [
    {
      action: 'attach',
      scope: 'live',
      where: { '@type': hotpluggable },
      supported: true,
      source: 'qemuDomainAttachNetDevice',
    },
    {
      action: 'attach',
      scope: 'live',
      supported: false,
      reason: 'hot-plug of this type of interface is not implemented in libvirt',
      source: 'qemuDomainAttachNetDevice',
    },
    { action: 'attach', scope: 'config', supported: true, source: 'qemuDomainAttachDeviceConfig' },
    { action: 'detach', scope: 'live', supported: true, source: 'qemuDomainDetachPrepNet' },
    { action: 'detach', scope: 'config', supported: true, source: 'qemuDomainDetachDeviceConfig' },
  ],
  updateConfig: true,
  updates: [
    { path: 'link', live: 'yes', source: CHANGE },
    { path: 'source/@bridge', live: 'yes', source: CHANGE },
    { path: 'source/@network', live: 'yes', source: CHANGE },
    { path: 'bandwidth', live: 'yes', where: { '@type': ['bridge', 'network', 'direct', 'ethernet'] }, source: CHANGE },
    { path: 'filterref', live: 'yes', where: { '@type': ['bridge', 'network', 'ethernet'] }, source: CHANGE },
    { path: 'vlan', live: 'yes', where: { 'virtualport/@type': ['openvswitch'] }, since: '3.6.0', source: CHANGE },
    { path: 'vlan', live: 'yes', where: { '@type': ['bridge'] }, since: '11.0.0', source: CHANGE },
    { path: 'coalesce', live: 'yes', since: '3.5.0', source: CHANGE },
    { path: 'port', live: 'yes', where: { '@type': ['bridge', 'network'] }, since: '6.1.0', source: CHANGE },
    { path: '@trustGuestRxFilters', live: 'yes', since: '10.0.0', source: CHANGE },
    { path: '@trustGuestRxFilters', live: 'ignored', source: CHANGE },
    { path: 'ip', live: 'ignored', source: CHANGE },
    { path: 'route', live: 'ignored', source: CHANGE },
    { path: 'teaming', live: 'ignored', source: CHANGE },
    { path: 'downscript', live: 'ignored', source: CHANGE },
  ],
  identity: ['mac/@address', 'alias'],
  abi: [
    'mac/@address',
    'model/@type',
    'mtu/@size',
    'driver/@queues',
    ...VIRTIO_ABI,
    'driver/host',
    'driver/guest',
    'rom',
    'teaming',
  ],
  liveOnly: [
    { path: 'source/@bridge', where: { '@type': ['network'] } },
    { path: 'target/@dev' },
    { path: 'source/@portid' },
    { path: 'backend' },
    { path: 'mac/@currentAddress' },
    { path: 'target/@managed' },
  ],
  bus(leaves) {
    const model = leaves.get('model/@type') ?? 'rtl8139';
    if (model === 'usb-net') return { type: 'usb' };
    const express = ['virtio', 'virtio-non-transitional', 'e1000e', 'igb'];
    return { type: 'pci', slot: express.includes(model) ? 'express' : 'conventional' };
  },
};
