import { sha256 } from '#platform';
import type { Connection } from '../connection/index.js';
import { type DomainDocument, packed, readSeal, type Seal, unpacked } from '../domain/index.js';

/**
 * The seals that this process has seen in one domain, the one of the last look or write apart: packed, and the earlier ones as
 * digests, since a process may go on for long and see many domains.
 */
interface Seen {
  last: { readonly libvirt: string; readonly digest: string; readonly packed: string };
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
  const key = keyOf(connection, canonical.uuid);
  const seen = SEEN.get(key);
  const digest = digestOf(seal);
  if (seen && seen.last.digest !== digest && seen.earlier.has(digest)) {
    const { libvirt, packed: text } = seen.last;
    const document = unpacked(text, canonical);
    if (document) return { seal, older: { libvirt, document } };
  }
  remember(key, seal, digest);
  return { seal };
}

/** Remembers the seal that a domain has now. */
export function noteSeal(connection: Connection, uuid: string, seal: Seal): void {
  remember(keyOf(connection, uuid), seal, digestOf(seal));
}

function remember(key: string, seal: Seal, digest: string): void {
  const seen = SEEN.get(key);
  const { libvirt } = seal;
  if (seen?.last.digest === digest && seen.last.libvirt === libvirt) return;
  const last = { libvirt, digest, packed: packed(seal.document) };
  if (!seen) {
    SEEN.set(key, { last, earlier: new Set() });
    return;
  }
  seen.earlier.add(seen.last.digest);
  seen.earlier.delete(digest);
  seen.last = last;
}

/** A digest: a UUID that was read out of a document would keep the whole of that text in memory. */
function keyOf({ uri }: Connection, uuid: string): string {
  return sha256(`${uri} ${uuid}`, 'base64url');
}

function digestOf({ document }: Seal): string {
  return sha256(document.xml, 'base64url');
}
