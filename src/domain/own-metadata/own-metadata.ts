import { child, children, type Element } from '../../xml/index.js';
import type { DomainDocument } from '../document.js';

/** This library's own elements in a domain's `<metadata>`, one namespace each. */
export const OWN_METADATA = {
  /** What callers asked for last: which devices are theirs. Stands in both documents and is planned. */
  intent: { prefix: 'lvc', uri: 'urn:libvirt-canonical:intent:1' },
  /** How the volumes of disks were connected, and by whom. Stands in both documents and is planned. */
  storage: { prefix: 'lvcs', uri: 'urn:libvirt-canonical:storage:1' },
  /** This run is a rescue: from which disk, since when. Live document only, and so gone when the run ends. */
  rescue: { prefix: 'lvcr', uri: 'urn:libvirt-canonical:rescue:1' },
  /** An apply in progress, each under a URI of its own below this one: there before its first call, gone after its last. Canonical document only. */
  journal: { prefix: 'lvcj', uri: 'urn:libvirt-canonical:journal:1' },
  /** The canonical document as this library left it, to tell what others changed since. Canonical document only. */
  seal: { prefix: 'lvcd', uri: 'urn:libvirt-canonical:seal:1' },
  /** A migration under way: where to, by whom, since when. Canonical document, or the live one of a transient domain. */
  migration: { prefix: 'lvcm', uri: 'urn:libvirt-canonical:migration:1' },
} as const;

/** Begins an element that apply keeps for itself, on a line of its own as libvirt writes it. */
const BOOKKEEPING = new RegExp(
  `\\n *<((?:${[OWN_METADATA.journal, OWN_METADATA.seal, OWN_METADATA.migration].map(({ prefix }) => prefix).join('|')}):\\w+)[ >]`,
  'g',
);
const EMPTY_METADATA = /\n *<metadata(?:\/>|>\s*<\/metadata>)/;

/** The element of that name in a document; undefined when it has none. */
export function ownElement(document: DomainDocument, name: keyof typeof OWN_METADATA): Element | undefined {
  const metadata = child(document.root, 'metadata');
  return metadata && children(metadata).find((each) => each.namespaceURI === OWN_METADATA[name].uri);
}

/** The elements below that name's URI, each under one of its own, in the order in which they were written. */
export function ownElements(document: DomainDocument, name: keyof typeof OWN_METADATA): Element[] {
  const { uri } = OWN_METADATA[name];
  // Most documents have none, and need not be parsed to know it.
  const metadata = document.xml.includes(`${uri}:`) ? child(document.root, 'metadata') : undefined;
  return metadata ? children(metadata).filter((each) => each.namespaceURI?.startsWith(`${uri}:`)) : [];
}

/**
 * A document's text without what apply keeps in it for itself: what counts when two moments are compared. Where that was
 * all, libvirt leaves the metadata empty (virDomainDefSetMetadata); that counts as none.
 */
export function withoutBookkeeping(xml: string): string {
  let rest = '';
  let from = 0;
  for (const { 0: opening, 1: name = '', index } of xml.matchAll(BOOKKEEPING)) {
    if (index < from) continue;
    const end = endOfElement(xml, index + opening.length - 1, name);
    // An element without an end stands in a CDATA section that somebody else wrote. To seek on would take for ever.
    if (end < 0) break;
    rest += xml.slice(from, index);
    from = end;
  }
  return (rest + xml.slice(from)).replace(EMPTY_METADATA, '');
}

function endOfElement(xml: string, from: number, name: string): number {
  const next = xml.indexOf('<', from);
  const empty = xml.slice(from, Math.max(from, next)).lastIndexOf('/>');
  if (empty >= 0) return from + empty + 2;
  const close = xml.indexOf(`</${name}>`, from);
  return close < 0 ? close : close + name.length + 3;
}

/** True for a namespace of what apply keeps for itself. */
export function isBookkeeping(uri: string): boolean {
  const { seal, journal, migration } = OWN_METADATA;
  return uri === seal.uri || uri === migration.uri || uri === journal.uri || uri.startsWith(`${journal.uri}:`);
}
