import type { Device } from '../domain/index.js';
import { type Draft, duplicate } from './draft.js';
import { holderOfImage, unsaidFormat } from './images.js';

/**
 * `DEVICE_DUPLICATE` for a disk whose image another has, of either document or of the plan, when not both may share it. Of a
 * disk that the plan updates, what it changes to counts.
 */
export function assertImageIsFree(draft: Draft, disk: Device, path: string): void {
  const { canonical, live } = draft.context;
  const gone = new Set(draft.detached.map(({ device }) => device.identity));
  const there = [...canonical.devices, ...(live?.devices ?? [])].filter(({ identity }) => !gone.has(identity));
  const others = [
    ...there.map((other) => draft.resourced.get(other.identity)?.device ?? other),
    ...draft.attached.map(({ device }) => device),
  ].filter(({ identity }) => identity !== disk.identity);
  const holder = holderOfImage(disk, others);
  if (!holder) return;
  const remedy = 'Two disks write over each other; say shareable of both if they may';
  throw duplicate(path, 'its image', holder.identity, remedy);
}

/** The same for all disks whose source the plan updates, once all are known: two may change their images for each other's. */
export function assertImagesAreFree(draft: Draft): void {
  for (const { device, path } of draft.resourced.values()) assertImageIsFree(draft, device, path);
}

/** Says of an image that it is read as raw unasked. The guest may have a raw one under any name: it is for the caller to judge. */
export function noteUnsaidFormat(draft: Draft, disk: Device, before?: Device): void {
  const unsaid = unsaidFormat(disk, before);
  if (unsaid) draft.notes.push(`${disk.identity}: ${unsaid.reason}. ${unsaid.remedy}`);
}
