/**
 * The xml room: documents without loss. Parsed, built and written by @xmldom/xmldom, read by path.
 */
export type { Document, Element, Node } from '@xmldom/xmldom';
export { buildElement, detachedCopy, serialize } from './build.js';
export { type LeafChange, type Leaves, leafChanges, leaves, removeAll, setAt, under, valueAt } from './leaves.js';
export { assertXmlText, parseElement, parseXml } from './parse.js';
export { child, children, select, selectText } from './query.js';
export { bytesInMetadata, bytesTooMany } from './room.js';
export { childSpans, type Span } from './spans.js';
