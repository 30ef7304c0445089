import type { Element, Node } from '@xmldom/xmldom';
import xpath from 'xpath';

/** What the xpath package offers beyond its own type declarations: expressions compiled once. */
interface CompiledExpression {
  evaluateNodeSet(context: { node: Node }): { toUnsortedArray(): Node[] };
  select1(context: { node: Node }): Node | undefined;
}
const parseExpression = (xpath as unknown as { parse(expression: string): CompiledExpression }).parse;
const cache = new Map<string, CompiledExpression>();

function compiled(expression: string): CompiledExpression {
  let evaluator = cache.get(expression);
  if (!evaluator) {
    evaluator = parseExpression(expression);
    cache.set(expression, evaluator);
  }
  return evaluator;
}

/**
 * Elements that `expression` (XPath 1.0) selects from `node`. Expressions are the library's own, never a caller's text, and
 * go down from parent to child, so they find nodes in document order; sorting them again costs more than a parse.
 */
export function select(node: Node, expression: string): Element[] {
  return compiled(expression).evaluateNodeSet({ node }).toUnsortedArray() as Element[];
}

/** The first element or attribute that `expression` selects, as text; undefined when there is none. */
export function selectText(node: Node, expression: string): string | undefined {
  const found = compiled(expression).select1({ node });
  return found ? (found.nodeValue ?? found.textContent ?? '') : undefined;
}

/** Child elements of `parent`, of one name when given, in document order. */
export function children(parent: Element, name?: string): Element[] {
  const found: Element[] = [];
  for (let node = parent.firstChild; node; node = node.nextSibling) {
    if (node.nodeType === node.ELEMENT_NODE && (name === undefined || node.nodeName === name))
      found.push(node as Element);
  }
  return found;
}

/** The first child element of that name. */
export function child(parent: Element, name: string): Element | undefined {
  for (let node = parent.firstChild; node; node = node.nextSibling) {
    if (node.nodeType === node.ELEMENT_NODE && node.nodeName === name) return node as Element;
  }
  return undefined;
}
