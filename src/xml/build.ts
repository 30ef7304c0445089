import { DOMImplementation, type Element, XMLSerializer } from '@xmldom/xmldom';
import { create } from 'xmlbuilder2';
import type { Leaves } from './leaves.js';

interface Tree {
  [key: string]: string | Tree | Tree[];
}

/** Builds the XML of one element from its leaves. Values are escaped by xmlbuilder2; a value can never become markup. */
export function buildElement(name: string, values: Leaves | ReadonlyArray<readonly [string, string]>): string {
  const tree: Tree = {};
  for (const [path, value] of values) put(tree, path.split('/'), value);
  return create({ [name]: tree }).end({ headless: true });
}

function put(tree: Tree, steps: string[], value: string): void {
  let at = tree;
  steps.forEach((step, i) => {
    if (step.startsWith('@')) {
      at[step] = value;
      return;
    }
    const bracket = step.indexOf('[');
    const name = bracket < 0 ? step : step.slice(0, bracket);
    const index = bracket < 0 ? 0 : Number(step.slice(bracket + 1, -1)) - 1;
    at[name] ??= [];
    const list = at[name] as Tree[];
    list[index] ??= {};
    at = list[index] as Tree;
    if (i === steps.length - 1 && value !== '') at['#'] = value;
  });
}

const serializer = new XMLSerializer();

/** The XML text of a node, token for token as it was parsed. */
export function serialize(node: Element | NonNullable<Element['ownerDocument']>): string {
  return serializer.serializeToString(node);
}

/** A copy of `element` in a document of its own, so that changing it leaves the original alone. */
export function detachedCopy(element: Element): Element {
  const document = new DOMImplementation().createDocument(null, '');
  return document.appendChild(document.importNode(element, true)) as Element;
}
