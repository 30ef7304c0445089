import { deflated, inflated, sha256 } from '#platform';
import {
  buildElement,
  child,
  children,
  detachedCopy,
  type Element,
  select,
  serialize,
  setAt,
} from '../../xml/index.js';
import { secretPaths } from '../devices/index.js';
import { DomainDocument, readDevice } from '../document.js';
import { memoizePerDocument } from '../memoize-per-document.js';
import { REDACTED } from '../operation.js';
import { metadataText } from '../settings/index.js';
import { isBookkeeping, isOfDomain, OWN_METADATA, ownElement } from './own-metadata.js';

/** Longest document that is read out of a seal: what libvirt's wire carries. A seal is only text, and anybody may write one. */
const LONGEST = 4 * 1024 * 1024;
/** Tags that a packed document may have beside a small domain; beside a large one twice as many as that has. A disk has 7. */
const MOST_TAGS = 20_000;

/** The canonical document as this library left it. No moment: what is done and undone leaves the same seal. */
export interface Seal {
  /** libvirt's version when it was sealed. */
  readonly libvirt: string;
  /** In the form of {@link sealedForm}. */
  readonly document: DomainDocument;
}

/**
 * The seal that a canonical document holds. `unreadable`: it is there, and not as this library writes it. One of another
 * domain, in a document that was copied, is none.
 */
export const readSeal = memoizePerDocument((canonical: DomainDocument): Seal | 'missing' | 'unreadable' => {
  const element = ownElement(canonical, 'seal');
  if (!element) return 'missing';
  const seal = sealIn(element, canonical);
  // Every domain has a UUID, and so has every seal.
  if (!seal || seal.document.uuid === '') return 'unreadable';
  return isOfDomain(seal.document.uuid, canonical.uuid) ? seal : 'missing';
});

function sealIn(element: Element, canonical: DomainDocument): Seal | undefined {
  const libvirt = element.getAttribute('libvirt') ?? '';
  if (!/^\d+\.\d+\.\d+$/.test(libvirt)) return undefined;
  const document = unpacked(element.textContent ?? '', canonical);
  return document && { libvirt, document };
}

/** A document in the form of {@link sealedForm} as short text. */
export function packed({ xml }: DomainDocument): string {
  return deflated(xml);
}

/**
 * Reads what {@link packed} wrote into the metadata of a document; undefined for anything else, such as one out of all
 * proportion to that: comparing the two would stop the program for long.
 */
export function unpacked(text: string, holder: DomainDocument): DomainDocument | undefined {
  try {
    const xml = inflated(text, LONGEST);
    if (tagsIn(xml) > Math.max(MOST_TAGS, 2 * tagsIn(holder.xml))) return undefined;
    const document = new DomainDocument(xml);
    return document.root.nodeName === 'domain' && document.devices ? document : undefined;
  } catch {
    return undefined;
  }
}

function tagsIn(xml: string): number {
  let tags = 0;
  for (let at = xml.indexOf('<'); at >= 0; at = xml.indexOf('<', at + 1)) tags++;
  return tags;
}

/** The element that seals a document, without the prefix that libvirt adds. */
export function sealXml({ libvirt, document }: Seal): string {
  return buildElement('seal', [
    ['@libvirt', libvirt],
    ['', packed(document)],
  ]);
}

/**
 * What a seal holds of a document: all of it, but a word in the place of each secret, and for each element of `<metadata>`,
 * which is its owner's, a `<metadata>` with a digest at the end. Two documents are compared in this form.
 */
export const sealedForm = memoizePerDocument((document: DomainDocument): DomainDocument => {
  const root = detachedCopy(document.root);
  const owner = root.ownerDocument as NonNullable<Element['ownerDocument']>;
  const metadata = child(root, 'metadata');
  if (metadata) {
    // Its white space goes with it: a document that has nothing but a seal there is as one without.
    const { previousSibling: space } = metadata;
    if (space?.nodeType === root.TEXT_NODE) root.removeChild(space);
    root.removeChild(metadata);
  }
  for (const [uri, digest] of metadataDigests(document).sort()) {
    const each = owner.createElement('metadata');
    each.setAttribute('uri', uri);
    each.setAttribute('digest', digest);
    root.appendChild(each);
  }
  for (const element of select(root, 'devices/*')) {
    const { kind, leaves } = readDevice(element);
    for (const path of secretPaths(kind, leaves)) setAt(element, path, REDACTED);
  }
  return new DomainDocument(serialize(root));
});

/**
 * Digests of what others, and callers, keep in `<metadata>`, by namespace. Not of what this library remembers of its callers,
 * such as the places that devices left: with it, what is done and undone would leave another seal.
 */
function metadataDigests(document: DomainDocument): Array<[uri: string, digest: string]> {
  const metadata = child(document.root, 'metadata');
  return (metadata ? children(metadata) : []).flatMap(({ namespaceURI: uri }): Array<[string, string]> => {
    if (uri === null || uri === OWN_METADATA.intent.uri || isBookkeeping(uri)) return [];
    const text = metadataText(document, uri) ?? '';
    return [[uri, sha256(text, 'base64url').slice(0, 22)]];
  });
}

/** The digests in a document of {@link sealedForm}. */
export function sealedMetadata(document: DomainDocument): Map<string, string> {
  return new Map(
    children(document.root, 'metadata').map((each) => [
      each.getAttribute('uri') ?? '',
      each.getAttribute('digest') ?? '',
    ]),
  );
}
