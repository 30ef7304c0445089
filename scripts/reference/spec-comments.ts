/** The doc comments of the interfaces that specs are typed by: what is said there for programmers stands in the reference, too. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DEVICES = 'src/domain/devices';

/** An interface: what is said of it, what it extends, and what is said of each of its fields. */
export interface SpecComments {
  readonly about: string;
  readonly fields: ReadonlyMap<string, string>;
}

interface Interface extends SpecComments {
  readonly bases: readonly string[];
}

/** All interfaces below the device kinds, by name, those that they extend included. */
export function specComments(): ReadonlyMap<string, SpecComments> {
  const all = new Map<string, Interface>();
  for (const name of readdirSync(DEVICES).filter((each) => each.endsWith('.ts')))
    for (const [key, value] of interfacesIn(readFileSync(join(DEVICES, name), 'utf8'))) all.set(key, value);
  return new Map([...all].map(([name, each]) => [name, { about: each.about, fields: fieldsOf(each, all) }]));
}

function fieldsOf({ bases, fields }: Interface, all: ReadonlyMap<string, Interface>): Map<string, string> {
  const inherited = bases.flatMap((base) => {
    const known = all.get(base);
    return known ? [...fieldsOf(known, all)] : [];
  });
  return new Map([...inherited, ...fields]);
}

const INTERFACE =
  /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?export interface (\w+)(?: extends ([^{]+))? \{\n([\s\S]*?)\n\}\n/g;
const ALIAS = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport type (\w+) = (\w+);/g;
const FIELD = /(?:^ {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?^ {2}readonly (\w+)\??:/gm;

function* interfacesIn(source: string): Iterable<[string, Interface]> {
  for (const [, about = '', name = '', bases = '', body = ''] of source.matchAll(INTERFACE)) {
    const fields = new Map<string, string>();
    for (const [, said = '', field = ''] of body.matchAll(FIELD))
      if (said.trim() !== '') fields.set(field, prose(said));
    yield [
      name,
      { about: prose(about), bases: bases.split(',').map((each) => each.trim().replace(/<.*/, '')), fields },
    ];
  }
  for (const [, about = '', name = '', base = ''] of source.matchAll(ALIAS))
    yield [name, { about: prose(about), bases: [base], fields: new Map() }];
}

/** A doc comment as one line of Markdown. */
function prose(comment: string): string {
  return comment
    .replace(/^\s*\* ?/gm, '')
    .replace(/@example[\s\S]*/, '')
    .replace(/\{@link ([^}]+)\}/g, '`$1`')
    .replace(/\s+/g, ' ')
    .trim();
}
