import type { Connection } from '../connection/index.js';
import { type DomainDocument, readSeal, type Seal } from '../domain/index.js';

/** The seals that a connection of this process has seen in one domain, the one of the last look or write apart. */
interface Seen {
  last: Seal;
  readonly earlier: Set<string>;
}

const SEEN = new WeakMap<Connection, Map<string, Seen>>();

/**
 * Reads the seal of a canonical document, and remembers it: a document that is put back, by a snapshot or by defining an old
 * one, takes its seal back with it, and only who saw a later one can tell. `older` is that later one.
 */
export function seenSeal(
  connection: Connection,
  canonical: DomainDocument,
): { readonly seal: Seal | 'missing' | 'unreadable'; readonly older?: Seal } {
  const seal = readSeal(canonical);
  if (typeof seal === 'string') return { seal };
  const seen = SEEN.get(connection)?.get(canonical.uuid);
  if (seen && seen.last.document.xml !== seal.document.xml && seen.earlier.has(seal.document.xml))
    return { seal, older: seen.last };
  noteSeal(connection, canonical.uuid, seal);
  return { seal };
}

/** Remembers the seal that a domain has now. */
export function noteSeal(connection: Connection, uuid: string, last: Seal): void {
  const domains = SEEN.get(connection) ?? new Map<string, Seen>();
  SEEN.set(connection, domains);
  const seen = domains.get(uuid);
  if (!seen) {
    domains.set(uuid, { last, earlier: new Set() });
    return;
  }
  seen.earlier.add(seen.last.document.xml);
  seen.earlier.delete(last.document.xml);
  seen.last = last;
}
