import type { ObservedDomain, Operation, Refusal } from '../domain/index.js';
import { assertOfTheDomain } from './agreement.js';
import { type Fingerprints, fingerprintsOf } from './fingerprints.js';
import { plainOperation, readPlan } from './plan-json.js';
import { PLAN_FORMAT_VERSION, type PlanJson, type PlanParts } from './plan-parts.js';
import { renderPlan } from './render.js';
import { type MetadataTexts, withoutSecrets, withSecrets } from './secrets.js';

/** The ordered operations for a change request, and what of it is refused. An immutable value, bound to what it was made from. */
export class Plan implements Omit<PlanParts, 'fingerprints'> {
  /** The domain it is for. */
  readonly domain: PlanParts['domain'];
  readonly operations: readonly Operation[];
  readonly refusals: readonly Refusal[];
  /** What an operator should know besides: already there, managed-save image present, … */
  readonly notes: readonly string[];
  /** Places on each bus, in both documents together: on `pci` and `conventional` those for hot-plug. */
  readonly capacity: PlanParts['capacity'];
  /** Digest of both documents; `apply` refuses the plan when they have changed since. */
  readonly digest: string;

  /** What it was made from; a plan read from JSON has none. */
  readonly #context: ObservedDomain | undefined;
  readonly #fingerprints: Fingerprints | undefined;

  constructor(parts: PlanParts, context?: ObservedDomain) {
    this.#context = context;
    this.#fingerprints = parts.fingerprints;
    this.domain = parts.domain;
    this.operations = parts.operations;
    this.refusals = parts.refusals;
    this.notes = parts.notes;
    this.capacity = parts.capacity;
    this.digest = parts.digest;
    deepFreeze(this);
  }

  /** The parts of the domain as it was planned for, a hash for each: what tells, when the digest differs, what has changed. */
  get fingerprints(): Fingerprints {
    return this.#fingerprints ?? (this.#context ? fingerprintsOf(this.#context) : {});
  }

  /** True when nothing is to be done and nothing was refused: the domain is as asked. */
  get isEmpty(): boolean {
    return this.operations.length === 0 && this.refusals.length === 0;
  }

  /** The plan as an operator reads it. */
  toString(): string {
    return renderPlan(this);
  }

  /**
   * The plan that {@link toJSON} told of, from its value or its text: shown and applied like any other, to the same domain as
   * long as that has not changed. Errors: `UNSUPPORTED` for another `formatVersion`, `SPEC_INVALID` naming the path of what
   * is not as it was written.
   */
  static fromJSON(json: unknown): Plan {
    return new Plan(readPlan(json));
  }

  /**
   * With the secrets that JSON leaves out, from the documents it is applied to. `PLAN_REFUSED` when the plan would set a new
   * one, or when what it detaches or puts back is not what is there.
   */
  withSecretsFrom(context: ObservedDomain): Plan {
    if (!this.#context) assertOfTheDomain(this.operations, context);
    const isWhole = ({ withheld }: { withheld?: unknown }) => withheld === undefined;
    if (this.operations.every((operation) => isWhole(operation) && operation.inverse.every(isWhole))) return this;
    const operations = this.operations.map((operation) => ({
      ...withSecrets(operation, context),
      inverse: operation.inverse.map((step) => withSecrets(step, context)),
    }));
    return new Plan({ ...this, operations, fingerprints: this.fingerprints }, context);
  }

  /** What `console.log` shows: the text, since calls can hold secrets. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** The plan as plain data, whole but for secrets: `Plan.fromJSON` reads it back. */
  toJSON(): PlanJson {
    const { digest, fingerprints } = this;
    return { ...this.#plain(this.#context, 'withheld'), digest, fingerprints };
  }

  /**
   * The plan as the journal keeps it, in the document of the domain: texts of metadata would stand there anyhow, and the
   * digest is of the secrets too.
   * @internal
   */
  toJournal(context: ObservedDomain): PlanJson {
    return { ...this.#plain(context, 'kept'), digest: '', fingerprints: fingerprintsOf(context) };
  }

  #plain(context: ObservedDomain | undefined, metadata: MetadataTexts): Omit<PlanJson, 'digest' | 'fingerprints'> {
    const plain = (step: Omit<Operation, 'inverse'>) => plainOperation(withoutSecrets(step, context, metadata));
    return {
      formatVersion: PLAN_FORMAT_VERSION,
      domain: this.domain,
      operations: this.operations.map(({ inverse, ...operation }) => ({
        ...plain(operation),
        inverse: inverse.map(plain),
      })),
      refusals: this.refusals,
      notes: this.notes,
      capacity: this.capacity,
    };
  }
}

function deepFreeze(value: object): void {
  Object.freeze(value);
  for (const each of Object.values(value))
    if (typeof each === 'object' && each !== null && !Object.isFrozen(each)) deepFreeze(each);
}
