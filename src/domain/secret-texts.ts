import { select, under } from '../xml/index.js';
import type { DomainDocument } from './document.js';
import { HIDDEN } from './operation.js';

/**
 * Texts outside the devices that a caller may keep a secret in, and that stand in QEMU's command line as they are: what
 * fw_cfg and SMBIOS hand to the guest (cloud-init, systemd credentials), and arguments of the caller's own.
 */
const FREE_TEXTS = [
  'sysinfo/entry',
  'sysinfo/oemStrings/entry',
  "*[local-name()='commandline']/*[local-name()='arg']/@value",
  "*[local-name()='commandline']/*[local-name()='env']/@value",
];

/** A function that replaces in a text whatever may be a secret of this domain, as QEMU and libvirt quote it, by a word. */
export function secretsHidden({ root, devices }: DomainDocument): (text: string) => string {
  const own = devices.flatMap(({ kind, leaves }) =>
    [...leaves].filter(([path]) => kind.secret?.some((each) => under(path, each))).map(([, value]) => value),
  );
  const free = FREE_TEXTS.flatMap((path) => select(root, path)).map((node) => node.nodeValue ?? node.textContent ?? '');
  // The name of an option is none, and says what is wrong with its value.
  const secrets = [...own, ...free].map((text) => text.trim()).filter((text) => text !== '' && !/^-[\w-]*$/.test(text));
  if (secrets.length === 0) return (text) => text;
  // The longest first: one may be a part of another.
  const quoted = secrets
    .flatMap((text) => [text, ...partsOf(text)])
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const pattern = new RegExp(`(?<!\\w)(?:${quoted.join('|')})(?!\\w)`, 'g');
  return (text) => text.replaceAll(pattern, HIDDEN);
}

/** QEMU takes a value apart at its commas, doubled where libvirt escapes them, and quotes the part that it does not like. */
function partsOf(text: string): string[] {
  const parts = text.split(',').map((part) => part.slice(part.indexOf('=') + 1).trim());
  return [text.replaceAll(',', ',,'), ...parts.filter(({ length }) => length >= SHORTEST_PART)];
}

/** `on`, `off` and small numbers say nothing, and would be hidden wherever they stand. */
const SHORTEST_PART = 4;
