/** One token of an XML text: a tag with its attributes in order, a text, a comment, a CDATA section or an instruction. */
export type Token = readonly string[];

const TOKEN =
  /<!--([\s\S]*?)-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?([\s\S]*?)\?>|<\/([^\s>]+)\s*>|<([^\s/>]+)((?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)/g;
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/**
 * The tokens of an XML text: what a parser sees, without how it is quoted or escaped. Read by a scanner of its own, so
 * that it can witness for or against the library's parser.
 */
export function tokens(xml: string): Token[] {
  const found: Token[] = [];
  for (const [, comment, cdata, instruction, close, open, attributes = '', empty, text] of xml.matchAll(TOKEN)) {
    if (comment !== undefined) found.push(['comment', comment]);
    else if (cdata !== undefined) found.push(['cdata', cdata]);
    else if (instruction !== undefined) found.push(['instruction', instruction.trim()]);
    else if (close !== undefined) found.push(['close', close]);
    else if (open !== undefined) {
      const pairs = [...attributes.matchAll(ATTRIBUTE)].map(([, name, a, b]) => `${name}=${decoded(a ?? b ?? '')}`);
      found.push(['open', open, ...pairs]);
      if (empty) found.push(['close', open]);
    } else if (text !== undefined) found.push(['text', decoded(text)]);
  }
  return found;
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decoded(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/&(?:#x([0-9a-f]+)|#([0-9]+)|(\w+));/gi, (_, hex, decimal, name) =>
      name === undefined
        ? String.fromCodePoint(Number.parseInt(hex ?? decimal, hex ? 16 : 10))
        : (NAMED[name] ?? `&${name};`),
    );
}
