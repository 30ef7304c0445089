import type { DomainAccess } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import { type Quarantine, quarantineOf } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';

/** What a dead host left of a domain that was brought back elsewhere: it must not start here. `code` is `DOMAIN_QUARANTINED`. */
export class DomainQuarantinedError extends LibvirtCanonicalError {
  override readonly name = 'DomainQuarantinedError';
  /** Which operation brought it back, where, and when it was marked. */
  readonly quarantine: Quarantine;
  constructor(domain: string, quarantine: Quarantine, host = 'here') {
    const { operation, to, since } = quarantine;
    const where = to === undefined ? 'elsewhere' : `on ${to}`;
    super(
      'DOMAIN_QUARANTINED',
      `domain ${domain} is in quarantine ${host} since ${since}: the operation ${operation} brought it back ${where}`,
      {
        domain,
        remedy:
          'Look where it runs; fleet.steps.release undefines what is left, or takes the mark when no other host has it',
      },
    );
    this.quarantine = quarantine;
  }
}

/** Rejects with `DOMAIN_QUARANTINED` when the canonical document has that mark. Reads it. */
export async function assertNotQuarantined(reader: DomainAccess, call: CallOptions): Promise<void> {
  const { canonical } = await reader.documents(call);
  const quarantine = quarantineOf(canonical);
  if (quarantine) throw new DomainQuarantinedError(canonical.name, quarantine);
}
