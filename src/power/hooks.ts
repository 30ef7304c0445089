import { inDomainQueue } from '../apply/index.js';
import { DomainDocument } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type DiskStorage, disksOf } from '../plan/index.js';

/** What the library is doing when it calls a hook. */
export type HookOperation = 'start' | 'restore' | 'shutdown' | 'destroy' | 'reboot' | 'save' | 'rescue' | 'unrescue';

/** What a hook is told beside the domain. */
export interface HookContext {
  readonly operation: HookOperation;
  /**
   * The disks of the canonical document with the records of how their volumes were connected. After a stop also those whose
   * disk is gone by then: detached from the next boot on, so that this is the moment to disconnect.
   */
  readonly disks: readonly DiskStorage[];
  /** The caller's signal: a hook that takes long ends its work on it. */
  readonly signal?: AbortSignal | undefined;
}

/** What the caller of a hook says; the runner reads the disks. */
export type HookMoment = Omit<HookContext, 'disks'>;

/**
 * Work of the caller's own at the edges of a domain's run. A hook can run more than once for one run (a hard reboot of a
 * domain that is off calls `afterStop` too), so each makes a state true rather than changes it. A hook may plan and
 * apply on its domain.
 */
export interface DomainHooks<Domain> {
  /** Before each start: connect volumes, plug VIFs, check backing files. A rejection keeps the domain from starting: `HOOK_FAILED`. */
  readonly beforeStart?: (domain: Domain, context: HookContext) => Promise<void> | void;
  /** After each stop by this library, and after a start that failed, also in `beforeStart`: undo what that did. */
  readonly afterStop?: (domain: Domain, context: HookContext) => Promise<void> | void;
}

export type HookName = keyof DomainHooks<unknown>;

/** What the runner needs of the domain that it calls hooks for. */
interface HookSubject {
  readonly name: string;
  readonly uuid: string;
  canonical(): Promise<string>;
}

/** A hook rejected. The domain is shut off. `cause` is what the hook threw; `code` is `HOOK_FAILED`. */
export class HookError extends LibvirtCanonicalError {
  override readonly name = 'HookError';
  readonly hook: HookName;
  readonly operation: HookOperation;
  constructor(hook: HookName, operation: HookOperation, domain: string, cause: unknown) {
    const said = cause instanceof Error ? cause.message : String(cause);
    super('HOOK_FAILED', `the hook ${hook} of domain ${domain} failed during ${operation}: ${said}`, {
      cause,
      domain,
      remedy: 'The domain is shut off; mend what the hook says and ask again',
    });
    this.hook = hook;
    this.operation = operation;
  }
}

type BoundHooks = Readonly<Record<HookName, ((context: HookContext) => Promise<void> | void) | undefined>>;

/** Calls the hooks of one domain. */
export class HookRunner {
  readonly #subject: HookSubject;
  readonly #hooks: BoundHooks;

  private constructor(subject: HookSubject, hooks: BoundHooks) {
    this.#subject = subject;
    this.#hooks = hooks;
  }

  /** The hooks with the domain they are for filled in. */
  static for<Domain extends HookSubject>(domain: Domain, { beforeStart, afterStop }: DomainHooks<Domain>): HookRunner {
    return new HookRunner(domain, {
      beforeStart: beforeStart && ((context) => beforeStart(domain, context)),
      afterStop: afterStop && ((context) => afterStop(domain, context)),
    });
  }

  /** Rejects with {@link HookError}. */
  async run(hook: HookName, context: HookMoment): Promise<void> {
    const work = this.#hooks[hook];
    if (!work) return;
    try {
      const disks = disksOf(
        new DomainDocument(await this.#subject.canonical()),
        hook === 'afterStop' ? 'also' : 'without',
      );
      // In a line of its own: what it leaves behind, such as a timer, is none of the hook's work once that is over.
      await inDomainQueue(this.#subject.uuid, async () => work({ ...context, disks }));
    } catch (error) {
      throw new HookError(hook, context.operation, this.#subject.name, error);
    }
  }
}
