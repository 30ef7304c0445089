import { DOMParser, type Document, type Element } from '@xmldom/xmldom';
import { byteLength } from '#platform';
import { LibvirtCanonicalError } from '../errors.js';
import { malformed, position, scan } from './scan.js';

/** Longest text accepted, in bytes of UTF-8: what libvirt's wire carries in one string. */
export const MAX_XML_BYTES = 4 * 1024 * 1024;
/** Deepest nesting accepted. libvirt's own documents stay below 20. */
export const MAX_XML_DEPTH = 256;
/** Most elements, attributes, comments and the like in one document: what 4 MiB could hold beyond takes seconds and a gigabyte. */
export const MAX_XML_PARTS = 100_000;

/** What the parser finds wrong, in words of our own: its own quote the text, which may hold a secret. */
const REASONS: ReadonlyArray<readonly [RegExp, string]> = [
  [/missed (start )?quot|quot.*missed|AttValue/, 'an attribute value stands without quotes'],
  [/missed value|value must after|equal must after/, 'an attribute has no value'],
  [/value no end/, 'an attribute value has no end'],
  [/space is required/, 'there is no space between two attributes'],
  [/ redefined$/, 'an attribute stands twice'],
  [/Unescaped '<'/, "< stands in an attribute value by itself; write it as '&lt;'"],
  [/tag mismatch/, 'an end tag is not that of the element which is open'],
  [/^end tag name/, 'an end tag is more than a name'],
  [/^unclosed xml tag|unexpected end of input/, 'an element has no end'],
  [/NamespaceError/, 'a prefix has no namespace'],
  [/[Cc]omment/, 'a comment is not one'],
  [/CDATA/, 'a CDATA section is not one'],
  [/processing instruction|xml declaration/, 'a processing instruction is not one'],
  [/root element|end of the document/, 'there is not one root element'],
];
/** A character like any other, which the parser takes for a sign of a wrong encoding. */
const REPLACEMENT_CHARACTER = /^Unicode replacement character/;

const BYTE_ORDER_MARK = '\ufeff';

/** Characters that XML 1.0 has no way to carry, not even as a character reference. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
const FORBIDDEN_CHARACTER = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]/u;

/**
 * Parses XML without loss. Refuses what a libvirt document never needs and an attacker might: DOCTYPE and entities
 * (`XML_FORBIDDEN`), more than 4 MiB, 256 levels or 100,000 elements and attributes (`XML_LIMIT`). Anything not well-formed is `XML_MALFORMED` with
 * line and column; nothing is repaired.
 */
export function parseXml(text: string): Document {
  if (typeof text !== 'string') throw malformed('expected a string of XML');
  if (text.startsWith(BYTE_ORDER_MARK)) return parseXml(text.slice(1));
  if (byteLength(text) > MAX_XML_BYTES) {
    throw new LibvirtCanonicalError('XML_LIMIT', `the XML is longer than ${MAX_XML_BYTES} bytes`, {
      remedy: 'libvirt itself takes no longer document',
    });
  }
  const forbidden = forbiddenAt(text);
  if (forbidden >= 0) throw malformed('it holds a control character', ...position(text, forbidden));
  scan(text, { depth: MAX_XML_DEPTH, parts: MAX_XML_PARTS });
  let problem: LibvirtCanonicalError | undefined;
  let document: Document | undefined;
  try {
    document = new DOMParser({
      // XML 1.0, 2.11. The parser's own is that of XML 1.1, to which U+0085 and U+2028 are line ends too.
      normalizeLineEndings: (source) => source.replace(/\r\n?/g, '\n'),
      onError: (_level, message, context) => {
        if (REPLACEMENT_CHARACTER.test(message)) return;
        const { lineNumber, columnNumber } = (context as { locator?: Locator })?.locator ?? {};
        problem ??= malformed(reasonOf(message), lineNumber, columnNumber);
        throw problem;
      },
    }).parseFromString(text, 'text/xml');
  } catch (cause) {
    throw problem ?? malformed(reasonOf(String(cause)));
  }
  return document;
}

/** Parses XML whose root must be one element, and returns that element. Errors as {@link parseXml}. */
export function parseElement(text: string): Element {
  const root = parseXml(text).documentElement;
  if (!root) throw malformed('there is no element');
  return root;
}

function reasonOf(message: string): string {
  return REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? 'a tag is not one';
}

/** Where a character stands that XML cannot hold, by itself or as a numeric reference; -1 for nowhere. */
function forbiddenAt(text: string): number {
  const bare = text.search(FORBIDDEN_CHARACTER);
  if (bare >= 0) return bare;
  for (const { 1: hex, 2: decimal, index } of text.matchAll(/&#(?:x([0-9a-f]+)|([0-9]+));/gi)) {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (code > 0x10ffff || FORBIDDEN_CHARACTER.test(String.fromCodePoint(code))) return index;
  }
  return -1;
}

interface Locator {
  lineNumber?: number;
  columnNumber?: number;
}

/**
 * What libvirt writes as it is (virBufferEscapeString) and reads as something else at its next start: a carriage return as a
 * line feed, and in an attribute all of these as spaces.
 */
const NOT_KEPT = { element: /\r/, attribute: /[\t\n\r]/ } as const;

/** Refuses characters that no document of libvirt can hold, wherever a caller's text enters one. */
export function assertXmlText(value: string, path: string, place: keyof typeof NOT_KEPT = 'element'): void {
  const forbidden = FORBIDDEN_CHARACTER.test(value) && 'a control character that XML cannot carry';
  const problem = forbidden || (NOT_KEPT[place].test(value) && 'a tab or line end that libvirt does not keep');
  if (!problem) return;
  throw new LibvirtCanonicalError('SPEC_INVALID', `${path} holds ${problem}`, { path, remedy: 'Remove it' });
}
