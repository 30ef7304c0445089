import { sha256 } from '#platform';
import type { Connection } from '../connection/index.js';
import { type DomainDocument, readSeal, type Seal } from '../domain/index.js';

/** The seals that this process has seen in one domain, the one of the last look or write apart. */
interface Seen {
  last: Seal;
  /** Digests of their documents. */
  readonly earlier: Set<string>;
}

/** By the URI of the connection and the UUID of the domain: what one connection has seen, the next one of the process knows. */
const SEEN = new Map<string, Seen>();

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
  const seen = SEEN.get(keyOf(connection, canonical.uuid));
  if (seen && seen.last.document.xml !== seal.document.xml && seen.earlier.has(digest(seal)))
    return { seal, older: seen.last };
  noteSeal(connection, canonical.uuid, seal);
  return { seal };
}

/** Remembers the seal that a domain has now. */
export function noteSeal(connection: Connection, uuid: string, last: Seal): void {
  const key = keyOf(connection, uuid);
  const seen = SEEN.get(key);
  if (!seen) {
    SEEN.set(key, { last, earlier: new Set() });
    return;
  }
  seen.earlier.add(digest(seen.last));
  seen.earlier.delete(digest(last));
  seen.last = last;
}

function keyOf({ uri }: Connection, uuid: string): string {
  return `${uri} ${uuid}`;
}

function digest({ document }: Seal): string {
  return sha256(document.xml, 'base64url');
}
