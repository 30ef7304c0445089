import { DOMParser, type Document, type Element } from '@xmldom/xmldom';
import { LibvirtCanonicalError } from '../errors.js';
import { scan } from './scan.js';

/** Longest text accepted, in bytes of UTF-8: what libvirt's wire carries in one string. */
export const MAX_XML_BYTES = 4 * 1024 * 1024;
/** Deepest nesting accepted. libvirt's own documents stay below 20. */
export const MAX_XML_DEPTH = 256;

/** Characters that XML 1.0 has no way to carry, not even as a character reference. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
const FORBIDDEN_CHARACTER = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/**
 * Parses XML without loss. Refuses what a libvirt document never needs and an attacker might: DOCTYPE and entities
 * (`XML_FORBIDDEN`), more than 4 MiB or 256 levels (`XML_LIMIT`). Anything not well-formed is `XML_MALFORMED` with
 * line and column; nothing is repaired.
 */
export function parseXml(text: string): Document {
  if (typeof text !== 'string') throw malformed('expected a string of XML');
  if (Buffer.byteLength(text) > MAX_XML_BYTES) {
    throw new LibvirtCanonicalError('XML_LIMIT', `the XML is longer than ${MAX_XML_BYTES} bytes`, {
      remedy: 'libvirt itself takes no longer document',
    });
  }
  if (FORBIDDEN_CHARACTER.test(text) || forbiddenReference(text)) throw malformed('it holds a control character');
  scan(text, MAX_XML_DEPTH);
  let problem: LibvirtCanonicalError | undefined;
  let document: Document | undefined;
  try {
    document = new DOMParser({
      onError: (_level, message, context) => {
        const { lineNumber, columnNumber } = (context as { locator?: Locator })?.locator ?? {};
        problem ??= malformed(message, lineNumber, columnNumber);
        throw problem;
      },
    }).parseFromString(text, 'text/xml');
  } catch (cause) {
    throw problem ?? malformed(cause instanceof Error ? cause.message : String(cause));
  }
  return document;
}

/** Parses XML whose root must be one element, and returns that element. Errors as {@link parseXml}. */
export function parseElement(text: string): Element {
  const root = parseXml(text).documentElement;
  if (!root) throw malformed('there is no element');
  return root;
}

/** True when a numeric character reference stands for a character that XML cannot hold. */
function forbiddenReference(text: string): boolean {
  for (const [, hex, decimal] of text.matchAll(/&#(?:x([0-9a-f]+)|([0-9]+));/gi)) {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (
      !(code <= 0x10ffff) ||
      (code >= 0xd800 && code < 0xe000) ||
      FORBIDDEN_CHARACTER.test(String.fromCodePoint(code))
    )
      return true;
  }
  return false;
}

interface Locator {
  lineNumber?: number;
  columnNumber?: number;
}

function malformed(why: string, line?: number, column?: number): LibvirtCanonicalError {
  const where = line ? ` (line ${line}, column ${column ?? 0})` : '';
  return new LibvirtCanonicalError('XML_MALFORMED', `the XML is not well-formed: ${why.split('\n', 1)[0]}${where}`, {
    remedy: 'Correct the XML; nothing was changed',
  });
}

/** Refuses characters that no XML document can hold, wherever a caller's text enters one. */
export function assertXmlText(value: string, path: string): void {
  if (FORBIDDEN_CHARACTER.test(value)) {
    throw new LibvirtCanonicalError('SPEC_INVALID', `${path} holds a control character that XML cannot carry`, {
      path,
      remedy: 'Remove it',
    });
  }
}
