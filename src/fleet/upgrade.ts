import { sha256 } from '#platform';
import { LibvirtCanonicalError } from '../errors.js';
import { COUNT, checkOptions, TEXTS } from '../options.js';
import { planDrain } from './drain.js';
import { DRAIN, type DrainRequest } from './drain-request.js';
import { checkHostName, checkHostNames } from './hosts.js';
import type { Member } from './member.js';
import type { FleetRefusal } from './placement.js';
import { FleetPlan } from './plan.js';
import type { FleetPlanJson, PlannedDomain } from './plan-parts.js';
import { sightsOf } from './sight.js';

/** What `fleet.planRollingUpgrade` is asked for: the hosts, and what each of their drains is asked for. */
export interface UpgradeRequest extends DrainRequest {
  /** The hosts to upgrade, in this order. */
  readonly hosts: readonly string[];
  /** How many at a time. Default 1. */
  readonly batch?: number | undefined;
}

/** Hosts that are upgraded at the same time. */
export interface UpgradeBatch {
  readonly hosts: readonly string[];
  /** A plan for each, in the order in which they are carried out: a later one counts on the room that the ones before leave. */
  readonly plans: readonly FleetPlan[];
}

/** What {@link FleetUpgrade} is as JSON. */
export interface FleetUpgradeJson {
  readonly formatVersion: 1;
  readonly kind: 'upgrade';
  readonly batches: ReadonlyArray<{ readonly hosts: readonly string[]; readonly plans: readonly FleetPlanJson[] }>;
  readonly digest: string;
}

/** How hosts are emptied batch by batch. A value: nothing was changed by making it. */
export class FleetUpgrade {
  readonly formatVersion = 1;
  readonly kind = 'upgrade';
  readonly batches: readonly UpgradeBatch[];
  /** Of the decisions of all plans. */
  readonly digest: string;

  /** @internal */
  constructor(batches: readonly UpgradeBatch[]) {
    this.batches = batches;
    const digests = batches.map(({ plans }) => plans.map(({ digest }) => digest));
    this.digest = sha256(JSON.stringify(digests), 'hex');
    Object.freeze(this);
  }

  /** An upgrade that was kept as JSON, from its value. `SPEC_INVALID` when a digest is not that of what it says. */
  static fromJSON({ batches, digest }: FleetUpgradeJson): FleetUpgrade {
    const read = new FleetUpgrade(batches.map(({ hosts, plans }) => ({ hosts, plans: plans.map(FleetPlan.fromJSON) })));
    if (read.digest === digest) return read;
    throw new LibvirtCanonicalError('SPEC_INVALID', 'this is no upgrade of a fleet as toJSON() wrote it', {
      path: 'digest',
      remedy: 'Plan again',
    });
  }

  /** Why it cannot be carried out, over all batches. */
  get refusals(): readonly FleetRefusal[] {
    return this.#plans.flatMap(({ refusals }) => refusals);
  }

  /** Whether nothing is refused in any batch. */
  get isPossible(): boolean {
    return this.#plans.every(({ isPossible }) => isPossible);
  }

  /** Whether each host runs nothing when its turn comes. */
  get empties(): boolean {
    return this.#plans.every(({ empties }) => empties);
  }

  get #plans(): readonly FleetPlan[] {
    return this.batches.flatMap(({ plans }) => plans);
  }

  toJSON(): FleetUpgradeJson {
    const { formatVersion, kind, digest } = this;
    const batches = this.batches.map(({ hosts, plans }) => ({ hosts, plans: plans.map((plan) => plan.toJSON()) }));
    return { formatVersion, kind, batches, digest };
  }

  toString(): string {
    const head = `upgrade of ${this.#plans.length} hosts in ${this.batches.length} batches${this.isPossible ? '' : ': not possible'}`;
    const parts = this.batches.map(({ hosts, plans }, at) =>
      [`batch ${at + 1}: ${hosts.join(', ')}`, ...plans.map((plan) => String(plan).replace(/^/gm, '  '))].join('\n'),
    );
    return [head, ...parts].join('\n');
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** Checks a request: `ARGUMENT_INVALID` with the path. */
export function checkUpgrade(request: unknown): void {
  const table = { ...DRAIN, hosts: TEXTS, batch: COUNT };
  checkOptions<UpgradeRequest>('planRollingUpgrade', request ?? null, table, { needs: ['hosts'] });
}

/** Makes the plan of an upgrade: see `Fleet.planRollingUpgrade`. Reads only. */
export async function planUpgrade(
  members: readonly Member[],
  { hosts, batch = 1, ...drain }: UpgradeRequest,
): Promise<FleetUpgrade> {
  const names = members.map(({ name }) => name);
  for (const [at, name] of hosts.entries()) {
    checkHostName('planRollingUpgrade', `hosts[${at}]`, name, names);
    if (hosts.indexOf(name) < at) throw twice(name, at);
  }
  checkHostNames('planRollingUpgrade', 'to', drain.to, names);
  const sights = await sightsOf(members, drain.signal);
  const batches: UpgradeBatch[] = [];
  for (let first = 0; first < hosts.length; first += batch) {
    const together = hosts.slice(first, first + batch);
    const to = (drain.to ?? names).filter((name) => !together.includes(name));
    const plans: FleetPlan[] = [];
    const before: PlannedDomain[] = [];
    for (const host of together) {
      const plan = await planDrain(members, host, { ...drain, to }, { sights, before: [...before] });
      plans.push(plan);
      before.push(...plan.moves);
    }
    batches.push({ hosts: together, plans });
  }
  return new FleetUpgrade(batches);
}

const twice = (name: string, at: number): LibvirtCanonicalError =>
  new LibvirtCanonicalError('ARGUMENT_INVALID', `planRollingUpgrade: hosts[${at}]: ${name} is in the list twice`, {
    path: `hosts[${at}]`,
  });
