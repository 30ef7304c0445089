import type { DeviceSpecs } from '../../../src/index.js';
import type { KindCase } from '../case.js';

const of = (title: string, spec: DeviceSpecs['controller'], more: Partial<KindCase> = {}): KindCase => ({
  kind: 'controller',
  title,
  host: 'session',
  device: () => ({ controller: spec }),
  ...more,
});
const rootPort = { id: 'port', type: 'pci', model: 'pcie-root-port' } as const;

export const cases: readonly KindCase[] = [
  of('virtio-scsi', { id: 'bus', type: 'scsi', index: 1, model: 'virtio-scsi', driver: { queues: 2, cmdPerLun: 64 } }),
  of(
    'virtio-scsi with an I/O thread',
    { type: 'scsi', index: 1, model: 'virtio-scsi', driver: { iothread: 1, maxSectors: 128, ioeventfd: true } },
    { domain: { xml: (xml) => xml.replace('<os>', '<iothreads>1</iothreads><os>') } },
  ),
  of('lsilogic, a conventional PCI card', { type: 'scsi', index: 1, model: 'lsilogic' }),
  of('virtio-serial', { type: 'virtio-serial', index: 1, ports: 16, vectors: 4 }),
  of('a second xHCI', { type: 'usb', index: 1, model: 'qemu-xhci', ports: 8 }),
  of('sata', { type: 'sata', index: 1 }),
  of('ccid', { type: 'ccid', index: 0 }),
  of('a root port without its details', rootPort),
  of('a root port with all details', {
    ...rootPort,
    modelName: 'pcie-root-port',
    target: { chassis: 30, port: 0x40, hotplug: true },
  }),
  of('a bridge for conventional PCI cards', {
    id: 'bridge',
    type: 'pci',
    model: 'pcie-to-pci-bridge',
    modelName: 'pcie-pci-bridge',
  }),
  of('a bridge without its details', { id: 'bridge', type: 'pci', model: 'pcie-to-pci-bridge' }),
  of('a pci-bridge without its chassis', { type: 'pci', model: 'pci-bridge', modelName: 'pci-bridge' }),
  of('an expander bus without its number', { type: 'pci', model: 'pcie-expander-bus', modelName: 'pxb-pcie' }),
  of('a switch port without its numbers', {
    type: 'pci',
    model: 'pcie-switch-downstream-port',
    modelName: 'xio3130-downstream',
  }),
];
