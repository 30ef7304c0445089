import { specInvalid } from '../values.js';
import { bootableFields, flag, group, integer, list, mac, oneOf, text, VIRTIO_ABI } from './fields.js';
import {
  connectionFields,
  type InterfaceConnectionSpec,
  type VirtualPortSpec,
  type VlanSpec,
  virtualPortField,
  vlanField,
} from './interface-connection.js';
import {
  backendField,
  type InterfaceBackendSpec,
  type InterfaceDriverSpec,
  interfaceDriverFields,
} from './interface-driver.js';
import type { BootableSpec, DeviceKind, UpdateRow } from './kind.js';
import { type RomSpec, romField } from './rom.js';
import { defaultValue, unread } from './rows.js';
import { VIRTIO_MODELS } from './virtio.js';

/** What of `<source>` libvirt reads of which types of interface alone. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  '@network': ['network'],
  '@portgroup': ['network'],
  '@bridge': ['bridge'],
  '@name': ['internal'],
  '@type': ['vhostuser'],
  '@path': ['vhostuser'],
  '@mode': ['direct', 'vhostuser'],
  '@address': ['server', 'client', 'mcast', 'udp'],
  '@port': ['server', 'client', 'mcast', 'udp'],
  local: ['udp'],
};

/** A network card. libvirt: `<interface>`. `network`, `bridge`, `user` … say where it is connected. */
export interface InterfaceSpec extends BootableSpec, InterfaceConnectionSpec {
  /** Port group of a libvirt network. */
  readonly portgroup?: string | undefined;
  /** MAC address. Without one a stable one is made of the domain's UUID and the device's id or address. */
  readonly mac?: string | undefined;
  /** Card model. Default `virtio`; `igb` from libvirt 9.3.0 on. */
  readonly model?:
    | 'virtio'
    | 'virtio-transitional'
    | 'virtio-non-transitional'
    | 'e1000'
    | 'e1000e'
    | 'igb'
    | 'rtl8139'
    | 'vmxnet3'
    | 'usb-net'
    | undefined;
  /** State of the cable. */
  readonly link?: 'up' | 'down' | undefined;
  /** MTU in bytes. */
  readonly mtu?: number | undefined;
  /** Name of the host's end. Names like `vnet0` are libvirt's own and not kept. */
  readonly target?: string | undefined;
  /** `false`: the host's end is there already and libvirt leaves it alone. libvirt 5.7.0 */
  readonly targetManaged?: boolean | undefined;
  readonly driver?: InterfaceDriverSpec | undefined;
  readonly backend?: InterfaceBackendSpec | undefined;
  readonly virtualport?: VirtualPortSpec | undefined;
  readonly vlan?: VlanSpec | undefined;
  /** Name of a network filter. */
  readonly filter?: string | undefined;
  /** Variables of the filter, such as `IP`; a name may stand more than once. */
  readonly filterParameters?: ReadonlyArray<{ readonly name: string; readonly value: string }> | undefined;
  /** Rates in KiB/s, burst in KiB; `floor` is what a network guarantees. */
  readonly bandwidth?:
    | {
        readonly inbound?: (Rates & { readonly floor?: number | undefined }) | undefined;
        readonly outbound?: Rates | undefined;
      }
    | undefined;
  /** The host waits for at most so many frames before it interrupts. */
  readonly coalesce?: { readonly rxMaxFrames?: number | undefined } | undefined;
  /** Pair of cards that one driver in the guest joins: `persistent` stays, `transient` may go for a migration. */
  readonly teaming?:
    | {
        readonly type?: 'persistent' | 'transient' | undefined;
        /** User alias of the persistent card, `ua-…`. */
        readonly persistent?: string | undefined;
      }
    | undefined;
  readonly rom?: RomSpec | undefined;
  /** Index by which the guest's firmware tables name the card (`eno1`). libvirt 7.3.0 */
  readonly acpiIndex?: number | undefined;
  /** Size of the tap's send buffer, in bytes. */
  readonly sndbuf?: number | undefined;
  /** Script that sets up the host's end (ethernet). */
  readonly script?: string | undefined;
  /** Script that takes it down (ethernet). libvirt 5.1.0 */
  readonly downscript?: string | undefined;
  /** Addresses that the guest is given (user). */
  readonly ips?:
    | ReadonlyArray<{
        readonly address: string;
        readonly family?: 'ipv4' | 'ipv6' | undefined;
        readonly prefix?: number | undefined;
      }>
    | undefined;
  /** Ports of the host that lead to the guest (user, with passt). libvirt 9.0.0 */
  readonly portForwards?: readonly PortForwardSpec[] | undefined;
  /** Guests on one bridge that are isolated cannot reach each other. libvirt 6.1.0 */
  readonly isolated?: boolean | undefined;
  readonly trustGuestRxFilters?: boolean | undefined;
}

/** Rates in KiB/s, burst in KiB. */
interface Rates {
  readonly average?: number | undefined;
  readonly peak?: number | undefined;
  readonly burst?: number | undefined;
}

/** libvirt: `<portForward>`. Without ranges: all ports. */
export interface PortForwardSpec {
  readonly proto: 'tcp' | 'udp';
  /** Only on this address of the host. */
  readonly address?: string | undefined;
  /** Only on this interface of the host. */
  readonly dev?: string | undefined;
  readonly ranges?:
    | ReadonlyArray<{
        readonly start: number;
        /** Last port; the same as `start` when left out. */
        readonly end?: number | undefined;
        /** First port in the guest; the same as `start` when left out. */
        readonly to?: number | undefined;
        /** Not these. */
        readonly exclude?: boolean | undefined;
      }>
    | undefined;
}

const CHANGE = 'qemuDomainChangeNet';
const rate = (place: string) => integer(`bandwidth/${place}`, { min: 1 });
const rates = (direction: string) => ({
  average: rate(`${direction}/@average`),
  peak: rate(`${direction}/@peak`),
  burst: rate(`${direction}/@burst`),
});
const QUEUE_SIZES = [
  ['driver.rxQueueSize', 'driver/@rx_queue_size'],
  ['driver.txQueueSize', 'driver/@tx_queue_size'],
] as const;
const port = (name: string) => integer(name, { min: 1, max: 65535 });
const CONNECTIONS = Object.keys(connectionFields) as Array<keyof InterfaceConnectionSpec>;
/** Types of which something can be changed at all while the guest runs. */
const CHANGEABLE = { '@type': ['network', 'bridge', 'ethernet', 'direct', 'user', 'mcast', 'client', 'server', 'udp'] };
const updateRows = (live: UpdateRow['live'], paths: readonly string[]): UpdateRow[] =>
  paths.map((path) => ({ path, live, source: CHANGE }));
const hotpluggable = ['bridge', 'network', 'direct', 'ethernet', 'vhostuser', 'user', 'vdpa', 'hostdev'];

/** What libvirt reads for virtio cards only. */
const VIRTIO_ONLY =
  /^(driver\/(@(name|txmode|ioeventfd|event_idx|queues|rx_queue_size|tx_queue_size|rss|rss_hash_report)$|host\/|guest\/)|backend\/@vhost$)/;

export const networkInterface: DeviceKind<InterfaceSpec> = {
  element: 'interface',
  plural: 'interfaces',
  fields: {
    ...bootableFields,
    ...connectionFields,
    portgroup: text('source/@portgroup'),
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
      'usb-net',
    ]),
    link: oneOf('link/@state', ['up', 'down']),
    mtu: integer('mtu/@size', { min: 68, max: 65535 }),
    target: text('target/@dev', { pattern: /^[^\s/]{1,15}$/, expected: 'an interface name of at most 15 characters' }),
    targetManaged: flag('target/@managed'),
    driver: group<InterfaceDriverSpec>(interfaceDriverFields),
    backend: backendField,
    virtualport: virtualPortField,
    vlan: vlanField,
    filter: text('filterref/@filter'),
    filterParameters: list('filterref/parameter', { name: text('@name'), value: text('@value') }),
    bandwidth: group({
      inbound: group({ ...rates('inbound'), floor: rate('inbound/@floor') }),
      outbound: group(rates('outbound')),
    }),
    coalesce: group({ rxMaxFrames: integer('coalesce/rx/frames/@max', { max: 0xffffffff }) }),
    teaming: group({
      type: oneOf('teaming/@type', ['persistent', 'transient']),
      persistent: text('teaming/@persistent'),
    }),
    rom: romField,
    acpiIndex: integer('acpi/@index', { min: 1, max: 16383 }),
    sndbuf: integer('tune/sndbuf', { max: 0xffffffff }),
    script: text('script/@path'),
    downscript: text('downscript/@path'),
    ips: list('ip', {
      address: text('@address'),
      family: oneOf('@family', ['ipv4', 'ipv6']),
      prefix: integer('@prefix', { max: 128 }),
    }),
    portForwards: list<PortForwardSpec>('portForward', {
      proto: oneOf('@proto', ['tcp', 'udp']),
      address: text('@address'),
      dev: text('@dev'),
      ranges: list('range', { start: port('@start'), end: port('@end'), to: port('@to'), exclude: flag('@exclude') }),
    }),
    isolated: flag('port/@isolated'),
    trustGuestRxFilters: flag('@trustGuestRxFilters'),
  },
  exclusive: [CONNECTIONS],
  defaults: [['model/@type', 'virtio']],
  check(leaves, where) {
    if (!leaves.has('@type'))
      throw specInvalid(where, 'the interface is connected to nothing', `Give one of ${CONNECTIONS.join(', ')}`);
    for (const [field, path] of QUEUE_SIZES) {
      const size = Number(leaves.get(path) ?? 256);
      if (!Number.isInteger(Math.log2(size))) throw specInvalid(`${where}.${field}`, `${size} is not a power of two`);
    }
    if (leaves.has('filterref/parameter/@name') && !leaves.has('filterref/@filter'))
      throw specInvalid(`${where}.filterParameters`, 'there is no filter that they are for', 'Give filter, too');
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
    { path: 'link', live: 'yes', where: CHANGEABLE, source: CHANGE },
    { path: 'source/@bridge', live: 'yes', where: { '@type': ['bridge'] }, source: CHANGE },
    { path: 'source/@network', live: 'yes', where: { '@type': ['network'] }, source: CHANGE },
    { path: 'source/@portgroup', live: 'refused', since: '11.3.0', source: CHANGE },
    { path: 'source/@portgroup', live: 'ignored', source: CHANGE },
    { path: 'bandwidth', live: 'yes', where: { '@type': ['bridge', 'network', 'direct', 'ethernet'] }, source: CHANGE },
    { path: 'filterref', live: 'yes', where: { '@type': ['bridge', 'network', 'ethernet'] }, source: CHANGE },
    { path: 'vlan', live: 'yes', where: { 'virtualport/@type': ['openvswitch'] }, since: '3.6.0', source: CHANGE },
    { path: 'vlan', live: 'yes', where: { '@type': ['bridge'] }, since: '11.0.0', source: CHANGE },
    {
      path: 'coalesce',
      live: 'yes',
      where: { '@type': ['bridge', 'network', 'direct', 'ethernet'] },
      since: '3.5.0',
      source: CHANGE,
    },
    { path: 'port', live: 'yes', where: { '@type': ['bridge', 'network'] }, since: '6.1.0', source: CHANGE },
    { path: '@trustGuestRxFilters', live: 'yes', where: CHANGEABLE, since: '10.0.0', source: CHANGE },
    { path: '@trustGuestRxFilters', live: 'ignored', where: CHANGEABLE, source: CHANGE },
    { path: 'backend', live: 'refused', since: '11.3.0', source: CHANGE },
    ...updateRows('ignored', [
      'backend',
      'ip',
      'route',
      'portForward',
      'teaming',
      'downscript',
      'mac/@type',
      'mac/@check',
    ]),
    ...updateRows('refused', ['@type', 'source', 'virtualport', 'vlan', 'model', 'mtu', 'driver', 'target', 'rom']),
    ...updateRows('refused', ['acpi', 'tune', 'script', 'boot', 'link', 'bandwidth', 'filterref', 'coalesce', 'port']),
  ],
  identity: ['mac/@address', 'alias'],
  abi: [
    'mac/@address',
    'model/@type',
    'mtu/@size',
    'driver/@queues',
    'driver/@rx_queue_size',
    'driver/@tx_queue_size',
    'driver/@event_idx',
    'driver/@rss',
    'driver/@rss_hash_report',
    ...VIRTIO_ABI,
    'driver/host',
    'driver/guest',
    'rom',
    'teaming',
  ],
  liveOnly: [
    { path: 'source/@bridge', where: { '@type': ['network'] } },
    { path: 'target/@dev', persistable: true },
    { path: 'source/@portid' },
    { path: 'mac/@currentAddress' },
    { path: 'target/@managed', persistable: true },
  ],
  unordered: [{ path: 'filterref/parameter', source: 'virNWFilterFormatParamAttributes: sorted by name' }],
  normal: [
    {
      path: 'target/@dev',
      asked: /^(vnet|macvtap|macvlan)\d/,
      there: 'nothing',
      source: 'virDomainNetDefParseXML: a name that libvirt made',
    },
    ...unread(
      'virDomainNetDefParseXMLDriver: only virtio cards have such a driver',
      [VIRTIO_ONLY],
      {
        'model/@type': VIRTIO_MODELS,
      },
      { '@type': ['hostdev'] },
    ),
    {
      path: VIRTIO_ONLY,
      where: { 'model/@type': [''] },
      there: 'nothing',
      source: 'virDomainNetDefParseXMLDriver: read before a model is chosen',
    },
    ...defaultValue('virDomainHostdevDefFormat', { '@managed': /^no$/ }),
    ...Object.entries(SOURCES).flatMap(([path, types]) =>
      unread('virDomainNetDefParseXML', [`source/${path}`], { '@type': types }),
    ),
    ...unread('virDomainActualNetDefParseXML: of a running guest', ['source/@macTableManager']),
    ...unread('virDomainHostdevDefFormat: as libvirt found the device at the start', ['source/@missing']),
    ...unread('virDomainHostdevSubsysPCIDefFormat: an address of the host', ['source/address/@multifunction']),
    ...unread('virDomainNetDefParseXML', ['filterref'], { '@type': ['ethernet', 'network', 'bridge'] }),
    ...unread('virNetDevBandwidthFormat: only what comes in has a floor', ['bandwidth/outbound/@floor']),
    ...unread('virNetDevBandwidthFormat: only a network guarantees one', ['bandwidth/inbound/@floor'], {
      '@type': ['network'],
    }),
    ...unread(
      'virDomainNetDefFormat',
      ['source/@dev'],
      { '@type': ['direct', 'vdpa'] },
      { 'backend/@type': ['passt'] },
    ),
    { path: 'driver/@queues', asked: /^[01]$/, there: 'nothing', source: 'virDomainNetDriverAttributesFormat' },
    {
      path: /^bandwidth\/(in|out)bound\/@(average|peak|burst|floor)$/,
      asked: /^0+$/,
      there: 'nothing',
      source: 'virNetDevBandwidthRateFormat',
    },
    {
      path: /^ip(\[\d+\])?\/@family$/,
      asked: /^(?!ipv[46]$)/,
      there: 'nothing',
      source: 'virDomainNetIPParseXML: it takes no other word for one',
    },
    { path: 'vlan/@trunk', asked: /^no$/, there: 'nothing', source: 'virNetDevVlanFormat' },
    { path: 'mtu/@size', asked: /^0+$/, there: 'nothing', source: 'virDomainNetDefFormat' },
    { path: 'coalesce/rx/frames/@max', asked: /^0$/, there: 'nothing', source: 'virDomainNetDefCoalesceFormatXML' },
    { path: 'coalesce', asked: /^\s*$/, there: 'nothing', source: 'virDomainNetDefCoalesceFormatXML' },
  ],
  bus(leaves) {
    const named = leaves.get('model/@type');
    const model = named ?? 'rtl8139';
    if (model === 'usb-net') return { type: 'usb' };
    const express = ['virtio', 'virtio-non-transitional', 'e1000e', 'igb'];
    const slot = express.includes(model) ? 'express' : 'conventional';
    // Where virtio is not on PCI, a NIC without a model is a virtio one (qemuDomainDefaultNetModel).
    return { type: 'pci', slot, ...((named ?? 'virtio') === 'virtio' ? { virtio: true } : {}) };
  },
};
