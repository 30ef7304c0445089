import type { Leaves } from '../xml/index.js';
import { type Assignment, applies, type DeviceKind, type Where } from './devices/index.js';
import type { Device, DomainDocument } from './document.js';
import { withoutUnwritten } from './normal.js';

/** Returns what libvirt fills in where the device leaves it out, in the domain of a document. */
export function chosenFor({ kind, leaves }: Pick<Device, 'kind' | 'leaves'>, domain: DomainDocument): Assignment[] {
  const chosen = new Map<string, string>();
  for (const { path, value, where, follows, domain: conditions, source: _ } of kind.chosen ?? []) {
    if (leaves.has(path) || chosen.has(path) || !applies(where, leaves) || !holds(conditions, domain)) continue;
    if (follows && !follows[1].test(leaves.get(follows[0]) ?? '')) continue;
    chosen.set(path, value);
  }
  return [...chosen];
}

/** Returns the natural names that a device has once libvirt has written it, best first. */
export function namesOnceWritten(kind: DeviceKind, leaves: Leaves, domain: DomainDocument): string[] {
  const written = new Map([...withoutUnwritten(leaves, kind.normal ?? []), ...chosenFor({ kind, leaves }, domain)]);
  return kind.names(written).filter((name) => name !== undefined && name !== '') as string[];
}

/** True for a device that libvirt adds to such a domain by itself. */
export function isImplicit({ kind, leaves }: Device, { devices }: DomainDocument): boolean {
  return (kind.implicit ?? []).some(
    ({ where, only }) =>
      applies(where, leaves) && (!only || devices.filter((other) => other.kind === kind).length === 1),
  );
}

function holds(conditions: Where | undefined, domain: DomainDocument): boolean {
  return Object.entries(conditions ?? {}).every(([path, values]) => values.includes(domain.value(path) ?? ''));
}
