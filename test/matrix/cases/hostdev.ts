import type { DeviceSpecs } from '../../../src/index.js';
import type { KindCase } from '../case.js';

const of = (title: string, spec: DeviceSpecs['hostdev']): KindCase => ({
  kind: 'hostdev',
  title,
  host: 'none',
  why: 'needs a device of the host to hand over',
  device: () => ({ hostdev: spec }),
});

export const cases: readonly KindCase[] = [
  of('pci', { id: 'gpu', pci: '0000:06:00.0', managed: true, rom: { bar: false }, boot: 3, acpiIndex: 5 }),
  of('usb by vendor and product', { usb: { vendor: '0x1234', product: '0xbeef', startupPolicy: 'optional' } }),
  of('usb by place', { usb: { bus: 1, device: 2, guestReset: 'off' } }),
  of('scsi', {
    scsi: { adapter: 'scsi_host0', bus: 0, target: 0, unit: 0 },
    readonly: true,
    shareable: true,
    rawio: true,
    managed: false,
  }),
  of('iscsi', {
    iscsi: {
      name: 'iqn.2016-02.org.example:data/1',
      host: 'san',
      port: 3260,
      initiator: 'iqn.2016-02.org.example:client',
      auth: { username: 'me', secret: { usage: 'san' } },
    },
  }),
  of('scsi_host', { scsiHost: { wwpn: 'naa.5123456789abcde0', model: 'virtio-non-transitional' } }),
  of('mdev', { mdev: { uuid: '6e2f5a5c-1f0c-4f43-8a59-0e6a7f4ad001', model: 'vfio-pci', display: false } }),
];
