import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { DBOS } from '@dbos-inc/dbos-sdk';
import type { ChangeRequest } from 'libvirt-canonical';
import type { Fence, Fleet } from 'libvirt-canonical/fleet';
import pg from 'pg';
import type { BundleStore } from './bundles.js';
import { EngineError } from './errors.js';
import { type EngineLog, quiet } from './log.js';
import { APPLICATION, clientOf, ENGINE_URL, Operations } from './operations.js';
import { ARRIVALS, DEPARTURES, LANES, LIMITS, type Limits, OPERATIONS, POLL } from './queues.js';
import { Store, type StoreSpec } from './store/store.js';
import { WORKFLOWS_VERSION } from './version.js';
import { Steps, setCurrent, type UpgradeHandler } from './worker/current.js';
import { TIMEOUTS, type Timeouts } from './worker/limit.js';
import { WorkerLock } from './worker/lock.js';
import { registerWorkflows } from './workflows/index.js';
import { applySchedule, type ExportSchedule } from './workflows/schedule.js';

/** What `openEngine` takes. */
export interface EngineOptions {
  readonly fleet: Fleet;
  /** Where operations are kept. Default `embedded`. */
  readonly store?: StoreSpec | undefined;
  /** This worker's name, one of its own in the store. Default: host name and process. */
  readonly worker?: string | undefined;
  /** Over all workers of the store; the worker that opened last says them. */
  readonly limits?: Partial<Limits> | undefined;
  /** How a host is proved off, by its name, or `*` for all others. Where there is none a person confirms. */
  readonly fences?: Readonly<Record<string, Fence>> | undefined;
  readonly bundles?: BundleStore | undefined;
  /** How a host is upgraded. Default: a person does it and confirms `upgraded:HOST`. */
  readonly upgrade?: UpgradeHandler | undefined;
  /** Changes that hold secrets, by name: see `applyEverywhere`. */
  readonly requests?: Readonly<Record<string, ChangeRequest>> | undefined;
  /** Milliseconds that the parts of operations have, of this worker. */
  readonly timeouts?: Partial<Timeouts> | undefined;
  /** Bundles of hosts on a schedule. */
  readonly exports?: ExportSchedule | undefined;
  /** What the engine says of itself. Default: nothing. */
  readonly log?: EngineLog | undefined;
}

/** Options of `engine.close`. */
export interface EngineCloseOptions {
  /** Milliseconds that domains under way have to arrive, before their steps are ended. Default 0: at once; another worker looks after them. */
  readonly within?: number | undefined;
}

/** Milliseconds before the tries to be a worker again, once the session was lost. */
const AGAIN = { first: 200, most: 5_000 };

let opened = false;

/**
 * A worker on the operations of a store, which it can begin, look at and steer as well. One in a process, since the engine below
 * has one set of workflows in a process. It lives by a session in PostgreSQL: when that ends, what it was doing is ended at
 * once, without a word to the store, and as soon as it has a session again it works on.
 */
export class Engine extends Operations {
  readonly worker: string;
  readonly #options: EngineOptions;
  #steps: Steps | undefined;
  #lock: WorkerLock | undefined;
  /** The engine's connections. */
  #pool: pg.Pool | undefined;
  #closing = false;
  #life: Promise<void> = Promise.resolve();

  private constructor(
    store: Store,
    client: Awaited<ReturnType<typeof clientOf>>,
    worker: string,
    options: EngineOptions,
  ) {
    super(store, client);
    this.worker = worker;
    this.#options = options;
  }

  /** @internal See {@link openEngine}. */
  static async open(options: EngineOptions): Promise<Engine> {
    if (opened)
      throw new EngineError(
        'WORKER_EXISTS',
        'an engine is open in this process',
        'Close it first; connectEngine looks and steers without one',
      );
    opened = true;
    try {
      const store = await Store.open(options.store ?? 'embedded');
      try {
        const worker = options.worker ?? `${hostname()}-${process.pid}`;
        const engine = new Engine(store, await clientOf(store), worker, options);
        await engine.#begin();
        engine.#life = engine.#live();
        return engine;
      } catch (error) {
        await store.close();
        throw error;
      }
    } catch (error) {
      opened = false;
      throw error;
    }
  }

  /** Becomes a worker: has the lock of its name, and takes runs from the queues. */
  async #begin(): Promise<void> {
    const { fleet, fences = {}, bundles, upgrade, requests = {}, limits = {}, exports, log = quiet } = this.#options;
    const timeouts = { ...TIMEOUTS, ...this.#options.timeouts };
    this.#lock = await WorkerLock.take(this.store, this.worker);
    try {
      const steps = new Steps({
        fleet,
        store: this.store,
        worker: this.worker,
        fences,
        bundles,
        upgrade,
        requests,
        timeouts,
      });
      this.#steps = steps;
      setCurrent(steps);
      registerWorkflows();
      const pool = new pg.Pool({ ...this.store.connection, max: 20 });
      this.#pool = pool;
      pool.on('error', () => undefined);
      DBOS.setConfig({
        name: APPLICATION,
        systemDatabaseUrl: ENGINE_URL,
        systemDatabasePool: pool,
        applicationVersion: WORKFLOWS_VERSION,
        executorID: this.worker,
        enablePatching: true,
        runAdminServer: false,
        logger: log,
      });
      await DBOS.launch();
      await registerQueues({ ...LIMITS, ...limits });
      await applySchedule(exports, fleet.names);
      this.#lock.watch(takeOver);
    } catch (error) {
      await this.#lock.close({ leave: true });
      await this.#stop('it could not begin');
      throw error;
    }
  }

  /** Ends all that is under way. The engine would record that its runs failed by that, so its connections are taken first. */
  async #stop(why: string): Promise<void> {
    this.#steps?.fence(why);
    const ended = this.#pool?.end();
    await DBOS.shutdown().catch(() => undefined);
    await ended?.catch(() => undefined);
  }

  /** Ends its work whenever the session is lost, and begins again when it can have one. */
  async #live(): Promise<void> {
    while (!this.#closing) {
      const why = await this.#lock?.lost;
      if (this.#closing) return;
      this.#options.log?.warn(`worker ${this.worker} lost its session: ${why}. What it was doing is ended`);
      await this.#stop('the session with the store was lost');
      await this.#lock?.close({ leave: false });
      let said = '';
      for (let wait = AGAIN.first; !this.#closing; wait = Math.min(wait * 2, AGAIN.most)) {
        await sleep(wait);
        try {
          await this.store.revive();
          await this.#begin();
          break;
        } catch (error) {
          const { message } = error as Error;
          if (message !== said) this.#options.log?.warn(`worker ${this.worker} has no session yet: ${message}`);
          said = message;
        }
      }
    }
  }

  /**
   * Stops working, and closes the store; domains stay as they are, and what was under way is left to other workers or to the next
   * time. The fleet stays open.
   */
  override async close({ within = 0 }: EngineCloseOptions = {}): Promise<void> {
    if (this.#closing) return;
    if (within > 0) await this.#steps?.idle(within);
    this.#closing = true;
    const left =
      (await this.client.listWorkflows({ executorId: this.worker, status: 'PENDING' }).catch(() => undefined))
        ?.length ?? 1;
    await this.#stop('the worker is closed');
    await this.#lock?.close({ leave: left === 0 });
    await this.#life;
    setCurrent(undefined);
    await super.close();
    opened = false;
  }
}

/**
 * Opens a store and works on its operations in this process. Errors: `WORKER_EXISTS` when a worker of that name lives, or one is
 * open in this process; `STORE_UNAVAILABLE`, `STORE_VERSION`, `CONFIG_INVALID`.
 *
 * @example
 * await using engine = await openEngine({ fleet, store: 'embedded', worker: 'ops1', limits: { perSource: 1 } });
 */
export function openEngine(options: EngineOptions): Promise<Engine> {
  return Engine.open(options);
}

async function registerQueues({ total, perSource, perTarget, perHost, changes }: Limits): Promise<void> {
  const all = { minPollingIntervalMs: POLL, onConflict: 'always_update' as const };
  await DBOS.registerQueue(OPERATIONS, all);
  await DBOS.registerQueue(DEPARTURES, { ...all, globalConcurrency: total, partitionConcurrency: perSource });
  await DBOS.registerQueue(ARRIVALS, { ...all, partitionConcurrency: perTarget });
  await DBOS.registerQueue(LANES, { ...all, globalConcurrency: changes, partitionConcurrency: perHost });
}

/** Puts the runs of a worker that is dead back on the queues that they were on, so that whoever is free takes them. */
async function takeOver(worker: string): Promise<void> {
  const runs = await DBOS.listWorkflows({ executorId: worker, status: 'PENDING' });
  const byQueue = new Map<string | undefined, string[]>();
  for (const { queueName, workflowID } of runs) byQueue.set(queueName, [...(byQueue.get(queueName) ?? []), workflowID]);
  for (const [queueName, ids] of byQueue) await DBOS.resumeWorkflows(ids, queueName === undefined ? {} : { queueName });
}
