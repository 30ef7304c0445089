import { select } from '../xml/index.js';
import type { Device, DomainDocument } from './document.js';

const DEVICES: Readonly<Record<string, string>> = { hd: 'disk', cdrom: 'cdrom', fd: 'floppy' };

/** The words of `<os><boot>`, in order. */
export function bootWords({ root }: DomainDocument): string[] {
  return select(root, 'os/boot').flatMap((boot) => boot.getAttribute('dev') ?? []);
}

/** The devices that such words mean, in order: the first of each kind, as libvirt itself reads them. */
export function devicesToBoot({ devices }: DomainDocument, words: readonly string[]): Device[] {
  return [...new Set(words)].flatMap((word) => {
    const found = devices.find(({ kind, leaves }) => {
      if (word === 'network') return kind.element === 'interface';
      return kind.element === 'disk' && (leaves.get('@device') ?? 'disk') === DEVICES[word];
    });
    return found ?? [];
  });
}
