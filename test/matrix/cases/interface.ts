import type { DeviceSpecs } from '../../../src/index.js';
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
  card(
    'bridge',
    {
      id: 'net',
      bridge: 'br0',
      mtu: 1400,
      coalesce: { rxMaxFrames: 7 },
      bandwidth: { outbound: { average: 1000, peak: 2000, burst: 4000 } },
      driver: { name: 'qemu', queues: 2, rxQueueSize: 512, guest: { ufo: false } },
    },
    {
      host: 'privileged',
      why: 'a tap device on a bridge',
      updates: [{ set: { link: 'down' } }, { set: { isolated: true } }, { set: { coalesce: { rxMaxFrames: 9 } } }],
    },
  ),
  card(
    'ethernet',
    { ethernet: true, target: 'mytap0', script: '/bin/true', downscript: '/bin/true', sndbuf: 65536 },
    { host: 'privileged', why: 'a tap device' },
  ),
  card('direct', { direct: { dev: 'eth0', mode: 'bridge' } }, { host: 'privileged', why: 'a macvtap device' }),
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
