/**
 * The xml room: documents without loss. Parsed by @xmldom/xmldom, read by path, built by xmlbuilder2, written as they were.
 */
export type { Document, Element, Node } from '@xmldom/xmldom';
export { buildElement, detachedCopy, serialize } from './build.js';
export { type LeafChange, type Leaves, leafChanges, leaves, removeAll, setAt, under, valueAt } from './leaves.js';
export { assertXmlText, parseElement, parseXml } from './parse.js';
export { child, children, select, selectText } from './query.js';
