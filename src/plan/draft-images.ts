import type { Device } from '../domain/index.js';
import { type Draft, duplicate } from './draft.js';
import { holderOfImage, unsaidFormat } from './images.js';

/**
 * `DEVICE_DUPLICATE` for a disk whose image another has, of either document or of the plan, when not both may share it. Of a
 * disk that the plan updates, what it changes to counts.
 */
export function refuseImageOfAnother(draft: Draft, disk: Device, path: string): void {
  const { canonical, live } = draft.context;
  const gone = new Set(draft.detached.map(({ device }) => device.identity));
  const there = [...canonical.devices, ...(live?.devices ?? [])].filter(({ identity }) => !gone.has(identity));
  const others = [
    ...there.map((other) => draft.updated.get(other.identity) ?? other),
    ...draft.attached.map(({ device }) => device),
  ].filter(({ identity }) => identity !== disk.identity);
  const holder = holderOfImage(disk, others);
  if (!holder) return;
  const remedy = 'Two disks write over each other; say shareable of both if they may';
  throw duplicate(path, 'its image', holder.identity, remedy);
}

/**
 * Says no to an image whose name says that it is not raw, and notes one of which nobody knows. An update that keeps the
 * format of `before` cannot say that it means to: there it is a note. True when it is refused.
 */
export function refuseUnsaidFormat(draft: Draft, disk: Device, path: string, before?: Device): boolean {
  const unsaid = unsaidFormat(disk, before);
  if (!unsaid) return false;
  const { reason, remedy } = unsaid;
  const refused = unsaid.isWrong && !before;
  if (refused) draft.refuse(disk.identity, path, reason, remedy);
  else draft.notes.push(`${disk.identity}: ${reason}. ${remedy}`);
  return refused;
}
