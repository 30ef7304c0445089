import { existsSync, readFileSync } from 'node:fs';
import { type Element, parseXml } from '../../../src/xml/index.js';

/** Where libvirt installs its RelaxNG schemas. */
const DIRECTORY = '/usr/share/libvirt/schemas/';
/** Namespaces of elements that drivers add to `<domain>`. */
const PREFIXES: Readonly<Record<string, string>> = {
  'http://libvirt.org/schemas/domain/qemu/1.0': 'qemu:',
  'http://libvirt.org/schemas/domain/lxc/1.0': 'lxc:',
  'http://libvirt.org/schemas/domain/bhyve/1.0': 'bhyve:',
  'http://libvirt.org/schemas/domain/xen/1.0': 'xen:',
};

/** Every path of elements, and of attributes as `element/@name`, that the schema allows below `<domain>`, to a depth. */
export function schemaPaths(depth: number): ReadonlySet<string> {
  const defines = new Map<string, Element[]>();
  load('domain.rng', defines, new Set());
  const found = new Set<string>();
  const walk = (node: Element, path: string, refs: ReadonlySet<string>): void => {
    for (const child of elementsOf(node)) {
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

function load(file: string, defines: Map<string, Element[]>, seen: Set<string>): void {
  if (seen.has(file) || !existsSync(DIRECTORY + file)) return;
  seen.add(file);
  const visit = (node: Element): void => {
    for (const child of elementsOf(node)) {
      if (child.nodeName === 'include') load(child.getAttribute('href') ?? '', defines, seen);
      else if (child.nodeName === 'define') {
        const name = child.getAttribute('name') ?? '';
        defines.set(name, [...(defines.get(name) ?? []), child]);
      }
      if (child.nodeName === 'include' || child.nodeName === 'div') visit(child);
    }
  };
  visit(parseXml(readFileSync(DIRECTORY + file, 'utf8')).documentElement as Element);
}

/** The names of an element or attribute pattern; a class of any name has none. */
function namesOf(pattern: Element): string[] {
  const name = pattern.getAttribute('name');
  const prefix = PREFIXES[pattern.getAttribute('ns') ?? ''] ?? '';
  if (name) return [prefix + name];
  return elementsOf(pattern)
    .flatMap((each) => (each.nodeName === 'choice' ? elementsOf(each) : [each]))
    .filter((each) => each.nodeName === 'name')
    .map((each) => prefix + (each.textContent ?? '').trim());
}

function elementsOf(node: Element): Element[] {
  return Array.from(node.childNodes).filter((child) => child.nodeType === child.ELEMENT_NODE) as Element[];
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}
