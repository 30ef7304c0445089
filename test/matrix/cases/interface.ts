import type { DeviceSpecs } from '../../../src/index.js';
import type { FieldChanges } from '../../../src/plan/index.js';
import type { PrivateHost } from '../../../src/testing/index.js';
import type { KindCase } from '../case.js';

type InterfaceSpec = DeviceSpecs['interface'];

const card = (title: string, spec: InterfaceSpec, more: Partial<KindCase> = {}): KindCase => ({
  kind: 'interface',
  title,
  host: 'session',
  device: () => ({ interface: { mac: '52:54:00:00:00:42', ...spec } }),
  ...more,
});
const elsewhere = { host: 'none', why: 'needs a device or a switch that a private host does not have' } as const;

/** A card that needs something prepared in the network of a privileged host. */
const privileged = (
  title: string,
  why: string,
  prepare: (host: PrivateHost) => Promise<void>,
  spec: InterfaceSpec,
  updates: ReadonlyArray<FieldChanges<InterfaceSpec>>,
): KindCase =>
  card(title, spec, {
    host: 'privileged',
    why,
    device: async (host) => {
      await prepare(host);
      return { interface: { mac: '52:54:00:00:00:42', ...spec } };
    },
    updates: updates.map((set) => ({ set })),
  });

export const cases: readonly KindCase[] = [
  card(
    'user',
    { id: 'net', user: true, link: 'up', driver: { rss: false, host: { tso4: false } } },
    {
      updates: [
        { set: { link: 'down' } },
        { set: { boot: 9 } },
        { set: { model: 'e1000e' } },
        { set: { trustGuestRxFilters: true } },
        { set: { rom: { enabled: false } } },
        { set: { ips: [{ address: '10.0.9.1', family: 'ipv4', prefix: 24 }] } },
      ],
    },
  ),
  card('e1000e', { id: 'net', user: true, model: 'e1000e', rom: { enabled: false }, acpiIndex: 7, boot: 5 }),
  card('rtl8139, a conventional PCI card', { user: true, model: 'rtl8139' }),
  card('usb-net', { user: true, model: 'usb-net' }),
  card('user with addresses', { user: true, ips: [{ address: '10.0.9.1', family: 'ipv4', prefix: 24 }] }),
  {
    kind: 'interface',
    title: 'multicast',
    host: 'session',
    device: () =>
      "<interface type='mcast'><mac address='52:54:00:00:00:43'/><source address='230.0.0.1' port='5558'/><model type='virtio'/></interface>",
  },
  privileged(
    'bridge',
    'a tap device on a bridge',
    async (host) => {
      for (const name of ['br0', 'br1']) await host.createBridge(name);
    },
    {
      id: 'net',
      bridge: 'br0',
      mtu: 1400,
      driver: { name: 'qemu', queues: 2, rxQueueSize: 512, guest: { ufo: false } },
    },
    [
      { link: 'down' },
      { bridge: 'br1' },
      { isolated: true },
      { coalesce: { rxMaxFrames: 9 } },
      { mtu: 1300 },
      { driver: { queues: 4 } },
    ],
  ),
  privileged(
    'ethernet',
    'a tap device',
    async () => {},
    { id: 'net', ethernet: true, target: 'mytap0', sndbuf: 65536 },
    [{ link: 'down' }, { target: 'mytap1' }],
  ),
  card(
    'direct',
    { direct: { dev: 'eth0', mode: 'bridge' } },
    { host: 'none', why: 'macvtap needs device nodes that udev makes in /dev' },
  ),
  card(
    'network with a filter',
    {
      network: 'default',
      portgroup: 'sales',
      filter: 'clean-traffic',
      filterParameters: [
        { name: 'IP', value: '10.0.0.1' },
        { name: 'IP', value: '10.0.0.2' },
      ],
      bandwidth: { inbound: { average: 1000, floor: 500 } },
    },
    elsewhere,
  ),
  card(
    'Open vSwitch',
    {
      bridge: 'ovsbr0',
      virtualport: { type: 'openvswitch', interfaceId: '6e2f5a5c-1f0c-4f43-8a59-0e6a7f4ad009', profileId: 'p' },
      vlan: { trunk: true, tags: [{ id: 42, nativeMode: 'untagged' }, { id: 47 }] },
    },
    elsewhere,
  ),
  card('hostdev', { hostdev: { host: '0000:06:00.0', managed: true }, driver: { name: 'vfio' } }, elsewhere),
  card(
    'vhost-user',
    { vhostUser: { socket: '/run/switch.sock', mode: 'client', reconnect: { enabled: true, timeout: 5000 } } },
    elsewhere,
  ),
  card('vdpa', { vdpa: '/dev/vhost-vdpa-0' }, elsewhere),
  card(
    'passt',
    {
      user: true,
      backend: { type: 'passt', logFile: '/tmp/passt.log' },
      portForwards: [
        {
          proto: 'tcp',
          address: '127.0.0.1',
          ranges: [
            { start: 2022, to: 22 },
            { start: 80, end: 90, exclude: true },
          ],
        },
        { proto: 'udp' },
      ],
    },
    elsewhere,
  ),
];
