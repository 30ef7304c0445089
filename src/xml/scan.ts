import { LibvirtCanonicalError } from '../errors.js';

/** How deep a document may nest, and how many elements, attributes, comments and the like it may have in all. */
export interface Limits {
  readonly depth: number;
  readonly parts: number;
}

/**
 * One pass over the text before it is parsed: a DOCTYPE, an entity reference beyond XML's own five, or more than the
 * limits allow is refused here, so that the parser never builds anything for it.
 */
export function scan(text: string, limits: Limits): void {
  let depth = 0;
  let parts = 0;
  let at = 0;
  // Looked for once, not once for each tag: most documents have none.
  let reference = text.indexOf('&');
  const checkReferences = (from: number, to: number) => {
    if (reference >= 0 && reference < from) reference = text.indexOf('&', from);
    for (; reference >= 0 && reference < to; reference = text.indexOf('&', reference + 1))
      checkReference(text, reference);
  };
  for (;;) {
    const found = text.indexOf('<', at);
    const open = found < 0 ? text.length : found;
    checkReferences(at, open);
    assertNoCdataEnd(text, at, open);
    if (found < 0) return;
    parts++;
    if (text.startsWith('<!--', open)) at = after(text, '-->', open + 4);
    else if (text.startsWith('<![CDATA[', open)) at = after(text, ']]>', open + 9);
    else if (text.startsWith('<?', open)) at = after(text, '?>', open + 2);
    else if (text.startsWith('<!', open)) {
      throw new LibvirtCanonicalError(
        'XML_FORBIDDEN',
        `the XML has a DOCTYPE or entity declaration (${where(text, open)})`,
        {
          remedy: 'libvirt documents need neither; remove it',
        },
      );
    } else {
      const { end, values } = endOfTag(text, open + 1);
      checkReferences(open, end);
      parts += values;
      if (text[open + 1] === '/') {
        depth--;
        parts--;
      } else if (text[end - 2] !== '/') depth++;
      if (depth > limits.depth)
        throw tooMuch(`nests deeper than ${limits.depth} elements (${where(text, open)})`, 'stay below 20');
      at = end;
    }
    if (parts > limits.parts)
      throw tooMuch(`has more than ${limits.parts} elements and attributes`, 'have some 30 for each device');
  }
}

function tooMuch(what: string, usual: string): LibvirtCanonicalError {
  return new LibvirtCanonicalError('XML_LIMIT', `the XML ${what}`, { remedy: `libvirt documents ${usual}` });
}

/** What the parser would let pass in text between tags, and repair: the end of a CDATA section that is none. */
function assertNoCdataEnd(text: string, from: number, to: number): void {
  const end = text.slice(from, to).indexOf(']]>');
  if (end >= 0) throw malformed(']]> stands outside a CDATA section', ...position(text, from + end));
}

const OWN_REFERENCE = /&(?:lt|gt|amp|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);/y;
const REFERENCE = /&[\p{L}_:][\p{L}\p{N}_:.-]*;/uy;

/** Refuses a bare `&`, which the parser would repair, and what it would expand. */
function checkReference(text: string, at: number): void {
  OWN_REFERENCE.lastIndex = REFERENCE.lastIndex = at;
  if (OWN_REFERENCE.test(text)) return;
  if (!REFERENCE.test(text)) throw malformed('& stands by itself', ...position(text, at));
  throw new LibvirtCanonicalError('XML_FORBIDDEN', `the XML refers to an entity (${where(text, at)})`, {
    remedy: 'Write the character itself, or its number',
  });
}

/** The error for text that is no XML. Never quotes the text: it may hold a secret. */
export function malformed(why: string, line?: number, column?: number): LibvirtCanonicalError {
  const place = line ? ` (line ${line}, column ${column ?? 0})` : '';
  return new LibvirtCanonicalError('XML_MALFORMED', `the XML is not well-formed: ${why}${place}`, {
    remedy: 'Correct the XML; nothing was changed',
  });
}

/** Position behind `mark`, or the end: an unclosed construct is the parser's to report. */
export function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
}

/** Position behind the `>` that closes the tag, one inside a quoted value does not count; and how many such values it has. */
export function endOfTag(text: string, from: number): { readonly end: number; readonly values: number } {
  let quote = '';
  let values = 0;
  for (let i = from; i < text.length; i++) {
    const c = text[i] as string;
    if (quote) {
      if (c === quote) quote = '';
    } else if (c === '"' || c === "'") {
      quote = c;
      values++;
    } else if (c === '>') return { end: i + 1, values };
  }
  return { end: text.length, values };
}

/** Line and column of a place in the text, both from 1. */
export function position(text: string, at: number): [line: number, column: number] {
  const before = text.slice(0, at);
  return [before.split('\n').length, at - before.lastIndexOf('\n')];
}

function where(text: string, at: number): string {
  const [line, column] = position(text, at);
  return `line ${line}, column ${column}`;
}
