import type { Device, DomainDocument } from '../document.js';

/**
 * Kinds in the order in which libvirt gives them to QEMU (qemuBuildCommandLine). QEMU fills the transports of virtio-mmio
 * in that order, and no document says which one a device got.
 */
const ORDER = [
  'controller',
  'disk',
  'filesystem',
  'interface',
  'input',
  'video',
  'sound',
  'hostdev',
  'memballoon',
  'rng',
  'vsock',
  'crypto',
];

/** The devices on virtio-mmio that sit on another transport from the next boot on when `device` comes or goes. */
export function movedOnMmio(device: Device, { devices }: DomainDocument): Device[] {
  const at = ({ kind }: Device) => (ORDER.indexOf(kind.element) + ORDER.length + 1) % (ORDER.length + 1);
  const isThere = devices.some(({ identity }) => identity === device.identity);
  const nth = (each: Device) => devices.findIndex(({ identity }) => identity === each.identity);
  const after = (other: Device) => {
    if (at(other) !== at(device)) return at(other) > at(device);
    // One that comes is the last of its kind, but libvirt sorts disks by their target (virDomainDiskInsert).
    if (isThere) return nth(other) > nth(device);
    return device.kind.element === 'disk' && byLength(targetOf(other)) > byLength(targetOf(device));
  };
  return devices.filter(
    (other) => other.address?.type === 'virtio-mmio' && other.identity !== device.identity && after(other),
  );
}

const targetOf = ({ leaves }: Device) => leaves.get('target/@dev') ?? '';
/** `vdz` comes before `vdaa`. */
const byLength = (target: string) => target.padStart(16, ' ');
