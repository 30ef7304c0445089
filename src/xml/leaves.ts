import type { Element, Node } from '@xmldom/xmldom';
import { children } from './query.js';

/**
 * An element flattened to its values: `driver/@cache` → `none`, `serial` → `WD-1`, `readonly` → `''`, and `host[2]/@name`
 * for a repeated child (the first has no number). It is the one form in which specs, documents and rules meet.
 */
export type Leaves = Map<string, string>;

/** The leaves of `element`: attributes, texts and empty elements below it. Comments and white space between tags do not count. */
export function leaves(element: Element): Leaves {
  const found: Leaves = new Map();
  collect(element, '', found);
  return found;
}

function collect(element: Element, prefix: string, found: Leaves): void {
  const below = prefix === '' ? '' : `${prefix}/`;
  for (let i = 0; i < element.attributes.length; i++) {
    const attribute = element.attributes.item(i);
    if (attribute) found.set(`${below}@${attribute.name}`, attribute.value);
  }
  const counts = new Map<string, number>();
  let text = '';
  let hasChild = false;
  for (let node: Node | null = element.firstChild; node; node = node.nextSibling) {
    if (node.nodeType === node.ELEMENT_NODE) {
      hasChild = true;
      const n = (counts.get(node.nodeName) ?? 0) + 1;
      counts.set(node.nodeName, n);
      collect(node as Element, `${below}${node.nodeName}${n === 1 ? '' : `[${n}]`}`, found);
    } else if (node.nodeType === node.TEXT_NODE || node.nodeType === node.CDATA_SECTION_NODE) {
      text += node.nodeValue ?? '';
    }
  }
  const trimmed = text.trim();
  if (prefix !== '' && (trimmed !== '' || (!hasChild && element.attributes.length === 0)))
    found.set(prefix, hasChild ? trimmed : text);
}

/** The value at one path of {@link Leaves}' form, without flattening the rest. */
export function valueAt(element: Element, path: string): string | undefined {
  let at: Element | undefined = element;
  for (const step of path.split('/')) {
    if (step.startsWith('@'))
      return at.hasAttribute(step.slice(1)) ? (at.getAttribute(step.slice(1)) ?? '') : undefined;
    const { name, nth } = parseStep(step);
    at = children(at, name)[nth - 1];
    if (!at) return undefined;
  }
  return at.textContent ?? '';
}

/** Sets (or, with undefined, removes) the value at a path; missing parents are made, emptied ones go. */
export function setAt(element: Element, path: string, value: string | undefined): void {
  const steps = path.split('/');
  const chain: Element[] = [element];
  for (const step of steps) {
    const parent = chain[chain.length - 1] as Element;
    if (step.startsWith('@')) {
      if (value !== undefined) parent.setAttribute(step.slice(1), value);
      else parent.removeAttribute(step.slice(1));
      break;
    }
    const { name, nth } = parseStep(step);
    let next = children(parent, name)[nth - 1];
    if (!next) {
      if (value === undefined) return;
      next = (element.ownerDocument as NonNullable<typeof element.ownerDocument>).createElement(name);
      parent.appendChild(next);
    }
    chain.push(next);
  }
  const last = chain[chain.length - 1] as Element;
  if (!steps[steps.length - 1]?.startsWith('@')) {
    if (value !== undefined) {
      last.textContent = value;
      return;
    }
    last.parentNode?.removeChild(last);
    chain.pop();
  }
  if (value === undefined) prune(chain);
}

/** Removes everything at a path, repeated elements too. */
export function removeAll(element: Element, path: string): void {
  while (valueAt(element, path) !== undefined) setAt(element, path, undefined);
}

/** Removes elements that a removal left with nothing in them, innermost first; never the root. */
function prune(chain: Element[]): void {
  for (let i = chain.length - 1; i > 0; i--) {
    const element = chain[i] as Element;
    if (element.attributes.length > 0 || children(element).length > 0 || element.textContent?.trim()) return;
    element.parentNode?.removeChild(element);
  }
}

function parseStep(step: string): { name: string; nth: number } {
  const bracket = step.indexOf('[');
  return bracket < 0
    ? { name: step, nth: 1 }
    : { name: step.slice(0, bracket), nth: Number(step.slice(bracket + 1, -1)) };
}

/** One value that differs: undefined means that the side does not have it. */
export interface LeafChange {
  readonly path: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What differs from `before` to `after`, in the order of the paths' first appearance. */
export function leafChanges(before: Leaves, after: Leaves): LeafChange[] {
  const changes: LeafChange[] = [];
  for (const [path, from] of before) {
    const to = after.get(path);
    if (to !== from) changes.push({ path, from, to });
  }
  for (const [path, to] of after) if (!before.has(path)) changes.push({ path, from: undefined, to });
  return changes;
}

/** True when `path` is `pattern` or lies below it; numbers of repeated children do not matter. */
export function under(path: string, pattern: string): boolean {
  const plain = path.includes('[') ? path.replace(/\[\d+\]/g, '') : path;
  return plain === pattern || plain.startsWith(`${pattern}/`);
}
