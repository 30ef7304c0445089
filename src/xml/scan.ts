import { LibvirtCanonicalError } from '../errors.js';

/**
 * One pass over the text before it is parsed: a DOCTYPE, an entity reference beyond XML's own five, or nesting beyond
 * `maxDepth` is refused here, so that the parser never builds anything for it.
 */
export function scan(text: string, maxDepth: number): void {
  let depth = 0;
  let at = 0;
  for (;;) {
    const open = text.indexOf('<', at);
    if (open < 0) return;
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
      const end = endOfTag(text, open + 1);
      if (text[open + 1] === '/') depth--;
      else if (text[end - 2] !== '/') depth++;
      if (depth > maxDepth) {
        throw new LibvirtCanonicalError(
          'XML_LIMIT',
          `the XML nests deeper than ${maxDepth} elements (${where(text, open)})`,
          {
            remedy: 'libvirt documents stay below 20',
          },
        );
      }
      at = end;
    }
  }
}

/** Position behind `mark`, or the end: an unclosed construct is the parser's to report. */
function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
}

/** Position behind the `>` that closes the tag; one inside a quoted attribute value does not count. */
function endOfTag(text: string, from: number): number {
  let quote = '';
  for (let i = from; i < text.length; i++) {
    const c = text[i] as string;
    if (quote) {
      if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '>') return i + 1;
  }
  return text.length;
}

function where(text: string, at: number): string {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  return `line ${line}, column ${at - before.lastIndexOf('\n')}`;
}
