import { setTimeout as sleep } from 'node:timers/promises';
import type { DBOSClient } from '@dbos-inc/dbos-sdk';
import { EngineError, type Failure } from './errors.js';
import type { Asked, AuditEntry, OperationKind, OperationRow, Store, Wait } from './store/store.js';
import { WORKFLOWS_VERSION } from './version.js';
import type { Confirmed, Message } from './workflows/confirm.js';
import type { OperationResult } from './workflows/index.js';

/** How an operation stands. */
export type OperationState =
  /** No worker has taken it yet. */
  | 'queued'
  | 'running'
  /** Begins nothing new; what was under way ends. */
  | 'paused'
  /** A person is asked for: see `waiting`. */
  | 'waiting'
  /** Begins nothing new, and ends when what was under way has. */
  | 'cancelling'
  /** A worker of that version of this package has to take it, see `version`. */
  | 'other-version'
  | 'ended'
  /** It ended by an error of the engine: see `error` of the result. */
  | 'broken';

/** A domain that is under way. */
export interface UnderWay {
  readonly name: string;
  readonly uuid: string;
  readonly from: string;
  readonly to?: string;
  /** As the step says it: `sending`, `switching`, `starting` and so on. */
  readonly phase?: string;
  /** Of what is to be sent, from 0 to 100. It can go back. */
  readonly percent?: number;
  /** Bytes a second that the guest writes. */
  readonly dirtyRate?: number;
  /** What the policy did last. */
  readonly policy?: string;
}

/** A domain that failed, with the reason. */
export interface FailedDomain {
  readonly name: string;
  readonly uuid: string;
  readonly from: string;
  readonly error: Failure;
}

/** How far an operation is. A plain value. */
export interface OperationProgress {
  readonly id: string;
  readonly kind: OperationKind;
  readonly state: OperationState;
  /** Of the workflows. */
  readonly version: string;
  /** Domains; of an upgrade and an export hosts. */
  readonly total: number;
  readonly done: number;
  readonly left: number;
  readonly moving: readonly UnderWay[];
  readonly failed: readonly FailedDomain[];
  readonly waiting: Readonly<Record<string, Wait>>;
  readonly hosts: readonly string[];
  readonly created: string;
  readonly ended?: string;
}

/** Milliseconds between two looks. */
const LOOK = 250;
const BROKEN: readonly string[] = ['ERROR', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', 'CANCELLED'];

/** An operation over many hosts: to look at and to steer, from any process. Workers carry it out. */
export class Operation {
  readonly id: string;
  readonly #store: Store;
  readonly #client: DBOSClient;

  /** @internal */
  constructor(id: string, store: Store, client: DBOSClient) {
    this.id = id;
    this.#store = store;
    this.#client = client;
  }

  /** How far it is now. Errors: `OPERATION_NOT_FOUND`, `STORE_UNAVAILABLE`. */
  async look(): Promise<OperationProgress> {
    const [row, rows, run] = await Promise.all([
      this.#store.operation(this.id),
      this.#store.progress([this.id]),
      this.#client.getWorkflow(this.id),
    ]);
    return progressOf(row, rows.get(this.id) ?? [], run);
  }

  /** How far it is, whenever that changes, until it has ended; the last one says how. */
  async *progress(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<OperationProgress, void, undefined> {
    let last = '';
    for (;;) {
      const now = await this.look();
      const text = JSON.stringify(now);
      if (text !== last) yield now;
      last = text;
      if (now.state === 'ended' || now.state === 'broken') return;
      await sleep(LOOK, undefined, { ...(options.signal && { signal: options.signal }) });
    }
  }

  /**
   * What came of it, once it has ended. An operation of which domains failed has a result too: it says so. Errors:
   * `OPERATION_NOT_FOUND`; `ENGINE_VERSION` while a worker of another version has to end it; what the engine itself failed with.
   */
  async result(options: { readonly signal?: AbortSignal } = {}): Promise<OperationResult> {
    for (;;) {
      const { state, version } = await this.look();
      if (state === 'ended' || state === 'broken') break;
      if (state === 'other-version')
        throw new EngineError(
          'ENGINE_VERSION',
          `operation ${this.id} was begun by version ${version}, and this is ${WORKFLOWS_VERSION}`,
          'Have a worker of that version end it, or cancel it and begin another one',
        );
      await sleep(LOOK, undefined, { ...(options.signal && { signal: options.signal }) });
    }
    return this.#client.retrieveWorkflow<OperationResult>(this.id).getResult() as Promise<OperationResult>;
  }

  /** Begins nothing new until `resume`. What is under way ends as it would. */
  async pause(by = 'somebody'): Promise<void> {
    await this.#ask('pause', by);
  }

  /** Goes on after `pause`. */
  async resume(by = 'somebody'): Promise<void> {
    await this.#ask('run', by);
  }

  /**
   * Ends it: nothing new is begun. What is under way ends as it would, or, with `moving: 'abort'`, is ended: a domain that was
   * moving stays where it was, running. Nothing is shut off.
   */
  async cancel({
    moving = 'finish',
    by = 'somebody',
  }: {
    readonly moving?: 'finish' | 'abort';
    readonly by?: string;
  } = {}): Promise<void> {
    await this.#ask(moving === 'abort' ? 'abort' : 'cancel', by);
    const { waiting } = await this.#store.operation(this.id);
    for (const [topic, { run }] of Object.entries(waiting))
      await this.#client.send<Message>(run, { cancelled: true }, topic, `cancel ${topic}`);
  }

  async #ask(asked: Asked, by: string): Promise<void> {
    const took = await this.#store.ask(this.id, asked);
    const row = await this.#store.operation(this.id);
    if (!took && row.ended)
      throw new EngineError('OPERATION_CANCELLED', `operation ${this.id} has ended`, 'Look at its result');
    if (!took && row.asked !== asked && !(asked === 'cancel' && row.asked === 'abort'))
      throw new EngineError('OPERATION_CANCELLED', `operation ${this.id} was cancelled`, 'Begin another one');
    if (took) await this.#store.note(this.id, `asked ${asked} ${Date.now()}`, by, asked === 'run' ? 'resume' : asked);
  }

  /**
   * Gives an operation the word that it waits for: see `waiting` of its progress for the topics. It is kept in the audit with the
   * name. Errors: `CONFIRMATION_INVALID` when it does not wait for that, or the word is about another host.
   */
  async confirm(topic: string, word: Confirmed): Promise<void> {
    if (typeof word?.by !== 'string' || word.by.trim() === '')
      throw new EngineError(
        'CONFIRMATION_INVALID',
        'by: nobody is named',
        'Say who confirms it: it is kept in the audit',
      );
    const { waiting } = await this.#store.operation(this.id);
    const wait = waiting[topic];
    const topics = Object.keys(waiting);
    if (!wait)
      throw new EngineError(
        'CONFIRMATION_INVALID',
        `operation ${this.id} does not wait for ${topic}`,
        topics.length > 0 ? `It waits for ${topics.join(', ')}` : 'It waits for nothing now',
      );
    if (wait.host !== undefined && word.host !== wait.host)
      throw new EngineError(
        'CONFIRMATION_INVALID',
        `host: it is asked about ${wait.host}, and the word is about ${word.host ?? 'none'}`,
        'Name the host that you looked at',
      );
    const { by, host, says } = word;
    const message = { by, ...(host !== undefined && { host }), ...(says !== undefined && { says }) };
    await this.#client.send<Message>(wait.run, message, topic, `${topic} ${wait.since}`);
  }

  /** Writes into its audit what somebody did about it by another way. */
  async note(by: string, what: string, detail: object = {}): Promise<void> {
    await this.#store.note(this.id, `noted ${new Date().toISOString()}`, by, what, detail);
  }

  /** Who did, said and decided what, in order of time. */
  audit(): Promise<AuditEntry[]> {
    return this.#store.audit(this.id);
  }

  toString(): string {
    return `operation ${this.id}`;
  }
}

interface Run {
  readonly status: string;
  readonly applicationVersion?: string | undefined;
}

function stateOf(row: OperationRow, run: Run | undefined): OperationState {
  if (run && BROKEN.includes(run.status)) return 'broken';
  if (row.ended && run?.status === 'SUCCESS') return 'ended';
  if (row.version !== WORKFLOWS_VERSION) return 'other-version';
  if (row.asked === 'cancel' || row.asked === 'abort') return 'cancelling';
  if (row.asked === 'pause') return 'paused';
  if (Object.keys(row.waiting).length > 0) return 'waiting';
  return !run || run.status === 'ENQUEUED' ? 'queued' : 'running';
}

const FAILED = 'failed';

/** Progress by what the store has. */
export function progressOf(
  row: OperationRow,
  rows: ReadonlyArray<{ readonly key: string; readonly row: Record<string, unknown> }>,
  run: Run | undefined,
): OperationProgress {
  const moving: UnderWay[] = [];
  const failed: FailedDomain[] = [];
  let done = 0;
  for (const { row: each } of rows) {
    if (each.state === 'under-way') moving.push(underWay(each));
    else if (each.state === FAILED) failed.push(each as unknown as FailedDomain);
    else if (row.kind === 'upgrade') done += each.stage === 'upgraded' ? 1 : 0;
    else if (each.state !== undefined) done += each.state === 'not-begun' ? 0 : 1;
    else if (row.kind === 'export') done += 1;
    else done += Number(each.applied ?? 0) + Number(each.already ?? 0);
  }
  const { id, kind, version, total, waiting, empties, fills, created, ended } = row;
  const left = Math.max(0, total - done - (row.kind === 'upgrade' ? 0 : failed.length + moving.length));
  return {
    id,
    kind,
    state: stateOf(row, run),
    version,
    total,
    done,
    left,
    moving,
    failed,
    waiting,
    hosts: [...new Set([...empties, ...fills])],
    created: created.toISOString(),
    ...(ended && { ended: ended.toISOString() }),
  };
}

function underWay(row: Record<string, unknown>): UnderWay {
  const {
    name,
    uuid,
    from,
    to,
    progress = {},
  } = row as unknown as UnderWay & { readonly progress?: Record<string, unknown> };
  const { phase, fraction, dirtyRate, policy } = progress as {
    phase?: string;
    fraction?: number;
    dirtyRate?: number;
    policy?: ReadonlyArray<{ readonly did: string; readonly why: string }>;
  };
  const last = policy?.at(-1);
  return {
    name,
    uuid,
    from,
    ...(to !== undefined && { to }),
    ...(phase !== undefined && { phase }),
    ...(fraction !== undefined && { percent: Math.round(fraction * 100) }),
    ...(dirtyRate !== undefined && { dirtyRate }),
    ...(last && { policy: `${last.did}: ${last.why}` }),
  };
}
