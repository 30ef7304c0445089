import { bootWords, devicesToBoot } from '../domain/index.js';
import { removeAll, setAt } from '../xml/index.js';
import type { Draft } from './additions.js';

const WHY =
  '<os><boot> would keep every device from having an order of its own, so what it says is written to the devices';

/**
 * `<os><boot>` would shut out per-device boot order for good, and so would having none at all: what it says is written to
 * the devices it means.
 */
export function bootOrderPerDevice(draft: Draft): void {
  const { root, document } = draft;
  const words = bootWords(document);
  removeAll(root, 'os/boot');
  if (words.length > 0) draft.say('os/boot', `removed: ${words.join(', ')}`, WHY);
  if (document.devices.some((device) => device.leaves.has('boot/@order'))) return;
  // Without a word from the caller one order is enough to keep <os><boot> out.
  const wanted =
    words.length > 0 ? devicesToBoot(document, words) : devicesToBoot(document, ['hd', 'cdrom', 'network']).slice(0, 1);
  const why = words.length > 0 ? WHY : 'without any order libvirt would write <os><boot>';
  for (const [index, device] of wanted.entries()) {
    setAt(device.element, 'boot/@order', String(index + 1));
    draft.say(`${device.identity}: boot/@order`, String(index + 1), why);
  }
}
