import { sha256 } from '#platform';
import { LibvirtCanonicalError } from '../errors.js';
import type { FleetRefusal } from './placement.js';
import type { FleetPlanJson, PlannedDomain, PlannedHost } from './plan-parts.js';
import { renderFleetPlan } from './render.js';
import type { EvacuateInput, MoveInput, ShutdownInput } from './step-inputs.js';

/**
 * What an operation over several hosts would do with each domain, and what each host has before and after. A value: making it
 * changed nothing, and it can be kept as JSON.
 */
export class FleetPlan implements FleetPlanJson {
  readonly formatVersion = 1;
  readonly kind: FleetPlanJson['kind'];
  readonly host: string;
  readonly domains: readonly PlannedDomain[];
  readonly hosts: readonly PlannedHost[];
  readonly request: FleetPlanJson['request'];
  readonly notes: readonly string[];
  /** Of the decisions: the same for the same domains, ways and targets, whatever is free meanwhile. */
  readonly digest: string;

  /** @internal */
  constructor({ kind, host, domains, hosts, request, notes }: Omit<FleetPlanJson, 'formatVersion' | 'digest'>) {
    this.kind = kind;
    this.host = host;
    this.domains = domains;
    this.hosts = hosts;
    this.request = request;
    this.notes = notes;
    this.digest = digestOf(this);
    deepFreeze(this);
  }

  /** A plan that was kept as JSON, from its value. `SPEC_INVALID` when its digest is not that of what it says. */
  static fromJSON(json: FleetPlanJson): FleetPlan {
    const { formatVersion, digest, domains, hosts } = json ?? {};
    if (formatVersion !== 1 || !Array.isArray(domains) || !Array.isArray(hosts) || digest !== digestOf(json))
      throw new LibvirtCanonicalError('SPEC_INVALID', 'this is no plan of a fleet as toJSON() wrote it', {
        path: 'digest',
        remedy: 'Plan again',
      });
    return new FleetPlan(structuredClone(json));
  }

  /** The domains that go to another host. */
  get moves(): readonly PlannedDomain[] {
    return this.domains.filter(({ does }) => does === 'move');
  }

  /** Why the plan cannot be carried out: of each domain that goes nowhere without anybody having said that it may stay. */
  get refusals(): readonly FleetRefusal[] {
    return this.domains.flatMap(({ does, because }) => (does === 'refused' ? because : []));
  }

  /**
   * What the step functions take, a value for each domain that is moved, shut down or evacuated, in the order in which the plan counted
   * their room.
   */
  get steps(): {
    readonly moves: readonly MoveInput[];
    readonly shutdowns: readonly ShutdownInput[];
    readonly evacuations: ReadonlyArray<Omit<EvacuateInput, 'proof'>>;
  } {
    const { keepFree, leftOutSecrets } = this.request;
    const kept = keepFree && { keepFree };
    const of = ({ name, uuid }: PlannedDomain) => ({ domain: { name, uuid }, from: this.host });
    return {
      moves: this.moves.flatMap((each) => {
        const { running, way = 'live', to = '', copies, shared } = each;
        return way === 'import' ? [] : [{ ...of(each), to, running, way, copies, shared, ...kept }];
      }),
      evacuations: this.moves.flatMap((each) => {
        const { running: start, to = '', bundle } = each;
        return bundle === undefined
          ? []
          : [{ ...of(each), to, start, bundle, ...kept, ...(leftOutSecrets && { leftOutSecrets }) }];
      }),
      shutdowns: this.domains.filter(({ does }) => does === 'shutdown').map(of),
    };
  }

  /** Whether nothing is refused. */
  get isPossible(): boolean {
    return this.domains.every(({ does }) => does !== 'refused');
  }

  /** Whether no domain runs on the host afterwards. */
  get empties(): boolean {
    return this.domains.every(({ does, running }) => does === 'move' || does === 'shutdown' || !running);
  }

  toJSON(): FleetPlanJson {
    const { formatVersion, kind, host, domains, hosts, request, notes, digest } = this;
    return { formatVersion, kind, host, domains, hosts, request, notes, digest };
  }

  toString(): string {
    return renderFleetPlan(this);
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** What is decided of a domain, as text. */
export function decisionOf({ uuid, running, does, way, to, copies, shared, bundle }: PlannedDomain): string {
  return JSON.stringify([uuid, running, does, way, to, copies, shared, bundle]);
}

function digestOf({ kind, host, domains }: Pick<FleetPlanJson, 'kind' | 'host' | 'domains'>): string {
  const decisions = domains.map(decisionOf).sort();
  return sha256(JSON.stringify([kind, host, decisions]), 'hex');
}

function deepFreeze(value: object): void {
  Object.freeze(value);
  for (const each of Object.values(value))
    if (typeof each === 'object' && each !== null && !Object.isFrozen(each)) deepFreeze(each);
}
