import { byteLength } from '#platform';
import { MAX_XML_BYTES } from './parse.js';

/**
 * Bytes of a domain's document that are left free. libvirt's own words change, and a document that is too long nobody can
 * read. What `bookkeeping` needs for a request that makes a document shorter again fits where nothing else does.
 */
const RESERVE = { request: 64 * 1024, bookkeeping: 4 * 1024 } as const;

/**
 * Bytes that a piece of XML takes at most where libvirt writes it into `<metadata>`: libxml2 writes what is beyond ASCII as
 * references.
 */
export function bytesInMetadata(xml: string): number {
  let bytes = xml.length;
  for (const [character] of xml.matchAll(/[^\x20-\x7e]|>/gu))
    bytes += character === '>' ? 3 : 4 + (character.codePointAt(0) as number).toString(16).length - character.length;
  return bytes;
}

/** How many bytes more than its longest a document would have with so many beside; 0 when they fit. */
export function bytesTooMany(xml: string, more: number, what: keyof typeof RESERVE): number {
  return Math.max(byteLength(xml) + more + RESERVE[what] - MAX_XML_BYTES, 0);
}
