import { type CallOptions, LibvirtError } from '../connection/index.js';
import { compareGuestAbi, guestAbi, type Operation, wireArguments } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { digestOf, type Plan } from '../plan/index.js';
import { takeOver, watchLate } from './late.js';
import { callSurely } from './outcome.js';
import { queued } from './queue.js';
import type { DomainReader } from './read.js';
import { detach, type UnplugOptions, type UnplugResult } from './unplug.js';
import { type Documents, GuestAbiChangedError, verifyOperation } from './verify.js';

/** Options of `apply`. */
export interface ApplyOptions {
  readonly signal?: AbortSignal | undefined;
  /** What to do with the operations before one that failed. Default `rollback`. */
  readonly onFailure?: 'rollback' | 'stop';
  /** Told before and after each operation. What it throws is dropped: it cannot end an apply halfway. */
  readonly onProgress?: (progress: ApplyProgress) => void;
  /** How long the guest is given to let go of a device. */
  readonly unplug?: UnplugOptions;
}

export interface ApplyProgress {
  readonly operation: Omit<Operation, 'inverse'>;
  readonly state: 'started' | 'done' | 'undone';
  /** Operations done so far, and all there are. */
  readonly done: number;
  readonly total: number;
}

/** What an apply did. */
export interface ApplyResult {
  /** The operations that ran, in order; each was verified in both documents. */
  readonly operations: readonly Operation[];
  /** How the guest answered each request to let go of a device, in order. */
  readonly unplugs: readonly UnplugResult[];
}

/** An operation without its arguments, which can hold secrets: errors are logged. */
export interface OperationSummary extends Omit<Operation, 'call' | 'inverse'> {
  readonly procedure: Operation['call']['procedure'];
}

function summaryOf({ call, inverse: _, ...rest }: Operation): OperationSummary {
  return { ...rest, procedure: call.procedure };
}

/** An operation failed. `code` is `APPLY_FAILED`, `cause` the failure itself. */
export class ApplyError extends LibvirtCanonicalError {
  override readonly name = 'ApplyError';
  /** The operation that failed. */
  readonly operation: OperationSummary;
  /** Operations that had been applied before it. */
  readonly applied: readonly OperationSummary[];
  /** Operations that were not run. */
  readonly notRun: readonly OperationSummary[];
  /** `undone`: the domain is as it was. `kept`: the applied ones stand. `partial`: undoing failed too, see `rollbackErrors`. */
  readonly rollback: 'undone' | 'kept' | 'partial';
  readonly rollbackErrors: readonly unknown[];

  constructor(
    plan: Plan,
    at: number,
    cause: unknown,
    rollback: ApplyError['rollback'],
    rollbackErrors: readonly unknown[],
  ) {
    const operation = plan.operations[at] as Operation;
    const aftermath = {
      undone: 'the operations before it were undone and the domain is as it was',
      kept: 'the operations before it stand',
      partial: 'undoing the operations before it failed as well',
    }[rollback];
    const why = cause instanceof Error ? cause.message : String(cause);
    const which = `${operation.action} of ${operation.subject} (${operation.scope}), operation ${at + 1} of ${plan.operations.length}`;
    super('APPLY_FAILED', `${which}, failed on ${plan.domain.name}: ${why} — ${aftermath}`, {
      cause,
      domain: plan.domain.name,
      device: operation.subject,
      remedy:
        rollback === 'partial' ? 'Plan again from the documents as they are now' : 'Mend the cause and plan again',
    });
    this.operation = summaryOf(operation);
    this.applied = plan.operations.slice(0, at).map(summaryOf);
    this.notRun = plan.operations.slice(at + 1).map(summaryOf);
    this.rollback = rollback;
    this.rollbackErrors = rollbackErrors;
  }
}

/**
 * Runs a plan: refuses one with refusals (`PLAN_REFUSED`) or a stale one (`PLAN_STALE`) before anything is sent, then
 * makes each call, reads both documents back and compares. Applies to one domain queue up within this process.
 */
export function applyPlan(reader: DomainReader, plan: Plan, options: ApplyOptions = {}): Promise<ApplyResult> {
  return queued(reader.handle.uuid, async () => {
    try {
      return await run(reader, plan, options);
    } catch (error) {
      if (error instanceof ApplyError && isUnconfirmed(error.cause))
        watchLate(reader, plan, error, (late) => applyPlan(reader, late), options.unplug);
      throw error;
    }
  });
}

function isUnconfirmed(cause: unknown): boolean {
  return cause instanceof LibvirtCanonicalError && cause.code === 'UNPLUG_UNCONFIRMED';
}

async function run(reader: DomainReader, plan: Plan, options: ApplyOptions): Promise<ApplyResult> {
  const { signal, onFailure = 'rollback' } = options;
  const call: CallOptions = { signal };
  refuse(plan, reader);
  const context = await reader.context(call);
  if (digestOf(context) !== plan.digest) {
    throw new LibvirtCanonicalError('PLAN_STALE', `domain ${plan.domain.name} has changed since the plan was made`, {
      domain: plan.domain.name,
      remedy: 'Plan again and look at the new plan',
    });
  }
  takeOver(reader, plan);
  const { operations } = plan.completed(context);
  const before: Documents = context;
  let documents = before;
  const total = operations.length;
  const unplugs: UnplugResult[] = [];
  for (const [at, operation] of operations.entries()) {
    tell(options, { operation, state: 'started', done: at, total });
    let called = false;
    try {
      const unplugged = await callSurely(reader, operation, documents, () => makeCall(reader, operation, options));
      called = true;
      if (unplugged) unplugs.push(unplugged);
      // What the guest keeps until the next cold boot is gone from the canonical document, and there it is looked for.
      const kept = unplugged && unplugged.outcome !== 'removed';
      documents = await readBack(reader, kept ? { ...operation, scope: 'config' } : operation, documents, options);
    } catch (cause) {
      // A call that libvirt refused changed nothing; any other failure may have come after the change, or still bring it.
      const nothing = !called && cause instanceof LibvirtError && cause.errorName !== 'VIR_ERR_OPERATION_TIMEOUT';
      const done = operations.slice(0, nothing ? at : at + 1);
      if (onFailure === 'stop') throw new ApplyError(plan, at, cause, 'kept', []);
      const errors = await rollback(reader, done, before, options);
      throw new ApplyError(plan, at, cause, errors.length > 0 ? 'partial' : 'undone', errors);
    }
    tell(options, { operation, state: 'done', done: at + 1, total });
  }
  return { operations, unplugs };
}

function refuse(plan: Plan, { handle }: DomainReader): void {
  if (plan.domain.uuid !== handle.uuid) {
    throw new LibvirtCanonicalError(
      'PLAN_REFUSED',
      `the plan is for domain ${plan.domain.name}, not for ${handle.name}`,
      { domain: handle.name },
    );
  }
  const [first] = plan.refusals;
  if (!first) return;
  const all = plan.refusals.map(({ subject, path, reason }) => `${subject} (${path}): ${reason}`).join('; ');
  throw new LibvirtCanonicalError(
    'PLAN_REFUSED',
    `the plan for ${plan.domain.name} has refusals and nothing of it was done: ${all}`,
    {
      domain: plan.domain.name,
      device: first.subject,
      path: first.path,
      remedy: first.remedy,
    },
  );
}

/** Tells the caller how far it is. What the caller's own code throws there must not leave a domain half changed. */
function tell({ onProgress }: ApplyOptions, progress: ApplyProgress): void {
  try {
    onProgress?.(progress);
  } catch {
    // Documented at `onProgress`.
  }
}

/** Makes the one call of an operation. */
async function makeCall(
  reader: DomainReader,
  operation: Omit<Operation, 'inverse'>,
  options: ApplyOptions,
): Promise<UnplugResult | undefined> {
  if (operation.action === 'detach') return detach(reader, operation, options.unplug ?? {}, options.signal);
  const { procedure } = operation.call;
  const args = { dom: reader.handle, ...wireArguments(operation.call) };
  await reader.connection.call(procedure as 'DOMAIN_ATTACH_DEVICE_FLAGS', args as never, { signal: options.signal });
  return undefined;
}

/** Reads both documents after a call and compares; returns them. */
async function readBack(
  reader: DomainReader,
  operation: Omit<Operation, 'inverse'>,
  before: Documents,
  options: ApplyOptions,
): Promise<Documents> {
  const after = await reader.documents({ signal: options.signal });
  verifyOperation(operation, before, after);
  return after;
}

/** Undoes operations in reverse and compares with how it was; goes on after a failure, so that as much as possible is undone. */
async function rollback(
  reader: DomainReader,
  done: readonly Operation[],
  before: Documents,
  options: ApplyOptions,
): Promise<unknown[]> {
  const errors: unknown[] = [];
  // The caller's signal ended the apply; undoing it is not to be cut off by the same signal.
  const { signal: _, ...patient } = options;
  for (const operation of [...done].reverse()) {
    for (const inverse of operation.inverse) {
      try {
        const documents = await reader.documents();
        if (!needed(inverse, documents)) continue;
        await callSurely(reader, inverse, documents, () => makeCall(reader, inverse, patient));
        await readBack(reader, inverse, documents, patient);
      } catch (error) {
        errors.push(error);
      }
    }
    tell(options, { operation, state: 'undone', done: 0, total: done.length });
  }
  if (errors.length > 0) return errors;
  try {
    const after = await reader.documents();
    for (const side of ['canonical', 'live'] as const) {
      const [a, b] = [before[side], after[side]];
      const differences = a && b ? compareGuestAbi(guestAbi(a), guestAbi(b)) : [];
      if (differences.length > 0)
        errors.push(
          new GuestAbiChangedError(`after undoing, the ${side} document differs`, differences, reader.handle.name),
        );
    }
  } catch (error) {
    errors.push(error);
  }
  return errors;
}

/** False when the document is already as the inverse would make it. */
function needed(inverse: Omit<Operation, 'inverse'>, documents: Documents): boolean {
  if (inverse.action !== 'attach' && inverse.action !== 'detach') return true;
  const document = inverse.scope === 'live' ? documents.live : documents.canonical;
  const there = document?.devices.some(({ identity }) => identity === inverse.subject) ?? false;
  return there === (inverse.action === 'detach');
}
