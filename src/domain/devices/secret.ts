import { type Leaves, under } from '../../xml/index.js';
import type { DeviceKind } from './kind.js';

/** Sources of a disk that stand within each other, to any depth; what is secret in one is so in all. */
const NESTED = /^(?:(?:backingStore|mirror)(?:\[\d+\])?\/)+/;

/** True for a value of a device that never shows in plans, errors or logs, and that libvirt writes with SECURE only. */
export function isSecret({ secret = [] }: Pick<DeviceKind, 'secret'>, path: string): boolean {
  if (secret.length === 0) return false;
  const own = path.replace(NESTED, '');
  return secret.some((each) => under(own, each));
}

/** The paths of a device's secrets. */
export function secretPaths(kind: Pick<DeviceKind, 'secret'>, leaves: Leaves): string[] {
  return kind.secret === undefined ? [] : [...leaves.keys()].filter((path) => isSecret(kind, path));
}
