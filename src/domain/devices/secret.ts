import { type Leaves, under } from '../../xml/index.js';
import type { DeviceKind } from './kind.js';

/** Whose value it is: a device's, by its kind, or the domain's, outside its devices. */
export type SecretOwner = Pick<DeviceKind, 'secret'> | 'domain';

/**
 * Texts outside the devices that a caller may keep a secret in: what fw_cfg and SMBIOS hand to the guest (cloud-init,
 * systemd credentials), and arguments of the caller's own. libvirt shows them to every reader, with SECURE or without.
 */
const FREE_TEXTS = [
  /^sysinfo\/(?:oemStrings\/)?entry$/,
  /^(?:[^:/@]+:)?commandline\/(?:[^:/@]+:)?(?:arg|env)\/@value$/,
];

/** What tells elements of one name apart in a path: a number, or the key of a list in which order says nothing. */
const NUMBERS = /\[\d+\]|\{[^}]*\}/g;

/**
 * True for a value that never shows in plans, errors, logs, reports or hashes. `path` is as in {@link Leaves}. Sources of a
 * disk are in each other to any depth (backing store, mirror, data store): what is secret in one is secret in all.
 */
export function isSecret(owner: SecretOwner, path: string): boolean {
  const plain = path.replace(NUMBERS, '');
  if (owner === 'domain') return FREE_TEXTS.some((each) => each.test(plain));
  return (owner.secret ?? []).some((each) => under(plain, each) || `${plain}/`.includes(`/${each}/`));
}

/** The paths of the secrets among the leaves of a device, or of the domain. */
export function secretPaths(owner: SecretOwner, leaves: Leaves): string[] {
  if (owner !== 'domain' && owner.secret === undefined) return [];
  return [...leaves.keys()].filter((path) => isSecret(owner, path));
}
