import { setTimeout as sleep } from 'node:timers/promises';
import type { ChangeRequest } from 'libvirt-canonical';
import type { Fence, Fleet } from 'libvirt-canonical/fleet';
import type { BundleStore } from '../bundles.js';
import { type Failure, failureOf } from '../errors.js';
import type { Asked, Store } from '../store/store.js';
import type { Timeouts } from './limit.js';

/** What a host's upgrade is, in code of the caller's: run at least once, so it looks first whether it is done. */
export interface UpgradeHandler {
  readonly upgrade: (host: string, options: { readonly signal: AbortSignal }) => Promise<void>;
  /** Whether the host is ready for domains again. Asked until it says so. Default: as soon as its libvirt answers. */
  readonly ready?: (host: string, options: { readonly signal: AbortSignal }) => Promise<boolean>;
}

/** What the workflows of this process work with. */
export interface Work {
  readonly fleet: Fleet;
  readonly store: Store;
  readonly worker: string;
  readonly fences: Readonly<Record<string, Fence>>;
  readonly bundles: BundleStore | undefined;
  readonly upgrade: UpgradeHandler | undefined;
  /** Changes that hold secrets, by name. */
  readonly requests: Readonly<Record<string, ChangeRequest>>;
  readonly timeouts: Timeouts;
}

/** What came of a step, as a value that the store keeps. */
export type Done<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Failure };

/** What a step is given. */
export interface StepIo extends Work {
  readonly operation: string;
  readonly signal: AbortSignal;
}

/** What passes by itself, so a step that met it is made again. Everything else is for a person. */
const PASSES: readonly string[] = [
  'DAEMON_UNREACHABLE',
  'CONNECTION_LOST',
  'APPLY_IN_PROGRESS',
  'MIGRATION_IN_PROGRESS',
  'FLEET_NO_CAPACITY',
  'OPERATION_EXISTS',
];
/** Milliseconds before each further try. */
const TRIES = [500, 1_000, 2_000, 4_000, 8_000];
/** Milliseconds between two looks at what is asked of the operations under way. */
const LOOK = 250;

/**
 * The steps that this process is making. The engine can hold one set of workflows in a process, so there is one of these.
 * Fenced, it ends all of them at once and lets none record what came of it: whoever takes over looks itself.
 */
export class Steps {
  readonly #work: Work;
  readonly #running = new Map<AbortController, string>();
  readonly #asked = new Map<string, Asked>();
  #looking: NodeJS.Timeout | undefined;
  #fenced = false;
  #idle: (() => void) | undefined;

  constructor(work: Work) {
    this.#work = work;
  }

  get work(): Work {
    return this.#work;
  }

  get fenced(): boolean {
    return this.#fenced;
  }

  /** Makes a step of an operation. It never rejects: what went wrong is a value. Fenced, it never settles. */
  async make<T>(operation: string, run: (io: StepIo) => Promise<T>): Promise<Done<T>> {
    if (this.#fenced) return never();
    const controller = new AbortController();
    this.#running.set(controller, operation);
    this.#look();
    try {
      for (const wait of [...TRIES, undefined]) {
        const done = await this.#once(operation, controller.signal, run);
        if (this.#fenced) return await never();
        if (done.ok || wait === undefined || !PASSES.includes(done.error.code) || controller.signal.aborted)
          return done;
        await sleep(wait, undefined, { signal: controller.signal }).catch(() => undefined);
        if (this.#fenced) return await never();
      }
      throw new Error('unreachable');
    } finally {
      this.#running.delete(controller);
      if (this.#running.size === 0) this.#idle?.();
    }
  }

  async #once<T>(operation: string, signal: AbortSignal, run: (io: StepIo) => Promise<T>): Promise<Done<T>> {
    for (;;) {
      try {
        return { ok: true, value: await run({ ...this.#work, operation, signal }) };
      } catch (error) {
        if (!isStoreAway(error)) return { ok: false, error: failureOf(error) };
        // Until it is back, or this worker has lost its session. A step looks first, so it may be made again.
        await sleep(AWAY);
        if (this.#fenced) return never();
      }
    }
  }

  /** What is asked of an operation now. */
  async asked(operation: string): Promise<Asked> {
    return this.#asked.get(operation) ?? (await this.#work.store.operation(operation)).asked;
  }

  #look(): void {
    if (this.#looking !== undefined || this.#fenced) return;
    const look = async () => {
      const ids = [...new Set(this.#running.values())];
      if (ids.length === 0 || this.#fenced) {
        this.#looking = undefined;
        this.#asked.clear();
        return;
      }
      try {
        for (const { id, asked } of await this.#work.store.operations(ids)) {
          this.#asked.set(id, asked);
          if (asked !== 'abort') continue;
          for (const [controller, operation] of this.#running)
            if (operation === id) controller.abort(new Error('the operation was cancelled'));
        }
      } catch {
        // The store is away: what is under way goes on, as it was asked for last.
      }
      this.#looking = setTimeout(look, LOOK);
    };
    this.#looking = setTimeout(look, 0);
  }

  /** Waits until nothing is under way, at most so long. Whether nothing is. */
  async idle(within: number): Promise<boolean> {
    if (this.#running.size > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      await Promise.race([idle, sleep(within, undefined, { ref: false })]);
    }
    return this.#running.size === 0;
  }

  /** Ends all steps at once; none of them records anything. */
  fence(why: string): void {
    this.#fenced = true;
    clearTimeout(this.#looking);
    for (const controller of this.#running.keys()) controller.abort(new Error(why));
  }
}

/** Milliseconds before the store is asked again that did not answer. */
const AWAY = 500;

/** Whether PostgreSQL ended the connection, or there is none: by Node's codes, by SQLSTATE classes 08 and 57P, by the client's words. */
export function isStoreAway(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && /^(ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|08...|57P0[1-3])$/.test(code))
    return code !== 'ENOENT' || String(message).includes('.s.PGSQL');
  return /^(Connection terminated|timeout expired|Client has encountered a connection error)/.test(String(message));
}

export const never = (): Promise<never> => new Promise(() => undefined);

let steps: Steps | undefined;

/** The steps of this process. A workflow runs only where they are. */
export function current(): Steps {
  if (!steps) throw new Error('no engine is open in this process');
  return steps;
}

/** Sets the steps of this process. */
export function setCurrent(of: Steps | undefined): void {
  steps = of;
}
