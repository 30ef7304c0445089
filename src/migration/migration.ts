import type { DomainAccess } from '../apply/index.js';
import type { Connection } from '../connection/index.js';
import { AbortedError } from '../errors.js';
import { methodTrace } from '../tracing.js';
import { MigrationError, type MigrationWhereabouts } from './errors.js';
import { connectionOf, type MigrationDestination } from './hosts.js';
import { type MigrationOptions, type MigrationRequest, migrationRequest } from './options.js';
import { type MigrationPhase, type MigrationProgress, type PolicyAct, progressOf } from './progress.js';
import { runMigration } from './run.js';
import type { MigrationResult } from './run-context.js';
import { observe } from './settle.js';

/** Most readings that wait for whoever iterates; older ones without an act of the policy are dropped. */
const WAITING = 256;

/**
 * A migration under way. Iterating it gives its progress; {@link done} what became of it. Leaving the scope of an
 * `await using` aborts it unless it is done.
 */
export class Migration implements AsyncIterable<MigrationProgress>, AsyncDisposable {
  /**
   * Resolves when the domain runs at the destination and the source has let it go. Errors: `MIGRATION_REFUSED`
   * (MigrationRefusedError) before anything is changed; `MIGRATION_FAILED` and `ABORTED` when it is on the source as
   * before, `MIGRATION_UNSETTLED` when that is not certain (all three MigrationError, with `where`); `APPLY_IN_PROGRESS`,
   * `APPLY_INTERRUPTED`, `HOOK_FAILED`.
   */
  readonly done: Promise<MigrationResult>;
  readonly #stop = new AbortController();
  readonly #begun = performance.now();
  readonly #look: () => Promise<MigrationWhereabouts>;
  readonly #acts: PolicyAct[] = [];
  #waiting: MigrationProgress[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  /** @internal */
  constructor(reader: DomainAccess, destination: Connection, request: MigrationRequest) {
    const signal = request.signal ? AbortSignal.any([request.signal, this.#stop.signal]) : this.#stop.signal;
    this.#look = async () => {
      const {
        outcome,
        source,
        destination: there,
      } = await observe({
        source: reader.connection,
        destination,
        uuid: reader.handle.uuid,
      });
      return { outcome, source, destination: there };
    };
    const { name, uuid } = reader.handle;
    const run = async () => {
      const result = await runMigration(reader, destination, request, {
        signal,
        tell: (progress) => this.#tell(progress),
        phase: (phase) => this.#tell(progressOf(phase, performance.now() - this.#begun, {})),
      }).catch((error: unknown) => this.#notBegun(name, error));
      return { ...result, total: performance.now() - this.#begun, policy: this.#acts };
    };
    this.done = methodTrace.promise(() => ({ method: 'ManagedDomain.migrate', domain: { name, uuid } }), run);
    this.done.then(
      () => this.#end(),
      () => this.#end(),
    );
  }

  /** What it is doing now. */
  phase: MigrationPhase = 'checking';

  /**
   * Ends it, and resolves with where the domain is then, as both hosts tell: on the source as before, or at the destination
   * when it was too late. Never hangs on a host that does not answer: `abortTimeout`.
   */
  async abort(reason?: unknown): Promise<MigrationWhereabouts> {
    this.#stop.abort(reason ?? new AbortedError('the migration', undefined));
    const error = await this.done.then(
      () => undefined,
      (failure: unknown) => failure,
    );
    return error instanceof MigrationError ? error.where : this.#look();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<MigrationProgress, void, undefined> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) yield next;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.abort();
  }

  /** One that was given up while it was checked, or waited for other work on the domain, tells where the domain is like any other. */
  async #notBegun(domain: string, error: unknown): Promise<never> {
    if (!(error instanceof AbortedError)) throw error;
    const where = await this.#look();
    const remedy = 'Nothing was changed; ask again when it is to migrate';
    throw new MigrationError('ABORTED', `the migration of ${domain} was aborted before it began`, where, {
      domain,
      remedy,
      cause: error,
    });
  }

  #tell(progress: MigrationProgress): void {
    this.phase = progress.phase;
    this.#acts.push(...progress.policy);
    this.#waiting.push(progress);
    if (this.#waiting.length > WAITING) {
      const at = this.#waiting.findIndex(({ policy }) => policy.length === 0);
      this.#waiting.splice(Math.max(at, 0), 1);
    }
    this.#wake?.();
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}

/** Migrates a domain: see `ManagedDomain.migrate`. Throws at once for options that are wrong. */
export function migrate(
  reader: DomainAccess,
  destination: MigrationDestination,
  options: MigrationOptions = {},
): Migration {
  return new Migration(reader, connectionOf(destination), migrationRequest(options));
}
