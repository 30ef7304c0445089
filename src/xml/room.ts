import { MAX_XML_BYTES } from './parse.js';

/** Bytes of a domain's document that are left free: libvirt's own words change, and a document that is too long nobody can read. */
const RESERVE = 64 * 1024;

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
export function bytesTooMany(xml: string, more: number): number {
  return Math.max(Buffer.byteLength(xml) + more + RESERVE - MAX_XML_BYTES, 0);
}
