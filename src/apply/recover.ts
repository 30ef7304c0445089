import {
  type DomainDocument,
  isOfDomain,
  type ObservedDomain,
  type Operation,
  REDACTED,
  sealedForm,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import {
  changedParts,
  type Fingerprints,
  fingerprintsOf,
  type PartChange,
  type Plan,
  withSecrets,
} from '../plan/index.js';
import type { DomainAccess, LastRead } from './domain-access.js';
import { inDomainQueue, notify } from './domain-queue.js';
import { Journal, removeEntry } from './journal.js';
import { entriesHolder, entriesIn, type JournalEntry, strangersIn } from './journal-entry.js';
import { type OperationStatus, partOf, sidesOf, statusesOf } from './operation-status.js';
import { makeUnlessMade } from './rollback.js';
import { sealAfter } from './seal.js';
import { changesText } from './stale.js';
import { type OperationSummary, type Step, type StepOptions, summaryOf } from './step.js';
import type { UnplugOptions } from './unplug.js';

/** An apply whose process ended halfway, or may have, as its journal in the domain's metadata tells. */
export interface InterruptedApply {
  /** `apply`: it had begun. `claim`: it waits for its turn, or makes one call only, in a process that cannot be seen from here. */
  readonly phase: 'apply' | 'claim';
  readonly since: Date;
  /** The process that applied. `unknown`: one of another host or container, which may still be at it. */
  readonly by: { readonly host: string; readonly pid: number; readonly state: 'ended' | 'unknown' };
  /** Its operations, and whether they took place as far as the documents tell; none of a claim. */
  readonly operations: ReadonlyArray<{ readonly operation: OperationSummary; readonly state: OperationStatus }>;
}

/** Options of `recover`. */
export interface RecoverOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * `complete`: make what is left of the plan. `undo`: take back what was made of it. `keep`: leave the domain as it
   * stands, and only end the apply.
   */
  readonly mode: 'complete' | 'undo' | 'keep';
  /**
   * `ended` (default): refuse unless the process is known to have ended. `gone`: the caller's word that it has, and that all
   * have that wait for their turn and cannot be seen from here.
   */
  readonly owner?: 'ended' | 'gone';
  /** Told before and after each operation that is completed or taken back. What it throws is dropped. */
  readonly onProgress?: (progress: RecoverProgress) => void;
  /** How long the guest is given to let go of a device, and how far that is. */
  readonly unplug?: UnplugOptions;
  /** Milliseconds to wait for another process that recovers the domain. Default 10,000. */
  readonly wait?: number;
}

/** How far a recovery is. */
export interface RecoverProgress {
  readonly operation: OperationSummary;
  readonly state: 'started' | 'done';
  /** Operations looked at so far, and all there are. */
  readonly done: number;
  readonly total: number;
}

/** What a recovery did. */
export interface RecoverResult {
  /** The operations that it made or took back, in order; none when there was nothing to settle. */
  readonly operations: readonly OperationSummary[];
  /** What differs from before the plan and is none of the plan's doing; only after `undo`. */
  readonly differences: readonly PartChange[];
}

/** The apply that was interrupted, else who may stand in the way; undefined when there is none, or when its process is still at it. */
export function interruptedIn({ entries, ...state }: LastRead): InterruptedApply | undefined {
  const entry =
    entries.find(({ phase }) => phase === 'apply') ?? entries.find(({ ownerState }) => ownerState === 'unknown');
  if (!entry || entry.ownerState === 'running') return undefined;
  const { phase, owner, since, ownerState } = entry;
  const plan = phase === 'apply' ? readable(entry) : undefined;
  const found = plan ? statusesOf(plan.operations, plan.fingerprints, state) : [];
  return {
    phase,
    since,
    by: { host: owner.host, pid: owner.pid, state: ownerState },
    operations: (plan?.operations ?? []).map((operation, at) => ({
      operation: summaryOf(operation),
      state: found[at] ?? 'unknown',
    })),
  };
}

/** Whether an apply, in any process, is under way or was cut off. */
export type ApplyPhase = 'none' | 'under way' | 'interrupted';

export function applyPhaseIn(canonical: DomainDocument): ApplyPhase {
  const left = entriesIn(canonical).filter(({ phase, ownerState }) => phase === 'apply' || ownerState !== 'ended');
  if (left.length === 0) return 'none';
  return left.some(({ phase, ownerState }) => phase === 'apply' && ownerState !== 'running')
    ? 'interrupted'
    : 'under way';
}

/** A journal that this version cannot read is an interrupted apply all the same; `recover` says why it cannot be settled. */
function readable(entry: JournalEntry): Plan | undefined {
  try {
    return entry.plan();
  } catch {
    return undefined;
  }
}

/**
 * Settles an interrupted apply: finishes it or takes it back, judging each operation by the documents. Can itself be
 * interrupted and run again. Errors: `APPLY_IN_PROGRESS` while its process runs; `PLAN_REFUSED` when a secret is needed
 * that no document has; `APPLY_FAILED` when a call fails, the journal then stands.
 */
export function recoverDomain(reader: DomainAccess, options: RecoverOptions): Promise<RecoverResult> {
  return inDomainQueue(reader.handle.uuid, () => run(reader, options), options.signal);
}

async function run(reader: DomainAccess, options: RecoverOptions): Promise<RecoverResult> {
  const { signal, mode, wait = 10_000 } = options;
  const context = await reader.context({ signal });
  const nothing: RecoverResult = { operations: [], differences: [] };
  const entries = toSettle(reader, entriesHolder(context), options);
  if (entries.length === 0) return nothing;
  const beside = new Set(entries.map(({ token }) => token));
  // The claim takes the job that calls take: one that the ended process had sent is through when the turn is ours.
  const { journal } = await Journal.claim(reader, context.persistent, { signal, wait, beside });
  try {
    let result = nothing;
    const holder = entriesHolder({ ...context, ...(await reader.documents({ signal })) });
    // Somebody else may have settled it while this process waited.
    const left = [...entriesIn(holder), ...strangersIn(holder)].filter(({ token }) => beside.has(token));
    for (const entry of left) {
      if (entry.phase === 'apply' && isOfDomain(entry.domain, reader.handle.uuid)) {
        if (mode !== 'keep') result = await settle(reader, entry.plan(), mode, options);
        if (context.persistent) await sealRecovered(reader, entry, mode);
      }
      await removeEntry(reader, entry.token, { ...context, live: (await reader.documents({ signal })).live });
    }
    return result;
  } finally {
    await journal.end();
  }
}

/**
 * Seals what the apply did. What is undone is sealed as it was found: what differs from that is somebody else's doing. A
 * domain that had no seal then goes on without.
 */
async function sealRecovered(reader: DomainAccess, entry: JournalEntry, mode: RecoverOptions['mode']): Promise<void> {
  const before = entry.before();
  const { canonical } = await reader.documents();
  if (mode !== 'undo') return sealAfter(reader, before, canonical);
  if (before?.seal) return sealAfter(reader, { seal: before.seal, document: sealedForm(canonical) }, canonical);
}

/**
 * The entries that a recovery settles, which are applies, or only takes out: claims of processes that have ended, and what a
 * copied document brought of another domain. `APPLY_IN_PROGRESS` when a process may still be at it.
 */
function toSettle(reader: DomainAccess, holder: DomainDocument, { owner = 'ended' }: RecoverOptions): JournalEntry[] {
  const entries = entriesIn(holder);
  const applies = entries.filter(({ phase }) => phase === 'apply');
  // Whoever waits and is seen to run comes to its turn by itself.
  const claims = entries.filter(({ phase, ownerState }) => phase === 'claim' && ownerState !== 'running');
  if (owner !== 'gone') assertOwnerEnded(reader, applies.length > 0 ? applies : claims);
  return [
    ...applies,
    ...(owner === 'gone' ? claims : claims.filter(({ ownerState }) => ownerState === 'ended')),
    ...strangersIn(holder),
  ];
}

function assertOwnerEnded({ handle }: DomainAccess, entries: readonly JournalEntry[]): void {
  const running = entries.find(({ ownerState }) => ownerState !== 'ended');
  if (!running) return;
  const { owner: who, ownerState } = running;
  const why = ownerState === 'running' ? 'still runs' : 'cannot be seen from here';
  throw new LibvirtCanonicalError(
    'APPLY_IN_PROGRESS',
    `process ${who.pid} of ${who.host}, which applies to ${handle.name}, ${why}`,
    { domain: handle.name, remedy: "When it is known to have ended, recover with owner: 'gone'" },
  );
}

async function settle(
  reader: DomainAccess,
  { operations, fingerprints }: Plan,
  mode: 'complete' | 'undo',
  { signal, unplug, onProgress }: RecoverOptions,
): Promise<RecoverResult> {
  const ran: OperationSummary[] = [];
  const step: StepOptions = { signal, unplug };
  const order = [...operations.keys()];
  const { length: total } = operations;
  for (const [done, at] of (mode === 'undo' ? order.reverse() : order).entries()) {
    const operation = operations[at] as Operation;
    const told = { operation: summaryOf(operation), total };
    notify(onProgress, { ...told, state: 'started', done });
    const context = await reader.context({ signal });
    const standing = statusesOf(operations, fingerprints, context)[at];
    if (standing === (mode === 'undo' ? 'not done' : 'done')) {
      notify(onProgress, { ...told, state: 'done', done: done + 1 });
      continue;
    }
    try {
      let made = false;
      for (const each of mode === 'undo' ? operation.inverse : [operation])
        made = (await makeUnlessMade(reader, each, step, mode === 'undo' ? restoring : withSecrets)) || made;
      if (made) ran.push(summaryOf(operation));
      notify(onProgress, { ...told, state: 'done', done: done + 1 });
    } catch (cause) {
      throw failed(reader, operation, mode, cause);
    }
  }
  const after = await reader.context({ signal });
  if (mode === 'complete') return { operations: ran, differences: [] };
  return { operations: ran, differences: othersDoing(reader, operations, fingerprints, after) };
}

/** A step back with its secrets. One that an update put another in the place of is in no document any more. */
function restoring(step: Step, context: ObservedDomain): Step {
  // What is to go is found by its name.
  if (step.action === 'detach') return step;
  const lost = step.changes.find(({ from, to }) => from === REDACTED || to === REDACTED);
  if (!lost) return withSecrets(step, context);
  throw new LibvirtCanonicalError(
    'PLAN_REFUSED',
    `the secret that ${step.subject} had (${lost.path}) was overwritten, and the journal holds none`,
    { device: step.subject, remedy: "Recover with mode: 'complete', or 'keep', and set the secret anew" },
  );
}

function failed({ handle }: DomainAccess, { action, subject }: Step, mode: string, cause: unknown): Error {
  if (cause instanceof LibvirtCanonicalError && (cause.code === 'PLAN_REFUSED' || cause.code === 'ABORTED'))
    return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LibvirtCanonicalError(
    'APPLY_FAILED',
    `recovering ${handle.name} (${mode}) failed at ${action} of ${subject}: ${why}`,
    { cause, domain: handle.name, device: subject, remedy: 'Mend the cause and recover again' },
  );
}

/** What differs from before, when it is none of the plan's doing; `APPLY_FAILED` when something of the plan is left. */
function othersDoing(
  { handle }: DomainAccess,
  operations: readonly Operation[],
  before: Fingerprints,
  after: ObservedDomain,
): PartChange[] {
  const changes = changedParts(before, fingerprintsOf(after));
  const planned = changes.filter(({ subject, document }) =>
    operations.some(
      (each) => partOf(each) === subject && (document === 'both' || sidesOf(each, after).includes(document)),
    ),
  );
  if (planned.length === 0) return changes;
  throw new LibvirtCanonicalError(
    'APPLY_FAILED',
    `${handle.name} is not as it was before the plan: ${changesText(planned)}`,
    { domain: handle.name, remedy: "Compare the documents, and recover again or with mode: 'keep'" },
  );
}
