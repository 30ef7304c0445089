import type { DomainClaim } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';

/** Another operation over many hosts has the domain. Nothing was changed. `code` is `DOMAIN_CLAIMED`. */
export class DomainClaimedError extends LibvirtCanonicalError {
  override readonly name = 'DomainClaimedError';
  /** Which operation has it, since when, and on which host it took it. */
  readonly claim: DomainClaim;
  constructor(domain: string, claim: DomainClaim) {
    const { operation, host, since } = claim;
    super('DOMAIN_CLAIMED', `domain ${domain} is claimed by the operation ${operation}, on ${host} since ${since}`, {
      domain,
      remedy: `Let it end; when nothing carries it on, fleet.steps.unclaim with operation ${JSON.stringify(operation)} takes its claim`,
    });
    this.claim = claim;
  }
}

/** Rejects with `DOMAIN_CLAIMED` when a claim is that of another operation than the one that asks. */
export function assertNotClaimed(domain: string, claim: DomainClaim | undefined, operation: string | undefined): void {
  if (claim && claim.operation !== operation) throw new DomainClaimedError(domain, claim);
}
