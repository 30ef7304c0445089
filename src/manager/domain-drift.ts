import type { CallOptions } from '../connection/index.js';
import { acceptDrift, type Drift, driftOf, planUndoDriftOf } from '../observe/index.js';
import type { Plan, UndoDriftOptions } from '../plan/index.js';
import { DomainChanges } from './domain-changes.js';

/** What others did to a domain: told, accepted, or taken back. */
export abstract class DomainDrift extends DomainChanges {
  /**
   * What somebody else changed in the canonical document since this library last wrote it, by the seal that it leaves in
   * the domain's `<metadata>`. Nothing is written. A changed value of a secret does not show: a seal holds none.
   */
  drift(options: CallOptions = {}): Promise<Drift> {
    return driftOf(this.reader, options);
  }

  /** Takes the canonical document as it is: seals it anew. virDomainSetMetadata. Errors: `DOMAIN_STATE` while an apply is under way or interrupted. */
  acceptDrift(options: CallOptions = {}): Promise<void> {
    return this.alone(() => acceptDrift(this.reader, options));
  }

  /**
   * Plans the way back to the canonical document as this library left it; nothing is changed, and nothing is ever defined.
   * What no call can bring back stands in `plan.refusals`; `only` leaves it out. Errors: `DOMAIN_STATE` without a seal.
   */
  planUndoDrift(options: UndoDriftOptions & CallOptions = {}): Promise<Plan> {
    return planUndoDriftOf(this.reader, options);
  }
}
