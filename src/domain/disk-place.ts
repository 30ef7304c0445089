import type { Device } from './document.js';

/** Where the data of a disk is, as one text. */
export function diskPlace({ leaves }: Device): string | undefined {
  const of = (path: string) => leaves.get(`source/@${path}`);
  const [pool, volume, protocol] = [of('pool'), of('volume'), of('protocol')];
  if (pool !== undefined) return `${pool}/${volume ?? ''}`;
  if (protocol !== undefined) return `${protocol}:${of('name') ?? ''}`;
  return of('file') ?? of('dev') ?? of('dir') ?? (leaves.get('@type') === 'nvme' ? 'nvme' : leaves.get('source/@path'));
}

/** Whether libvirt copies it when it is asked to copy all: what the guest writes, and what is no shared device. */
export function isWrittenDisk(device: Device): boolean {
  const { leaves } = device;
  return (
    diskPlace(device) !== undefined &&
    !leaves.has('readonly') &&
    !leaves.has('shareable') &&
    leaves.get('@device') !== 'cdrom' &&
    leaves.get('@device') !== 'floppy'
  );
}
