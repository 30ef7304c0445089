import type { DomainDocument } from '../document.js';
import { OWN_METADATA, ownElement } from './own-metadata.js';

/** That a domain was brought back elsewhere, and what is left of it here must not start. */
export interface Quarantine {
  /** The operation that brought it back, in its caller's words. */
  readonly operation: string;
  /** The host that it went to, by its name in that fleet; undefined when nobody knew. */
  readonly to: string | undefined;
  /** ISO 8601: when the mark was made. */
  readonly since: string;
}

/** Longest value that is read, in characters: anybody may write metadata. */
const LONGEST = 300;

/** The mark in a document; undefined when there is none, or one of another domain that a copy brought along. */
export function quarantineOf(document: DomainDocument): Quarantine | undefined {
  // Most documents have none, and need not be parsed to know it.
  if (!document.xml.includes(OWN_METADATA.quarantine.uri)) return undefined;
  const element = ownElement(document, 'quarantine');
  const of = (name: string) => (element?.getAttribute(name) ?? '').slice(0, LONGEST);
  return of('domain') === '' || of('operation') === ''
    ? undefined
    : { operation: of('operation'), to: of('to') || undefined, since: of('since') };
}
