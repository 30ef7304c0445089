import type { Element } from '../../../src/xml/index.js';
import { namesOf, patternsIn, readGrammar } from './grammar.js';

/** Every path of elements, and of attributes as `element/@name`, that the schema allows below `<domain>`, to a depth. */
export function schemaPaths(depth: number): ReadonlySet<string> {
  const defines = readGrammar();
  const found = new Set<string>();
  const walk = (node: Element, path: string, refs: ReadonlySet<string>): void => {
    for (const child of patternsIn(node)) {
      if (child.nodeName === 'ref') {
        const name = child.getAttribute('name') ?? '';
        if (refs.has(name)) continue;
        for (const define of defines.get(name) ?? []) walk(define, path, new Set([...refs, name]));
      } else if (child.nodeName === 'attribute') {
        for (const name of namesOf(child)) found.add(join(path, `@${name}`));
      } else if (child.nodeName === 'element') {
        for (const name of namesOf(child)) {
          const below = join(path, name);
          found.add(below);
          // References are counted anew below an element: only depth ends a schema that holds itself.
          if (below.split('/').length < depth) walk(child, below, new Set());
        }
      } else {
        walk(child, path, refs);
      }
    }
  };
  for (const define of defines.get('domaincontents') ?? []) walk(define, '', new Set(['domaincontents']));
  return found;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}
