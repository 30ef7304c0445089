import type { DomainDocument } from './document.js';

/** The same function, worked out once for each document: documents never change, and are read over and over. */
export function memoizePerDocument<T>(work: (document: DomainDocument) => T): (document: DomainDocument) => T {
  const known = new WeakMap<DomainDocument, { value: T }>();
  return (document) => {
    const there = known.get(document) ?? { value: work(document) };
    known.set(document, there);
    return there.value;
  };
}
