import { setAt, valueAt } from '../xml/index.js';
import type { Draft } from './additions.js';

const WHY =
  '<os><boot> would keep every device from having an order of its own, so what it says is written to the devices';

/**
 * `<os><boot>` would shut out per-device boot order for good, and so would having none at all: what it says is written to
 * the devices it means, the first of each kind, as libvirt itself reads it.
 */
export function bootOrderPerDevice(draft: Draft): void {
  const { root, devices } = draft.document;
  const words: string[] = [];
  for (let word = valueAt(root, 'os/boot/@dev'); word !== undefined; word = valueAt(root, 'os/boot/@dev')) {
    words.push(word);
    setAt(root, 'os/boot', undefined);
  }
  if (words.length > 0) draft.say('os/boot', `removed: ${words.join(', ')}`, WHY);
  if (devices.some((device) => device.leaves.has('boot/@order'))) return;
  const bootable = (word: string) =>
    devices.find(({ kind, leaves }) => {
      const device = leaves.get('@device') ?? 'disk';
      if (word === 'network') return kind.element === 'interface';
      return kind.element === 'disk' && device === { hd: 'disk', cdrom: 'cdrom', fd: 'floppy' }[word];
    });
  const wanted = [...new Set(words.length > 0 ? words : ['hd', 'cdrom', 'network'])]
    .map(bootable)
    .filter((device) => device !== undefined);
  // Without a word from the caller one order is enough to keep <os><boot> out.
  const why = words.length > 0 ? WHY : 'without any order libvirt would write <os><boot>';
  for (const [index, device] of (words.length > 0 ? wanted : wanted.slice(0, 1)).entries()) {
    setAt(device.element, 'boot/@order', String(index + 1));
    draft.say(`${device.identity}: boot/@order`, String(index + 1), why);
  }
}
