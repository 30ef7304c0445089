import { DOMImplementation, type Element, type Node, XMLSerializer } from '@xmldom/xmldom';
import type { Leaves } from './leaves.js';

const dom = new DOMImplementation();

/**
 * Builds the XML of one element from its leaves. A value can never become markup, and comes out of the next parser as it
 * went in.
 */
export function buildElement(name: string, values: Leaves | ReadonlyArray<readonly [string, string]>): string {
  const document = dom.createDocument(null, '');
  const root = document.createElement(name);
  document.appendChild(root);
  const made = new Map<string, Element>([['', root]]);
  for (const [path, value] of values) {
    const at = path.lastIndexOf('/');
    const last = path.slice(at + 1);
    const element = elementAt(made, last.startsWith('@') ? path.slice(0, Math.max(at, 0)) : path);
    if (last.startsWith('@')) element.setAttribute(last.slice(1), value);
    else if (value !== '') element.appendChild(document.createTextNode(value));
  }
  return serialize(root);
}

/** The element at a path, made together with its parents when it is not there; `a[2]` is made after `a`. */
function elementAt(made: Map<string, Element>, path: string): Element {
  const there = made.get(path);
  if (there) return there;
  const at = path.lastIndexOf('/');
  const step = path.slice(at + 1);
  const parent = elementAt(made, path.slice(0, Math.max(at, 0)));
  const element = (parent.ownerDocument as NonNullable<Element['ownerDocument']>).createElement(
    step.replace(/\[\d+\]$/, ''),
  );
  parent.appendChild(element);
  made.set(path, element);
  return element;
}

const serializer = new XMLSerializer();

/** The XML text of a node, token for token as it was parsed. */
export function serialize(node: Node): string {
  // A carriage return must be a reference, or the next parser takes it for a line feed (XML 1.0, 2.11).
  return serializer.serializeToString(node).replaceAll('\r', '&#xD;');
}

/** A copy of `element` in a document of its own, so that changing it leaves the original alone. */
export function detachedCopy(element: Element): Element {
  const document = dom.createDocument(null, '');
  return document.appendChild(document.importNode(element, true)) as Element;
}
