import { DBOSClient } from '@dbos-inc/dbos-sdk';
import type { ChangeRequest } from 'libvirt-canonical';
import { FleetChange, FleetPlan, type UpgradeRequest } from 'libvirt-canonical/fleet';
import { digestOf } from './digest.js';
import { EngineError } from './errors.js';
import { quiet } from './log.js';
import { Operation, type OperationProgress, progressOf } from './operation.js';
import { OPERATIONS } from './queues.js';
import { type OperationKind, Store, type StoreSpec, type WorkerRow } from './store/store.js';
import { WORKFLOWS_VERSION } from './version.js';
import type { ApplyWork } from './workflows/apply.js';
import { assertPossible, type DrainInput } from './workflows/drain.js';
import type { EvacuateWork } from './workflows/evacuate.js';
import type { ExportWork } from './workflows/export.js';
import type { UpgradeWork } from './workflows/upgrade.js';

/** The name under which all workers of a store are one application. */
export const APPLICATION = 'libvirt-canonical-fleet';

/** How an operation is named. The same id is the same operation, whoever asks and however often. */
export interface Named {
  readonly id: string;
}

/** Options of `drain`. */
export interface DrainOptions extends Named {
  /** For each migration. Default: the library's. */
  readonly policy?: DrainInput['policy'];
  /** How guests are asked to shut down that the plan shuts down. */
  readonly shutdown?: DrainInput['shutdown'];
}

/** Options of `evacuate`. */
export interface EvacuateEngineOptions extends Named, Omit<EvacuateWork, 'plan'> {}

/** Options of `rollingUpgrade`. */
export interface RollingUpgradeOptions extends Named {
  /** Whether domains go back to a host once it is upgraded. Default false. */
  readonly back?: boolean | undefined;
  /** Whether a bundle of each domain is kept before its host is emptied; needs workers with bundles. Default false. */
  readonly export?: boolean | undefined;
  /** After so many hosts that could not be upgraded nothing more is begun. Default 1. */
  readonly stopAfterFailures?: number | undefined;
  readonly policy?: UpgradeWork['policy'];
  readonly shutdown?: UpgradeWork['shutdown'];
}

/** Options of `applyEverywhere`. */
export interface ApplyEverywhereOptions extends Named {
  /**
   * The change that was planned. One that can hold secrets is not kept by a store: give it to every worker as one of its
   * `requests`, and name it here.
   */
  readonly request: ChangeRequest | string;
  /** So many domains are changed before all others. Default 0. */
  readonly canary?: number | undefined;
  /** Then so many at a time. Default 200. */
  readonly batch?: number | undefined;
  /** After a batch with which so many have failed nothing more is begun. Default 1. */
  readonly stopAfterFailures?: number | undefined;
  /** Whether a person has to confirm `canary` before the others are changed. Default false. */
  readonly confirm?: boolean | undefined;
}

/** Options of `exportAll`. */
export interface ExportAllOptions extends Named {
  readonly hosts: readonly string[];
  /** `include` (default, since a bundle without its secrets may not start) or `leave-out`. */
  readonly secrets?: ExportWork['secrets'] | undefined;
}

const ID = /^[\w.-]{1,100}$/;
/** Domains of one host that a lane each is made for. */
const LANES_PER_HOST = 2;

/**
 * The operations of a store: begun, looked at and steered from any process. It carries nothing out: workers do, see
 * `openEngine`.
 */
export class Operations implements AsyncDisposable {
  /** @internal */
  readonly store: Store;
  /** @internal */
  readonly client: DBOSClient;

  /** @internal */
  constructor(store: Store, client: DBOSClient) {
    this.store = store;
    this.client = client;
  }

  /**
   * Begins to carry out a plan of `fleet.planDrain`, or finds it begun. The plan is held to the hosts once more before anything
   * moves. Errors: `OPERATION_REFUSED` for a plan that refuses domains, `OPERATION_EXISTS` when the id is another operation's or
   * another one is under way on these hosts, `CONFIG_INVALID`, `STORE_UNAVAILABLE`.
   *
   * @example
   * const operation = await engine.drain(plan, { id: 'drain-a' });
   * for await (const { moving, left } of operation.progress()) console.log(left, moving);
   */
  async drain(plan: FleetPlan, options: DrainOptions): Promise<Operation> {
    const checked = planOf(plan, 'drain', 'planDrain');
    const { id, policy, shutdown } = named('drain', options);
    assertPossible(id, checked);
    const input: DrainInput = { plan: checked.toJSON(), policy, shutdown };
    const { moves, shutdowns } = checked.steps;
    const fills = [...new Set(moves.map(({ to }) => to))];
    return this.#begin('drain', id, digestOf(checked.digest, policy, shutdown), input, {
      empties: [checked.host],
      fills,
      total: moves.length + shutdowns.length,
    });
  }

  /**
   * Begins to bring back what a dead host ran, by a plan of `fleet.planEvacuate`. Nothing is touched before a proof that the host
   * is off: by the worker's fence of that host, else by a person who confirms `fence`. Errors as {@link drain}.
   *
   * @example
   * const operation = await engine.evacuate(plan, { id: 'evacuate-a' });
   * await operation.confirm('fence', { by: 'carol', host: 'a', says: 'pulled both cords' });
   */
  async evacuate(plan: FleetPlan, options: EvacuateEngineOptions): Promise<Operation> {
    const checked = planOf(plan, 'evacuate', 'planEvacuate');
    const { id, unknownHosts, autostart } = named('evacuate', options);
    assertPossible(id, checked);
    const input: EvacuateWork = { plan: checked.toJSON(), unknownHosts, autostart };
    const { evacuations } = checked.steps;
    return this.#begin('evacuate', id, digestOf(checked.digest, unknownHosts, autostart), input, {
      empties: [checked.host],
      fills: [...new Set(evacuations.map(({ to }) => to))],
      total: evacuations.length,
    });
  }

  /**
   * Begins to upgrade hosts one after the other, or some at a time: each is planned anew when its turn comes, emptied, upgraded by
   * the workers' handler or by a person who confirms `upgraded:HOST`, and waited for. Errors as {@link drain}.
   *
   * @example
   * await engine.rollingUpgrade({ hosts: ['a', 'b', 'c'], batch: 1 }, { id: 'upgrade-2026-11', back: true });
   */
  async rollingUpgrade(request: UpgradeRequest, options: RollingUpgradeOptions): Promise<Operation> {
    const { id, back = false, stopAfterFailures = 1, policy, shutdown, ...rest } = named('rollingUpgrade', options);
    const { signal: _, ...plain } = request;
    const lost = pathOfFunction(plain, 'request');
    if (lost !== undefined)
      throw invalid(
        `rollingUpgrade: ${lost} is a function, and hosts are planned by other processes later`,
        'Name the domains',
      );
    count('rollingUpgrade', 'stopAfterFailures', stopAfterFailures);
    const input: UpgradeWork = {
      request: plain,
      back,
      export: rest.export ?? false,
      stopAfterFailures,
      policy,
      shutdown,
    };
    return this.#begin('upgrade', id, digestOf(input), input, {
      empties: [...request.hosts],
      fills: [...(request.to ?? [])],
      total: request.hosts.length,
    });
  }

  /**
   * Begins to make one change of many domains, as `fleet.planApply` planned it: a canary first, then batches, each host by two
   * lanes; ended early after failures. Errors as {@link drain}; `SECRET_IN_REQUEST`.
   *
   * @example
   * await engine.applyEverywhere(change, { id: 'more-memory', request, canary: 5, batch: 200, stopAfterFailures: 3 });
   */
  async applyEverywhere(change: FleetChange, options: ApplyEverywhereOptions): Promise<Operation> {
    if (!(change instanceof FleetChange))
      throw invalid('applyEverywhere: change is none', 'Give what fleet.planApply returned');
    const {
      id,
      request,
      canary = 0,
      batch = 200,
      stopAfterFailures = 1,
      confirm = false,
    } = named('applyEverywhere', options);
    for (const [name, value] of Object.entries({ batch, stopAfterFailures })) count('applyEverywhere', name, value);
    if (!Number.isInteger(canary) || canary < 0)
      throw invalid(`applyEverywhere: canary: ${canary} is no number of domains`, 'Give 0 or more');
    const refusals = change.refused.flatMap(({ name: domain, refusals: each }) =>
      each.map(({ reason }) => ({ domain, reason })),
    );
    assertPossible(id, { isPossible: change.isPossible, refusals });
    assertNoSecret(request);
    const { applies } = change.steps;
    const input: ApplyWork = {
      digest: change.digest,
      applies,
      request,
      canary,
      batch,
      stopAfterFailures,
      confirm,
      lanesPerHost: LANES_PER_HOST,
    };
    return this.#begin(
      'apply',
      id,
      digestOf(change.digest, request, canary, batch, stopAfterFailures, confirm),
      input,
      {
        empties: [],
        fills: [],
        total: applies.length,
      },
    );
  }

  /** Begins to keep a bundle of each domain of hosts. Needs workers with bundles. Errors as {@link drain}. */
  async exportAll(options: ExportAllOptions): Promise<Operation> {
    const { id, hosts, secrets = 'include' } = named('exportAll', options);
    const input: ExportWork = { hosts, secrets };
    return this.#begin('export', id, digestOf(input), input, { empties: [], fills: [], total: hosts.length });
  }

  /** All operations that are kept, oldest first. */
  async operations(): Promise<OperationProgress[]> {
    const rows = await this.store.operations();
    const runs = rows.length === 0 ? [] : await this.client.listWorkflows({ workflowIDs: rows.map(({ id }) => id) });
    const progress = await this.store.progress(rows.map(({ id }) => id));
    const runOf = new Map(runs.map((run) => [run.workflowID, run]));
    return rows.map((row) => progressOf(row, progress.get(row.id) ?? [], runOf.get(row.id)));
  }

  /** One of them. Errors when it is looked at: `OPERATION_NOT_FOUND`. */
  operation(id: string): Operation {
    return new Operation(id, this.store, this.client);
  }

  /** The workers that have a session in the store, or had one and were not looked after yet. */
  workers(): Promise<WorkerRow[]> {
    return this.store.workers();
  }

  /** Removes what is kept of an operation that has ended. Errors: `OPERATION_NOT_FOUND`, `OPERATION_EXISTS` while it is under way. */
  async forget(id: string): Promise<void> {
    const { ended } = await this.store.operation(id);
    if (!ended) throw new EngineError('OPERATION_EXISTS', `operation ${id} is under way`, 'Wait for it or cancel it');
    await this.client.deleteWorkflow(id, true);
    await this.store.forget(id);
  }

  async #begin(
    kind: OperationKind,
    id: string,
    digest: string,
    input: object,
    more: { readonly empties: readonly string[]; readonly fills: readonly string[]; readonly total: number },
  ): Promise<Operation> {
    await this.store.begin({ id, kind, digest, version: WORKFLOWS_VERSION, input, ...more }, async (client) => {
      await this.client.enqueueInTransaction(
        client,
        { queueName: OPERATIONS, workflowName: kind, workflowID: id, appVersion: WORKFLOWS_VERSION },
        id,
      );
    });
    return this.operation(id);
  }

  async close(): Promise<void> {
    await this.client.destroy();
    await this.store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Opens the operations of a store without working on them. Errors: `STORE_UNAVAILABLE`, `STORE_VERSION`, `CONFIG_INVALID`. */
export async function connectEngine({ store: spec }: { readonly store: StoreSpec }): Promise<Operations> {
  const store = await Store.open(spec);
  return new Operations(store, await clientOf(store));
}

/** The engine wants a URL even where it is given connections, and holds it to a form. Nothing connects to it. */
export const ENGINE_URL = 'postgresql://none@localhost/none';

/** A client of the engine over a store's own connections. */
export function clientOf(store: Store): Promise<DBOSClient> {
  return DBOSClient.create({
    systemDatabaseUrl: ENGINE_URL,
    systemDatabasePool: store.pool,
    applicationName: APPLICATION,
    logger: quiet,
  });
}

function planOf(plan: FleetPlan, kind: FleetPlan['kind'], maker: string): FleetPlan {
  if (plan instanceof FleetPlan && plan.kind === kind) return plan;
  const what =
    plan instanceof Promise ? 'a promise' : plan instanceof FleetPlan ? `the plan of ${plan.kind}` : 'no plan';
  throw invalid(
    `${kind}: this is ${what}`,
    `Give what fleet.${maker} gave, awaited; kept as JSON, read by FleetPlan.fromJSON`,
  );
}

function named<T extends Named>(method: string, options: T): T {
  if (typeof options?.id === 'string' && ID.test(options.id)) return options;
  throw invalid(
    `${method}: id: ${JSON.stringify(options?.id)} is none`,
    'Give letters, digits, ., - and _, at most 100',
  );
}

function count(method: string, name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw invalid(`${method}: ${name}: ${value} is no number`, 'Give 1 or more');
}

const invalid = (message: string, remedy: string): EngineError => new EngineError('CONFIG_INVALID', message, remedy);

function pathOfFunction(value: unknown, path: string): string | undefined {
  if (typeof value === 'function') return path;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, each] of Object.entries(value)) {
    const found = pathOfFunction(each, `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Names of fields that can hold a secret, or XML and metadata of others in which one can stand. */
const CAN_HOLD_SECRETS = /passw|secret|cookie|token|auth|metadata|xml|qemu|commandline|sysinfo/i;

function assertNoSecret(request: ChangeRequest | string): void {
  const path = typeof request === 'string' ? undefined : secretPath(request, 'request');
  if (path === undefined) return;
  throw new EngineError(
    'SECRET_IN_REQUEST',
    `${path} can hold a secret, and a store is no place for one`,
    "Open each worker with requests: { NAME: request }, and give request: 'NAME'",
  );
}

function secretPath(value: unknown, path: string): string | undefined {
  if (typeof value === 'string' && /^\s*</.test(value)) return path;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, each] of Object.entries(value)) {
    const here = `${path}.${key}`;
    const found = CAN_HOLD_SECRETS.test(key) ? here : secretPath(each, here);
    if (found !== undefined) return found;
  }
  return undefined;
}
