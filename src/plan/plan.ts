import type { BusName, Capacity, Operation, Refusal } from '../domain/index.js';
import { renderPlan } from './render.js';

/** Places on a bus now, and how many are free once the plan is applied. */
export interface BusCapacity extends Capacity {
  readonly freeAfter: number;
}

/** The ordered operations for a change request, and what of it is refused. An immutable value, bound to what it was made from. */
export class Plan {
  /** The domain it is for. */
  readonly domain: { readonly name: string; readonly uuid: string };
  readonly operations: readonly Operation[];
  readonly refusals: readonly Refusal[];
  /** What an operator should know beside: already there, managed-save image present, … */
  readonly notes: readonly string[];
  /** Places on each bus, in both documents together: on `pci` and `conventional` those for hot-plug. */
  readonly capacity: Readonly<Record<BusName, BusCapacity>>;
  /** Digest of both documents; `apply` refuses the plan when they have changed since. */
  readonly digest: string;

  constructor(parts: Pick<Plan, 'domain' | 'operations' | 'refusals' | 'notes' | 'capacity' | 'digest'>) {
    this.domain = parts.domain;
    this.operations = parts.operations;
    this.refusals = parts.refusals;
    this.notes = parts.notes;
    this.capacity = parts.capacity;
    this.digest = parts.digest;
    deepFreeze(this);
  }

  /** True when nothing is to be done and nothing was refused: the domain is as asked. */
  get isEmpty(): boolean {
    return this.operations.length === 0 && this.refusals.length === 0;
  }

  /** The plan as an operator reads it. */
  toString(): string {
    return renderPlan(this);
  }

  /** The plan as plain data for tools; the calls' XML is left out, since it can hold secrets. */
  toJSON(): object {
    const bare = ({ call, ...rest }: Omit<Operation, 'inverse'>) => ({
      ...rest,
      call: { procedure: call.procedure, flags: flagsOf(call.args) },
    });
    return {
      formatVersion: 1,
      domain: this.domain,
      digest: this.digest,
      operations: this.operations.map(({ inverse, ...operation }) => ({
        ...bare(operation),
        inverse: inverse.map(bare),
      })),
      refusals: this.refusals,
      notes: this.notes,
      capacity: this.capacity,
    };
  }
}

function flagsOf(args: object): number | undefined {
  return 'flags' in args ? (args.flags as number) : undefined;
}

function deepFreeze(value: object): void {
  Object.freeze(value);
  for (const each of Object.values(value))
    if (typeof each === 'object' && each !== null && !Object.isFrozen(each)) deepFreeze(each);
}
