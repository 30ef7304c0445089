import type { DomainDocument } from '../document.js';
import { isOfDomain, ownElements } from './own-metadata.js';

/** That an operation over many hosts has a domain, as the domain's own metadata says. */
export interface DomainClaim {
  /** The operation's id, in its caller's words. */
  readonly operation: string;
  /** The host that the domain was on when it was claimed, by its name in that fleet. */
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
}

/** Longest value that is read, in characters: anybody may write metadata. */
const LONGEST = 300;

/**
 * The claims in a document, in the order in which they were written: the first one counts. One that names another domain, or
 * none, is nobody's: a document that was copied carries the original's.
 */
export function domainClaims(document: DomainDocument): DomainClaim[] {
  return ownElements(document, 'claim').flatMap((element) => {
    const of = (name: string) => element.getAttribute(name) ?? '';
    const [domain, operation, host, since] = ['domain', 'operation', 'host', 'since'].map(of) as [
      string,
      string,
      string,
      string,
    ];
    const whole = domain !== '' && operation !== '' && [operation, host, since].every((each) => each.length <= LONGEST);
    return whole && isOfDomain(domain, document.uuid) ? [{ operation, host, since }] : [];
  });
}
