import { after, endOfTag } from './scan.js';

/** Where something stands in a text: from its first character to behind its last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Where the first child of that name of the root element stands in well-formed text, and where the elements in it stand, in
 * order. What only looks like an element, in a comment or a CDATA section, is none. Undefined when there is no such child.
 */
export function childSpans(
  text: string,
  name: string,
): { readonly whole: Span; readonly elements: Span[] } | undefined {
  const elements: Span[] = [];
  let depth = 0;
  let whole: number | undefined;
  let element = 0;
  for (let open = text.indexOf('<'), at = 0; open >= 0; open = text.indexOf('<', at)) {
    if (text.startsWith('<!--', open)) at = after(text, '-->', open + 4);
    else if (text.startsWith('<![CDATA[', open)) at = after(text, ']]>', open + 9);
    else if (text.startsWith('<?', open)) at = after(text, '?>', open + 2);
    else {
      at = endOfTag(text, open + 1).end;
      const closes = text[open + 1] === '/';
      const empty = !closes && text[at - 2] === '/';
      if (closes) depth--;
      // From here on `depth` is that of the element which the tag opens or closes.
      if (depth === 1 && !closes && nameAt(text, open + 1) === name) whole = open;
      if (whole !== undefined && depth === 2 && !closes) element = open;
      if (whole !== undefined && depth === 2 && (closes || empty)) elements.push({ from: element, to: at });
      if (whole !== undefined && depth === 1 && (closes || empty)) return { whole: { from: whole, to: at }, elements };
      if (!closes && !empty) depth++;
    }
  }
  return undefined;
}

function nameAt(text: string, from: number): string {
  return text.slice(from, from + 256).match(/^[^\s/>]*/)?.[0] ?? '';
}
