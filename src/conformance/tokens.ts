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
  return [...xml.matchAll(TOKEN)].flatMap(tokensOf);
}

/** What one match of the scanner is: an empty element opens and closes. */
function tokensOf([
  ,
  comment,
  cdata,
  instruction,
  close,
  open,
  attributes = '',
  empty,
  text,
]: RegExpMatchArray): Token[] {
  if (comment !== undefined) return [['comment', comment]];
  if (cdata !== undefined) return [['cdata', cdata]];
  if (instruction !== undefined) return [['instruction', instruction.trim()]];
  if (close !== undefined) return [['close', close]];
  if (open === undefined) return text === undefined ? [] : [['text', decoded(text)]];
  const pairs = [...attributes.matchAll(ATTRIBUTE)].map(([, name, a, b]) => `${name}=${decoded(a ?? b ?? '')}`);
  const opened: Token = ['open', open, ...pairs];
  return empty ? [opened, ['close', open]] : [opened];
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
