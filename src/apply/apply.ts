import { LibvirtError } from '../connection/index.js';
import {
  type ObservedDomain,
  type Operation,
  readSeal,
  type SealBaseline,
  sealBaseline,
  sealedForm,
  updatedSeal,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { Plan } from '../plan/index.js';
import { callAndConfirm, OpenOutcome } from './confirm-call.js';
import type { DomainAccess } from './domain-access.js';
import { inDomainQueue, notify } from './domain-queue.js';
import { foreignBetween, staleParts } from './foreign.js';
import { type GuestEnd, guestEnd, guestEndText } from './guest-end.js';
import { assertNotInterrupted, Journal, vanished } from './journal.js';
import { entriesHolder, entriesIn } from './journal-entry.js';
import { cancelLateUnplugs, completeLateUnplug, stillAsked } from './late-unplug.js';
import type { DomainLog } from './log.js';
import { type Done, rollback } from './rollback.js';
import { sealAfter } from './seal.js';
import { assertNotStale, PlanStaleError } from './stale.js';
import {
  hasAllFor,
  isBeside,
  isUnplug,
  makeCall,
  type OperationSummary,
  readBack,
  readFor,
  summaryOf,
} from './step.js';
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
   * `undone`: both documents are exactly as they were. `kept`: the applied ones stand,
   * for good. `partial`: undoing failed too, or was not tried because the call may still take place, see `rollbackErrors`;
   * the journal of the apply stands, and `recover` settles it.
   */
  readonly rollback: 'undone' | 'kept' | 'partial';
  readonly rollbackErrors: readonly unknown[];
  /** When the guest ended during the operation: the end of its log, where QEMU says why if it ended by itself. */
  readonly log: DomainLog | undefined;

  constructor(
    plan: Plan,
    at: number,
    cause: unknown,
    rollback: ApplyError['rollback'],
    rollbackErrors: readonly unknown[],
    ended?: GuestEnd,
  ) {
    const operation = plan.operations[at] as Operation;
    const [first] = rollbackErrors;
    const stands = isUnplug(operation) && !(cause instanceof LibvirtError) && !isRefused(cause) && !ended;
    const asItWas = stands
      ? 'the operations before it were undone, but the request to the guest stands until it answers or stops'
      : 'the operations before it were undone and the domain is as it was';
    const aftermath = {
      undone: ended ? 'the operations before it were undone' : asItWas,
      kept: 'the operations before it stand',
      partial:
        first instanceof OpenOutcome
          ? `${first.message}, so nothing was undone`
          : `undoing the operations before it failed as well: ${rollbackErrors.map(textOf).join('; ')}`,
    }[rollback];
    const why = [textOf(cause), ...(ended ? [guestEndText(ended)] : [])].join(' — ');
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
    this.log = ended?.log;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isRefused(cause: unknown): boolean {
  return cause instanceof LibvirtCanonicalError && cause.code === 'UNPLUG_REFUSED';
}

/**
 * Runs a plan: refuses one with refusals (`PLAN_REFUSED`) or a stale one (`PLAN_STALE`) before anything is sent, waits for
 * its turn among processes, makes each call, reads both documents back and compares. Applies to one domain queue up within
 * this process; of two processes one has the turn, and the other waits or is refused (`APPLY_IN_PROGRESS`).
 */
export function applyPlan(reader: DomainAccess, plan: Plan, options: ApplyOptions = {}): Promise<ApplyResult> {
  const work = async () => {
    try {
      return await run(reader, plan, options);
    } catch (error) {
      if (error instanceof ApplyError && error.operation.action === 'detach' && isUnconfirmed(error.cause))
        completeLateUnplug(reader, plan, error, (late) => applyPlan(reader, late), options.unplug);
      throw error;
    }
  };
  return inDomainQueue(reader.handle.uuid, work, options.signal);
}

function isUnconfirmed(cause: unknown): boolean {
  return cause instanceof LibvirtCanonicalError && cause.code === 'UNPLUG_UNCONFIRMED';
}

async function run(reader: DomainAccess, plan: Plan, options: ApplyOptions): Promise<ApplyResult> {
  const { signal, wait = WAIT } = options;
  assertAppliable(plan, reader);
  // Whatever can be refused is refused before anything is written.
  // A managed save matters to who looks at a plan, and to no call.
  const context = await reader.context({ signal }, { managedSave: false });
  assertNotInterrupted(reader, entriesIn(entriesHolder(context)));
  assertNotStale(plan, context);
  const whole = plan.withSecretsFrom(context);
  if (whole.operations.length === 0) return { operations: [], unplugs: [] };
  const autostart = whole.operations.some(isBeside);
  const { journal, context: now } = await Journal.claim(reader, context.persistent, {
    signal,
    wait,
    context,
    autostart,
  });
  let live: Documents['live'];
  try {
    assertNotStale(plan, now);
    cancelLateUnplugs(reader, plan);
    // One call takes place or does not; what several lead to can be left halfway.
    const found = whole.operations.length > 1 ? await journal.begin(whole, context, { signal }) : now;
    live = now.live;
    const result = await perform(reader, whole, context, found, journal, options);
    await journal.end(live, true);
    return result;
  } catch (error) {
    // What could not be undone is left to `recover`.
    if (error instanceof ApplyError && error.rollback === 'partial') {
      // Of a single call nothing was written down.
      if (whole.operations.length === 1) await journal.begin(whole, context, {}).catch(() => {});
      await journal.leave();
    } else await journal.end(live).catch(() => {});
    throw error;
  }
}

/** How far the calls of a plan have come. */
interface Work {
  /** As they were read last. */
  documents: Documents;
  readonly begun: Done[];
  readonly unplugs: UnplugResult[];
  /** What the seal is made from. */
  sealing: SealBaseline;
}

/** Makes the calls, each verified, and undoes them when one fails. */
async function perform(
  reader: DomainAccess,
  plan: Plan,
  before: ObservedDomain,
  found: Documents,
  journal: Journal,
  options: ApplyOptions,
): Promise<ApplyResult> {
  const { operations } = plan;
  const total = operations.length;
  const work: Work = {
    documents: before,
    begun: [],
    unplugs: [],
    sealing: sealBaseline(before.canonical),
  };
  const seals = before.persistent && operations.some(({ scope }) => scope !== 'live');
  for (const [at, operation] of operations.entries()) {
    notify(options.onProgress, { operation, state: 'started', done: at, total });
    try {
      // Nothing was sent after it. Who is told in between may take its time, or change the domain.
      const read = options.onProgress ? undefined : at === 0 ? found : work.documents;
      await applyOne(reader, operation, work, read, options);
    } catch (cause) {
      const ended = await guestEnd(reader, before);
      const { rollback: outcome, errors } = await afterFailure(reader, before, work, seals, cause, options);
      throw new ApplyError(plan, at, cause instanceof OpenOutcome ? cause.loss : cause, outcome, errors, ended);
    }
    if (!journal.standsIn(work.documents)) throw vanished(reader);
    notify(options.onProgress, { operation, state: 'done', done: at + 1, total });
  }
  if (seals) await sealAfter(reader, work.sealing, work.documents.canonical, { read: true });
  return { operations, unplugs: work.unplugs };
}

/** Makes one call on the domain as it is now, by a reading of just now where there is one, and compares what came of it. */
async function applyOne(
  reader: DomainAccess,
  operation: Operation,
  work: Work,
  read: Documents | undefined,
  options: ApplyOptions,
): Promise<void> {
  const found = read && hasAllFor(operation, read) ? read : await readFor(reader, operation, options);
  assertOfThisDomain(reader, operation, work, found);
  work.begun.push({ operation, found });
  // Noted before the call: a request that the guest answers during it stands no longer when the documents are compared.
  const asked = stillAsked(reader);
  const unplugged = await callAndConfirm(reader, operation, found, () => makeCall(reader, operation, options)).catch(
    (error: unknown) => {
      // A call that libvirt refused changed nothing; any other failure may have come after the change, or still bring it.
      if (error instanceof LibvirtError && error.errorName !== 'VIR_ERR_OPERATION_TIMEOUT') work.begun.pop();
      return Promise.reject(error);
    },
  );
  if (unplugged) work.unplugs.push(unplugged);
  // What the guest keeps until the next cold boot is gone from the canonical document, and there it is looked for.
  const kept = unplugged !== undefined && unplugged.outcome !== 'removed';
  work.documents = await readBack(reader, kept ? { ...operation, scope: 'config' } : operation, found, options, asked);
  work.begun[work.begun.length - 1] = { operation, found, left: work.documents };
}

/** Takes note of what others changed since the last call. `PLAN_STALE` when the operation was made from it. */
function assertOfThisDomain(reader: DomainAccess, operation: Operation, work: Work, found: Documents): void {
  const { documents: known, sealing } = work;
  const foreign = foreignBetween(known, found);
  work.documents = found;
  if (foreign.length > 0) {
    // What was done by now is this library's doing, and sealed; what others did is not.
    const libvirt = reader.connection.libvirtVersion;
    const document = updatedSeal(sealing, known.canonical, libvirt);
    work.sealing = { seal: { libvirt, document }, document: sealedForm(found.canonical) };
  }
  const parts = staleParts(operation, foreign, known, found);
  if (known.live === undefined && found.live) parts.push({ subject: 'state', document: 'live', how: 'added' });
  if (parts.length > 0) throw new PlanStaleError(reader.handle.name, parts);
}

/** What becomes of the operations before one that failed. */
async function afterFailure(
  reader: DomainAccess,
  before: ObservedDomain,
  { begun, sealing }: Work,
  seals: boolean,
  cause: unknown,
  options: ApplyOptions,
): Promise<{ rollback: ApplyError['rollback']; errors: readonly unknown[] }> {
  // Undoing could be overtaken by the call itself.
  if (cause instanceof OpenOutcome) return { rollback: 'partial', errors: [cause] };
  if (options.onFailure === 'stop') {
    if (seals) await sealAfter(reader, sealing);
    return { rollback: 'kept', errors: [] };
  }
  const undone = (operation: Operation) =>
    notify(options.onProgress, { operation, state: 'undone', done: 0, total: begun.length });
  const errors = await rollback(reader, begun, before, options, undone);
  if (errors.length > 0) return { rollback: 'partial', errors };
  // What differs from the seal now is others' doing. A domain without a seal goes on without.
  if (seals && readSeal(before.canonical) !== 'missing') {
    const { seal } = sealBaseline(before.canonical);
    await reader.documents().then(
      ({ canonical }) => sealAfter(reader, { seal, document: sealedForm(canonical) }, canonical),
      () => {},
    );
  }
  return { rollback: 'undone', errors };
}

function assertAppliable(plan: Plan, { handle }: DomainAccess): void {
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
