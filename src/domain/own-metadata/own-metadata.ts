import { child, children, childSpans, type Element } from '../../xml/index.js';
import { DomainDocument } from '../document.js';
import { memoizePerDocument } from '../memoize-per-document.js';

/** Begins every namespace of this library's own, those of other releases too. */
const OWN = 'urn:libvirt-canonical:';

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
  /** An operation over many hosts has this domain, each under a URI of its own below this one. Canonical document, or the live one of a transient domain. */
  claim: { prefix: 'lvcc', uri: 'urn:libvirt-canonical:claim:1' },
  /** The domain was brought back elsewhere, so what is left of it here must not start. Canonical document only. */
  quarantine: { prefix: 'lvcq', uri: 'urn:libvirt-canonical:quarantine:1' },
} as const;

/** Entries of one kind that are looked at. There are as many as processes that wait; more are somebody's mischief. */
const MOST_ELEMENTS = 1000;

/** Bytes of an entry of the journal, as it stands in the document: libvirt's wire carries 4 MiB, and most of it is the domain's. */
export const LONGEST_ENTRY = 1024 * 1024;

/** True for a namespace of this library's own, which nobody else writes to. A URN's head is the same in capitals (RFC 8141). */
export function isOwnNamespace(uri: string): boolean {
  return uri.slice(0, OWN.length).toLowerCase() === OWN;
}

/** What this library keeps for its own work, and not what callers asked for. */
const BOOKKEEPING: readonly string[] = (['seal', 'journal', 'migration', 'claim', 'quarantine'] as const).map(
  (name) => OWN_METADATA[name].uri,
);

/** True for a namespace of what this library keeps for its own work, those below it too. */
export function isBookkeeping(uri: string): boolean {
  return BOOKKEEPING.some((own) => uri === own || uri.startsWith(`${own}:`));
}

/** True when what names a domain's UUID, or none as releases before this one wrote it, is of the domain with that UUID. */
export function isOfDomain(named: string | null | undefined, uuid: string): boolean {
  return !named || plainUuid(named) === plainUuid(uuid);
}

function plainUuid(uuid: string): string {
  return uuid.replaceAll('-', '').toLowerCase();
}

/**
 * The element of that name in a document; undefined when it has none, or one of another domain: a document that was copied
 * carries the original's.
 */
export function ownElement(document: DomainDocument, name: keyof typeof OWN_METADATA): Element | undefined {
  return metadataElements(document).find(
    (each) => each.namespaceURI === OWN_METADATA[name].uri && isOfDomain(each.getAttribute('domain'), document.uuid),
  );
}

/** The elements below that name's URI, of whichever domain, in the order in which they were written. */
export function ownElements(document: DomainDocument, name: keyof typeof OWN_METADATA): Element[] {
  const { uri } = OWN_METADATA[name];
  // Most documents have none, and need not be parsed to know it.
  if (!document.xml.includes(`${uri}:`)) return [];
  return metadataElements(document)
    .filter((each) => each.namespaceURI?.startsWith(`${uri}:`))
    .slice(0, MOST_ELEMENTS);
}

/** UUID of the domain that an entry of the journal is about: releases before this one name it in the plan alone. */
export function journalDomain(entry: Element): string | undefined {
  const named = entry.getAttribute('domain');
  const text = named ? '' : (entry.textContent ?? '');
  if (text === '' || text.length > LONGEST_ENTRY) return named || undefined;
  try {
    const uuid: unknown = JSON.parse(text)?.domain?.uuid;
    return typeof uuid === 'string' ? uuid : undefined;
  } catch {
    return undefined;
  }
}

function metadataElements({ root }: DomainDocument): Element[] {
  const metadata = child(root, 'metadata');
  return metadata ? children(metadata) : [];
}

/**
 * Takes out of a document that is to be defined what only this library writes, and only while it works: journal, seal, the
 * mark of a rescue. Intent and storage records stay, unless they are of another domain than the one with that UUID.
 */
export function keepCallersMetadata(root: Element, uuid: string): void {
  const { intent, storage } = OWN_METADATA;
  for (const metadata of children(root, 'metadata'))
    for (const each of children(metadata)) {
      const { namespaceURI: uri } = each;
      if (uri === null || !isOwnNamespace(uri)) continue;
      const stays = uri === intent.uri || uri === storage.uri;
      if (!stays || !isOfDomain(each.getAttribute('domain'), uuid)) metadata.removeChild(each);
      else if (uri === intent.uri) each.setAttribute('domain', uuid);
    }
}

/**
 * A document's text without what apply keeps in it for itself: what counts when two moments are compared. What is apply's is
 * told by its namespace. Where that was all, libvirt leaves the metadata empty (virDomainDefSetMetadata); that counts as none.
 */
export function withoutBookkeeping(document: DomainDocument | string): string {
  return restOf(typeof document === 'string' ? new DomainDocument(document) : document);
}

const restOf = memoizePerDocument((document: DomainDocument): string => {
  const { xml } = document;
  const spans = xml.includes('<metadata') ? childSpans(xml, 'metadata') : undefined;
  if (!spans) return xml;
  const { whole, elements } = spans;
  const hasOwn = xml.includes(OWN);
  const own = hasOwn ? metadataElements(document).map((each) => isBookkeeping(each.namespaceURI ?? '')) : [];
  let inside = '';
  let from = whole.from;
  for (const [at, span] of elements.entries()) {
    if (!own[at]) continue;
    inside += xml.slice(from, lineBefore(xml, span.from));
    from = span.to;
  }
  inside += xml.slice(from, whole.to);
  return /^<metadata\s*(?:\/>|>\s*<\/metadata\s*>)$/.test(inside)
    ? xml.slice(0, lineBefore(xml, whole.from)) + xml.slice(whole.to)
    : xml.slice(0, whole.from) + inside + xml.slice(whole.to);
});

/** Where the line begins on which something stands by itself, as libvirt writes every element. */
function lineBefore(xml: string, at: number): number {
  let from = at;
  while (xml[from - 1] === ' ') from--;
  return xml[from - 1] === '\n' ? from - 1 : at;
}
