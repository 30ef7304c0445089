import { child, children, detachedCopy, type Element, leafChanges, serialize } from '../../xml/index.js';
import { DomainDocument } from '../document.js';
import { addedByLibvirt, type DriftedDevice, driftedDevices } from './drift.js';
import { readSeal, type Seal, sealedForm } from './seal.js';

/** What a seal after work of this library's own is made from: how things stood before it. */
export interface SealBaseline {
  /** Undefined when there was no seal, or none that can be read. */
  readonly seal: Seal | undefined;
  /** In the form of {@link sealedForm}. */
  readonly document: DomainDocument;
}

export function sealBaseline(canonical: DomainDocument): SealBaseline {
  const seal = readSeal(canonical);
  return { seal: typeof seal === 'string' ? undefined : seal, document: sealedForm(canonical) };
}

/**
 * What to seal after work of ours led to a canonical document. What had drifted before and was not touched stays as it was
 * sealed: an apply does not accept what others did elsewhere.
 */
export function updatedSeal(
  { seal: last, document: was }: SealBaseline,
  after: DomainDocument,
  libvirt: string,
): DomainDocument {
  const now = sealedForm(after);
  if (!last || was.xml === last.document.xml) return now;
  if (was.xml === now.xml) return last.document;
  const root = detachedCopy(now.root);
  const left = driftedDevices(last.document, was);
  const devices = child(root, 'devices') as Element;
  const elements = children(devices);
  const sealedElements = children(child(now.root, 'devices') as Element);
  const owner = root.ownerDocument as NonNullable<Element['ownerDocument']>;
  for (const drifted of driftedDevices(last.document, now)) {
    if (!left.some((each) => same(each, drifted))) continue;
    if (!drifted.sealed && drifted.now && addedByLibvirt(drifted.now, { sealed: last.libvirt, now: libvirt })) continue;
    const there = drifted.now && elements[sealedElements.indexOf(drifted.now.element)];
    const sealed = drifted.sealed && owner.importNode(drifted.sealed.element, true);
    if (there && sealed) devices.replaceChild(sealed, there);
    else if (there) devices.removeChild(there);
    else if (sealed) devices.appendChild(sealed);
  }
  const [sealedParts, thenParts, nowParts] = [last.document.root, was.root, now.root].map(partsOutsideDevices) as [
    Parts,
    Parts,
    Parts,
  ];
  const parts = partsOutsideDevices(root);
  for (const key of new Set([...sealedParts.keys(), ...thenParts.keys()])) {
    const [sealed, then, here] = [sealedParts, thenParts, nowParts].map((each) => text(each.get(key)));
    if (then === sealed || then !== here) continue;
    for (const each of parts.get(key) ?? []) root.removeChild(each);
    for (const each of sealedParts.get(key) ?? []) root.appendChild(owner.importNode(each, true));
  }
  return new DomainDocument(serialize(root));
}

function same(a: DriftedDevice, b: DriftedDevice): boolean {
  return sameDevice(a.sealed, b.sealed) && sameDevice(a.now, b.now);
}

function sameDevice(a: DriftedDevice['now'], b: DriftedDevice['now']): boolean {
  return a === undefined || b === undefined ? a === b : leafChanges(a.leaves, b.leaves).length === 0;
}

type Parts = ReadonlyMap<string, readonly Element[]>;

/** Children of `<domain>` by name; those about metadata by namespace as well. */
function partsOutsideDevices(root: Element): Parts {
  const parts = new Map<string, Element[]>();
  for (const each of children(root)) {
    if (each.nodeName === 'devices') continue;
    const key = `${each.nodeName} ${each.getAttribute('uri') ?? ''}`;
    parts.set(key, [...(parts.get(key) ?? []), each]);
  }
  return parts;
}

function text(elements: readonly Element[] = []): string {
  return elements.map(serialize).join('');
}
