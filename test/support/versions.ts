import gte from 'semver/functions/gte.js';
import type { Connection } from '../../src/index.js';

/**
 * Whether libvirt sends `defined updated` when a call changes the canonical document, not only at a definition. Seen on
 * 11.3 and not on 9.0; the releases between them were not tried.
 */
export function tellsOfChanges({ libvirtVersion }: Pick<Connection, 'libvirtVersion'>): boolean {
  return gte(libvirtVersion, '11.3.0');
}
