import { LibvirtError } from '../connection/index.js';
import { beforeWork, type DomainContext, type Operation, readSeal } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { Plan } from '../plan/index.js';
import { entriesIn } from './entry.js';
import { Journal, refuseInterrupted, vanished } from './journal.js';
import { takeOver, watchLate } from './late.js';
import { callSurely } from './outcome.js';
import { queued, tell } from './queue.js';
import type { DomainReader } from './read.js';
import { type Done, rollback } from './rollback.js';
import { sealAfter } from './seal.js';
import { refuseStale } from './stale.js';
import { makeCall, type OperationSummary, readBack, summaryOf } from './step.js';
import type { UnplugOptions, UnplugResult } from './unplug.js';
import type { Documents } from './verify.js';

/** Milliseconds that an apply waits for one of another process. */
const WAIT = 10_000;

/** Options of `apply`. */
export interface ApplyOptions {
  readonly signal?: AbortSignal | undefined;
  /** What to do with the operations before one that failed. Default `rollback`. */
  readonly onFailure?: 'rollback' | 'stop';
  /** Told before and after each operation. What it throws is dropped: it cannot end an apply halfway. */
  readonly onProgress?: (progress: ApplyProgress) => void;
  /** How long the guest is given to let go of a device. */
  readonly unplug?: UnplugOptions;
  /** Milliseconds to wait for another process that applies to the domain. Default 10,000. */
  readonly wait?: number;
}

/** How far an apply is. */
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

/** An operation failed. `code` is `APPLY_FAILED`, `cause` the failure itself. */
export class ApplyError extends LibvirtCanonicalError {
  override readonly name = 'ApplyError';
  /** The operation that failed. */
  readonly operation: OperationSummary;
  /** Operations that had been applied before it. */
  readonly applied: readonly OperationSummary[];
  /** Operations that were not run. */
  readonly notRun: readonly OperationSummary[];
  /**
   * `undone`: both documents are exactly as they were. `kept`: the applied ones stand, for good. `partial`: undoing failed
   * too, see `rollbackErrors`; the journal of the apply stands, and `recover` settles it.
   */
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
        rollback === 'partial'
          ? "Mend the cause, then recover({ mode: 'undo' }) or ({ mode: 'complete' })"
          : 'Mend the cause and plan again',
    });
    this.operation = summaryOf(operation);
    this.applied = plan.operations.slice(0, at).map(summaryOf);
    this.notRun = plan.operations.slice(at + 1).map(summaryOf);
    this.rollback = rollback;
    this.rollbackErrors = rollbackErrors;
  }
}

/**
 * Runs a plan: refuses one with refusals (`PLAN_REFUSED`) or a stale one (`PLAN_STALE`) before anything is sent, waits for
 * its turn among processes, makes each call, reads both documents back and compares. Applies to one domain queue up within
 * this process; of two processes one has the turn, and the other waits or is refused (`APPLY_IN_PROGRESS`).
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
  const { signal, wait = WAIT } = options;
  refuse(plan, reader);
  // Whatever can be refused is refused before anything is written.
  const context = await reader.context({ signal });
  refuseInterrupted(reader, entriesIn(context.canonical));
  refuseStale(plan, context);
  const whole = plan.completed(context);
  if (whole.operations.length === 0) return { operations: [], unplugs: [] };
  const { journal, context: now } = await Journal.claim(reader, context.persistent, { signal, wait });
  let live: Documents['live'];
  try {
    refuseStale(plan, now);
    takeOver(reader, plan);
    // One call takes place or does not; what several lead to can be left halfway.
    if (whole.operations.length > 1) await journal.begin(whole, context, { signal });
    live = now.live;
    const result = await perform(reader, whole, context, journal, options);
    await journal.end(live);
    return result;
  } catch (error) {
    // What could not be undone is left to `recover`.
    if (!(error instanceof ApplyError && error.rollback === 'partial')) await journal.end(live).catch(() => {});
    else await journal.leave();
    throw error;
  }
}

/** Makes the calls, each verified, and undoes them when one fails. */
async function perform(
  reader: DomainReader,
  plan: Plan,
  before: DomainContext,
  journal: Journal,
  options: ApplyOptions,
): Promise<ApplyResult> {
  const { onFailure = 'rollback' } = options;
  const { operations } = plan;
  let documents: Documents = before;
  const total = operations.length;
  const unplugs: UnplugResult[] = [];
  const sealing = beforeWork(before.canonical);
  const seals = before.persistent && operations.some(({ scope }) => scope !== 'live');
  const begun: Done[] = [];
  for (const [at, operation] of operations.entries()) {
    tell(options.onProgress, { operation, state: 'started', done: at, total });
    begun.push({ operation, found: documents.canonical });
    let called = false;
    try {
      const unplugged = await callSurely(reader, operation, documents, () => makeCall(reader, operation, options));
      called = true;
      if (unplugged) unplugs.push(unplugged);
      // What the guest keeps until the next cold boot is gone from the canonical document, and there it is looked for.
      const kept = operation.action === 'detach' && unplugged && unplugged.outcome !== 'removed';
      documents = await readBack(reader, kept ? { ...operation, scope: 'config' } : operation, documents, options);
    } catch (cause) {
      // A call that libvirt refused changed nothing; any other failure may have come after the change, or still bring it.
      const nothing = !called && cause instanceof LibvirtError && cause.errorName !== 'VIR_ERR_OPERATION_TIMEOUT';
      const done = nothing ? begun.slice(0, -1) : begun;
      if (onFailure === 'stop') {
        if (seals) await sealAfter(reader, sealing);
        throw new ApplyError(plan, at, cause, 'kept', []);
      }
      const undone = (each: Operation) =>
        tell(options.onProgress, { operation: each, state: 'undone', done: 0, total: done.length });
      const errors = await rollback(reader, done, before, options, undone);
      if (errors.length > 0) throw new ApplyError(plan, at, cause, 'partial', errors);
      // A domain without a seal goes on without.
      if (seals && readSeal(before.canonical) !== 'missing') await sealAfter(reader, sealing);
      throw new ApplyError(plan, at, cause, 'undone', []);
    }
    if (!journal.standsIn(documents)) throw vanished(reader);
    tell(options.onProgress, { operation, state: 'done', done: at + 1, total });
  }
  if (seals) await sealAfter(reader, sealing, documents.canonical);
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
