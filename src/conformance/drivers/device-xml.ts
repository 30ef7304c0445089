import type { KitDevice, KitDisk, KitInterface } from '../protocol.js';

/** A device as one writes it by hand, without an address: libvirt chooses it. */
export function deviceXml(device: KitDevice): string {
  return 'disk' in device ? diskXml(device.disk) : interfaceXml(device.interface);
}

export function diskXml({ target, file, format, serial, boot }: KitDisk): string {
  return [
    `<disk type='file' device='disk'><driver name='qemu' type='${format}'/><source file='${file}'/>`,
    `<target dev='${target}' bus='virtio'/>`,
    boot === undefined ? '' : `<boot order='${boot}'/>`,
    `<serial>${serial}</serial></disk>`,
  ].join('');
}

// Without its option ROM: loading iPXE takes an emulated BIOS long, and the guest boots from a kernel anyway.
export function interfaceXml({ mac }: KitInterface): string {
  return `<interface type='user'><mac address='${mac}'/><model type='virtio'/><rom enabled='no'/></interface>`;
}
