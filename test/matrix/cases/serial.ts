import type { DeviceRequest, DeviceSpecs } from '../../../src/index.js';
import type { KindCase } from '../case.js';
import { bridge, fresh } from '../domain-parts.js';

/** With the first serial port comes the first console, so that ours are others. */
const first: DeviceRequest = { serial: { port: 0, pty: true } };

const attach = (title: string, spec: DeviceSpecs['serial'], domain?: KindCase['domain']): KindCase => ({
  kind: 'serial',
  title,
  host: 'session',
  domain: { devices: [first], ...domain },
  device: () => ({ serial: { id: 'ours', ...spec } }),
});

export const cases: readonly KindCase[] = [
  attach('usb', { port: 5, target: 'usb-serial', pty: true }),
  attach('pci', { port: 5, target: 'pci-serial', null: true }, bridge),
  attach('isa', { port: 3, target: 'isa-serial', pty: true }),
  attach('isa by default', { port: 2, null: true }),
  {
    kind: 'serial',
    title: 'usb into a socket',
    host: 'session',
    domain: { devices: [first] },
    device: (host) => ({
      serial: {
        id: 'ours',
        port: 6,
        target: 'usb-serial',
        unix: { path: `${host.directory}/images/${fresh('serial')}`, mode: 'bind' },
      },
    }),
  },
];
