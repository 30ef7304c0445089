import { DOMImplementation, type Document, type Element, XMLSerializer } from '@xmldom/xmldom';
import type { Leaves } from './leaves.js';
import { children } from './query.js';

/**
 * Builds the XML of one element from its leaves. A value can never become markup, and comes out of the next parser as it
 * went in; xmlbuilder2 is no use here, since it takes `&amp;` in a value for an entity of the caller's.
 */
export function buildElement(name: string, values: Leaves | ReadonlyArray<readonly [string, string]>): string {
  const document = new DOMImplementation().createDocument(null, name);
  for (const [path, value] of values) put(document, path.split('/'), value);
  return serialize(document);
}

function put(document: Document, steps: readonly string[], value: string): void {
  let at = document.documentElement as Element;
  for (const step of steps) {
    if (step.startsWith('@')) {
      at.setAttribute(step.slice(1), value);
      return;
    }
    const bracket = step.indexOf('[');
    const name = bracket < 0 ? step : step.slice(0, bracket);
    const nth = bracket < 0 ? 1 : Number(step.slice(bracket + 1, -1));
    const parent = at;
    at = children(parent, name)[nth - 1] ?? (parent.appendChild(document.createElement(name)) as Element);
  }
  if (value !== '') at.appendChild(document.createTextNode(value));
}

const serializer = new XMLSerializer();

/** The XML text of a node, token for token as it was parsed. */
export function serialize(node: Element | Document): string {
  // A carriage return must be a reference, or the next parser takes it for a line feed (XML 1.0, 2.11).
  return serializer.serializeToString(node).replaceAll('\r', '&#xD;');
}

/** A copy of `element` in a document of its own, so that changing it leaves the original alone. */
export function detachedCopy(element: Element): Element {
  const document = new DOMImplementation().createDocument(null, '');
  return document.appendChild(document.importNode(element, true)) as Element;
}
