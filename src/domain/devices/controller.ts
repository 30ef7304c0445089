import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A bus controller. libvirt: `<controller>`. */
export type ControllerSpec = DeviceSpecBase;

/** A bus controller. libvirt: `<controller>`. Known by type and index; PCI controllers exist only from the next start on. */
export const controller = xmlOnly('controller', {
  names: (leaves) => [`${leaves.get('@type')}${leaves.get('@index') ?? ''}`],
  support: [
    {
      action: 'attach',
      scope: 'live',
      where: { '@type': ['scsi'] },
      supported: true,
      source: 'qemuDomainAttachControllerDevice',
    },
    {
      action: 'attach',
      scope: 'live',
      supported: false,
      reason: 'only scsi controllers can be hot-plugged',
      source: 'qemuDomainAttachControllerDevice',
    },
    { action: 'attach', scope: 'config', supported: true, source: 'qemuDomainAttachDeviceConfig' },
    {
      action: 'detach',
      scope: 'live',
      where: { '@type': ['scsi'] },
      supported: true,
      source: 'qemuDomainDetachPrepController',
    },
    {
      action: 'detach',
      scope: 'live',
      supported: false,
      reason: 'only scsi controllers can be hot-unplugged',
      source: 'qemuDomainDetachPrepController',
    },
    {
      action: 'detach',
      scope: 'config',
      where: { '@type': ['pci'], '@model': ['pcie-root', 'pci-root'] },
      supported: false,
      reason: 'libvirt puts this controller back by itself',
      source: 'qemuDomainDefAddDefaultDevices',
    },
    {
      action: 'detach',
      scope: 'config',
      where: { '@type': ['usb', 'sata', 'ide'], '@index': ['0'] },
      supported: false,
      reason: 'libvirt puts this controller back by itself',
      source: 'qemuDomainDefAddDefaultDevices',
    },
    { action: 'detach', scope: 'config', supported: true, source: 'qemuDomainDetachDeviceConfig' },
  ],
  abi: ['@type', '@index', '@model', '@ports', '@vectors', 'model/@name', 'target', 'driver'],
  bus(leaves) {
    const type = leaves.get('@type');
    if (type === 'scsi')
      return {
        type: 'pci',
        slot: (leaves.get('@model') ?? 'lsilogic').startsWith('virtio') ? 'express' : 'conventional',
      };
    if (type === 'virtio-serial') return { type: 'pci', slot: 'express' };
    if (type === 'usb')
      return { type: 'pci', slot: (leaves.get('@model') ?? 'qemu-xhci').endsWith('xhci') ? 'express' : 'conventional' };
    return undefined;
  },
});
