import type { DeviceRequest, DeviceSpecs } from '../../../src/index.js';
import type { KindCase } from '../case.js';
import { fresh, virtioSerial } from '../domain-parts.js';

const attach = (title: string, spec: DeviceSpecs['channel'], devices: readonly DeviceRequest[] = []): KindCase => ({
  kind: 'channel',
  title,
  host: 'session',
  domain: { devices: [virtioSerial, ...devices] },
  device: () => ({ channel: { id: 'ours', ...spec } }),
});

export const cases: readonly KindCase[] = [
  attach('pty', { name: 'org.example.pty.0', pty: true }),
  attach('socket of libvirt’s choice', { name: 'org.qemu.guest_agent.0', unix: {} }),
  attach('null', { name: 'org.example.null.0', null: true }),
  attach('tcp', {
    name: 'org.example.tcp.0',
    tcp: { host: '127.0.0.1', port: 9, reconnect: { enabled: true, timeout: 60_000 } },
  }),
  attach('udp', { name: 'org.example.udp.0', udp: { connect: { host: '127.0.0.1', port: 9 } } }),
  attach('SPICE agent', { spicevmc: true }, [{ graphics: { type: 'spice', autoport: true } }]),
  attach('SPICE port', { name: 'org.example.port.0', spiceport: 'org.example.port' }, [
    { graphics: { type: 'spice', autoport: true } },
  ]),
  attach('QEMU’s SPICE agent', {
    name: 'com.redhat.spice.0',
    qemuVdagent: { clipboard: true, mouse: 'client' },
  }),
  {
    kind: 'channel',
    title: 'file with a log',
    host: 'session',
    holds: true,
    domain: { devices: [virtioSerial] },
    device: (host) => ({
      channel: {
        id: 'ours',
        name: 'org.example.file.0',
        file: `${host.directory}/images/${fresh('channel')}`,
        append: true,
        log: { file: `${host.directory}/images/${fresh('log')}`, append: true },
      },
    }),
  },
  {
    kind: 'channel',
    title: 'socket of one’s own',
    host: 'session',
    domain: { devices: [virtioSerial] },
    device: (host) => ({
      channel: {
        id: 'ours',
        name: 'org.example.unix.0',
        unix: { path: `${host.directory}/images/${fresh('socket')}`, mode: 'bind' },
      },
    }),
  },
  {
    kind: 'channel',
    title: 'without a controller',
    host: 'session',
    device: () => ({ channel: { id: 'ours', name: 'org.example.alone.0', pty: true } }),
  },
  {
    kind: 'channel',
    title: 'guestfwd',
    host: 'session',
    device: () => ({ channel: { id: 'ours', guestfwd: { address: '10.0.2.9', port: 4600 }, null: true } }),
  },
  {
    kind: 'channel',
    title: 'dbus',
    host: 'none',
    why: 'needs a D-Bus display, which a private host does not have',
    device: () => ({ channel: { name: 'org.example.dbus.0', dbus: 'org.example.dbus' } }),
  },
];
