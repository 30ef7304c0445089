import { sha256 } from '#platform';
import type { Operation, Refusal } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { StepDomain } from './step-inputs.js';
import type { SilentHost } from './where.js';

/** One operation of a change, without what it sets: that can be a secret. */
export type ChangeStep = Pick<Operation, 'action' | 'subject' | 'scope' | 'takesEffect'>;

/** What a change does to one domain. */
export interface PlannedChange {
  readonly host: string;
  readonly name: string;
  readonly uuid: string;
  readonly running: boolean;
  /** `change`: by the operations. `nothing`: it is as asked already. `refused`: some of it cannot be made. */
  readonly does: 'change' | 'nothing' | 'refused';
  readonly operations: readonly ChangeStep[];
  readonly refusals: readonly Refusal[];
  /** Of the documents that it was planned with. */
  readonly digest: string;
}

/** What the step `apply` takes. */
export interface ApplyInput extends StepDomain {
  /** Of the documents that the change was planned with. */
  readonly digest: string;
  /** An apply that was cut, as by the death of this step: `complete` it (default), `undo` it, or `refuse` to go on. */
  readonly interrupted?: 'complete' | 'undo' | 'refuse';
}

/** What {@link FleetChange} is as JSON. */
export interface FleetChangeJson {
  readonly formatVersion: 1;
  readonly kind: 'apply';
  readonly domains: readonly PlannedChange[];
  readonly silent: readonly SilentHost[];
  readonly digest: string;
}

/** One request planned for many domains. A value: nothing was changed by making it, and the request itself is not in it. */
export class FleetChange implements FleetChangeJson {
  readonly formatVersion = 1;
  readonly kind = 'apply';
  readonly domains: readonly PlannedChange[];
  /** Hosts whose domains are not in it. */
  readonly silent: readonly SilentHost[];
  /** Of the decisions: the same operations on the same domains. */
  readonly digest: string;

  /** @internal */
  constructor(domains: readonly PlannedChange[], silent: readonly SilentHost[]) {
    this.domains = domains;
    this.silent = silent;
    this.digest = digestOf(domains);
    Object.freeze(this);
  }

  /** A change that was kept as JSON, from its value. `SPEC_INVALID` when its digest is not that of what it says. */
  static fromJSON(json: FleetChangeJson): FleetChange {
    const { formatVersion, domains, silent, digest } = json ?? {};
    if (formatVersion !== 1 || !Array.isArray(domains) || !Array.isArray(silent) || digest !== digestOf(domains))
      throw new LibvirtCanonicalError('SPEC_INVALID', 'this is no change of a fleet as toJSON() wrote it', {
        path: 'digest',
        remedy: 'Plan again',
      });
    return new FleetChange(structuredClone(domains), structuredClone(silent));
  }

  /** The domains that cannot be changed as asked. */
  get refused(): readonly PlannedChange[] {
    return this.domains.filter(({ does }) => does === 'refused');
  }

  /** Whether every domain that was found can be changed as asked. */
  get isPossible(): boolean {
    return this.refused.length === 0;
  }

  /** What the step function takes, a value for each domain that is changed. */
  get steps(): { readonly applies: readonly ApplyInput[] } {
    const changed = this.domains.filter(({ does }) => does === 'change');
    return { applies: changed.map(({ name, uuid, host, digest }) => ({ domain: { name, uuid }, from: host, digest })) };
  }

  toJSON(): FleetChangeJson {
    const { formatVersion, kind, domains, silent, digest } = this;
    return { formatVersion, kind, domains, silent, digest };
  }

  /** Those that are alike in one line, refused ones each with the reason. */
  toString(): string {
    const count = (does: PlannedChange['does']) => this.domains.filter((each) => each.does === does).length;
    const kinds = new Map<string, string[]>();
    for (const { does, operations, name, host } of this.domains) {
      if (does !== 'change') continue;
      const words = operations
        .map((each) => `${each.action} ${each.subject} (${each.scope}, ${each.takesEffect})`)
        .join(', ');
      kinds.set(words, [...(kinds.get(words) ?? []), `${name} on ${host}`]);
    }
    return [
      `apply: ${count('change')} change, ${count('nothing')} are as asked already, ${count('refused')} are refused`,
      ...[...kinds].map(([words, names]) => `  ${names.length} × ${words}: ${short(names)}`),
      ...this.refused.flatMap(({ name, host, refusals }) =>
        refusals.map(({ subject, reason, remedy }) => `  REFUSED ${name} on ${host}, ${subject}: ${reason}. ${remedy}`),
      ),
      ...this.silent.map(({ host, why }) => `  silent: ${host}, ${why}`),
    ].join('\n');
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

function digestOf(domains: readonly PlannedChange[]): string {
  const decisions = domains.map(({ uuid, host, does, operations, digest }) =>
    JSON.stringify([uuid, host, does, operations, digest]),
  );
  return sha256(JSON.stringify(decisions.sort()), 'hex');
}

/** As many names as a line has room for. */
function short(names: readonly string[]): string {
  const most = 5;
  return names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}
