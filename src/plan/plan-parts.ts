import type { BusName, Capacity, Operation, Refusal } from '../domain/index.js';
import type { Fingerprints } from './fingerprints.js';

/** The form of `plan.toJSON()`. Another number is another form. */
export const PLAN_FORMAT_VERSION = 1;

/** Places on a bus now, and how many are free once the plan is applied. */
export interface BusCapacity extends Capacity {
  readonly freeAfter: number;
}

/** What a plan consists of. */
export interface PlanParts {
  /** The domain it is for. */
  readonly domain: { readonly name: string; readonly uuid: string };
  readonly operations: readonly Operation[];
  readonly refusals: readonly Refusal[];
  /** What an operator should know besides: already there, managed-save image present, … */
  readonly notes: readonly string[];
  /** Places on each bus, in both documents together: on `pci` and `conventional` those for hot-plug. */
  readonly capacity: Readonly<Record<BusName, BusCapacity>>;
  /** Digest of both documents; `apply` refuses the plan when they have changed since. */
  readonly digest: string;
  /** Of a plan without the context that it was made from. */
  readonly fingerprints?: Fingerprints;
}

/** A plan as plain data: what `JSON.stringify` makes of it is all there is to it, but for secrets. */
export interface PlanJson extends Pick<PlanParts, 'domain' | 'digest' | 'refusals' | 'notes' | 'capacity'> {
  readonly formatVersion: typeof PLAN_FORMAT_VERSION;
  readonly fingerprints: Fingerprints;
  readonly operations: readonly unknown[];
}
