import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { children, type Element, parseXml } from '../../../src/xml/index.js';

/** Where libvirt installs its RelaxNG schemas. */
export const SCHEMAS = '/usr/share/libvirt/schemas';
/** Namespaces of elements that drivers add to `<domain>`, and the prefix each is written with. */
export const PREFIXES: Readonly<Record<string, string>> = {
  'http://libvirt.org/schemas/domain/qemu/1.0': 'qemu:',
  'http://libvirt.org/schemas/domain/lxc/1.0': 'lxc:',
  'http://libvirt.org/schemas/domain/bhyve/1.0': 'bhyve:',
  'http://libvirt.org/schemas/domain/xen/1.0': 'xen:',
};

/** The patterns of a RelaxNG grammar by the name of their `<define>`. */
export type Grammar = ReadonlyMap<string, readonly Element[]>;

/** Reads libvirt's grammar of domain documents. A file that includes another must find it in the same folder. */
export function readGrammar(directory = SCHEMAS): Grammar {
  const defines = new Map<string, Element[]>();
  load(directory, 'domain.rng', defines, new Set());
  // A definition that allows nothing is there to be combined with others, by choice.
  for (const [name, all] of defines) {
    const allowing = all.filter((each) => patternsIn(each).some(({ nodeName }) => nodeName !== 'notAllowed'));
    if (allowing.length > 0) defines.set(name, allowing);
  }
  return defines;
}

function load(directory: string, file: string, defines: Map<string, Element[]>, seen: Set<string>): void {
  const path = join(directory, file);
  if (seen.has(file) || !existsSync(path)) return;
  seen.add(file);
  const visit = (node: Element): void => {
    for (const child of patternsIn(node)) {
      if (child.nodeName === 'include') load(directory, child.getAttribute('href') ?? '', defines, seen);
      else if (child.nodeName === 'define') {
        const name = child.getAttribute('name') ?? '';
        defines.set(name, [...(defines.get(name) ?? []), child]);
      }
      if (child.nodeName === 'include' || child.nodeName === 'div') visit(child);
    }
  };
  visit(parseXml(readFileSync(path, 'utf8')).documentElement as Element);
}

/** The names that an element or attribute pattern allows; a class of any name has none. */
export function namesOf(pattern: Element): string[] {
  const name = pattern.getAttribute('name');
  const prefix = PREFIXES[pattern.getAttribute('ns') ?? ''] ?? '';
  if (name) return [prefix + name];
  return patternsIn(pattern)
    .flatMap((each) => (each.nodeName === 'choice' ? patternsIn(each) : [each]))
    .filter((each) => each.nodeName === 'name')
    .map((each) => prefix + (each.textContent ?? '').trim());
}

const inside = new WeakMap<Element, readonly Element[]>();

/** The patterns directly inside of one. A grammar never changes, and whoever builds from it asks again and again. */
export function patternsIn(node: Element): readonly Element[] {
  const patterns = inside.get(node) ?? children(node);
  inside.set(node, patterns);
  return patterns;
}
