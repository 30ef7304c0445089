import { createRequire } from 'node:module';
import { DOMImplementation, type Element, type Node, XMLSerializer } from '@xmldom/xmldom';
import type { XMLBuilder } from 'xmlbuilder2/lib/interfaces.js';
import type { Leaves } from './leaves.js';

type Builder = typeof import('xmlbuilder2');
let builder: Builder | undefined;

/** Loads xmlbuilder2 when the first element is built: it is a fourth of all that the library loads, and reading needs none of it. */
function create(): XMLBuilder {
  builder ??= createRequire(import.meta.url)('xmlbuilder2') as Builder;
  return builder.create();
}

/**
 * Builds the XML of one element from its leaves. A value can never become markup, and comes out of the next parser as it
 * went in.
 */
export function buildElement(name: string, values: Leaves | ReadonlyArray<readonly [string, string]>): string {
  const root = create().ele(name);
  const made = new Map<string, XMLBuilder>([['', root]]);
  for (const [path, value] of values) {
    const at = path.lastIndexOf('/');
    const last = path.slice(at + 1);
    const element = elementAt(made, last.startsWith('@') ? path.slice(0, Math.max(at, 0)) : path);
    if (last.startsWith('@')) element.att(last.slice(1), encoded(value));
    else if (value !== '') element.txt(encoded(value));
  }
  return root.end({ headless: true });
}

/** The element at a path, made together with its parents when it is not there; `a[2]` is made after `a`. */
function elementAt(made: Map<string, XMLBuilder>, path: string): XMLBuilder {
  const there = made.get(path);
  if (there) return there;
  const at = path.lastIndexOf('/');
  const step = path.slice(at + 1);
  const element = elementAt(made, path.slice(0, Math.max(at, 0))).ele(step.replace(/\[\d+\]$/, ''));
  made.set(path, element);
  return element;
}

/** xmlbuilder2 takes `&amp;` in a value for an entity of the caller's and leaves white space to the next parser to fold: both are said outright. */
function encoded(value: string): string {
  return value.replace(/[&\t\n\r]/g, (character) => (character === '&' ? '&amp;' : `&#${character.charCodeAt(0)};`));
}

const serializer = new XMLSerializer();

/** The XML text of a node, token for token as it was parsed. */
export function serialize(node: Node): string {
  // A carriage return must be a reference, or the next parser takes it for a line feed (XML 1.0, 2.11).
  return serializer.serializeToString(node).replaceAll('\r', '&#xD;');
}

/** A copy of `element` in a document of its own, so that changing it leaves the original alone. */
export function detachedCopy(element: Element): Element {
  const document = new DOMImplementation().createDocument(null, '');
  return document.appendChild(document.importNode(element, true)) as Element;
}
