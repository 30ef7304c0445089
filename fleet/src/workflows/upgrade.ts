import { setTimeout as sleep } from 'node:timers/promises';
import { DBOS } from '@dbos-inc/dbos-sdk';
import type { FleetPlanJson, MoveInput, UpgradeRequest } from 'libvirt-canonical/fleet';
import { EngineError, type Failure } from '../errors.js';
import { POLL } from '../queues.js';
import { current, type StepIo } from '../worker/current.js';
import { within } from '../worker/limit.js';
import { confirmed } from './confirm.js';
import { allOf, type DomainResult } from './domain.js';
import { assertPossible, type DrainResult, drainHost } from './drain.js';
import { type ExportedHost, exportHost } from './export.js';
import { awaited, gate, note, step } from './step.js';

/** What an upgrade is begun with. */
export interface UpgradeWork {
  /** Plain: what a function chose would be chosen differently by the next process. */
  readonly request: Omit<UpgradeRequest, 'signal'>;
  readonly back: boolean;
  readonly export: boolean;
  readonly stopAfterFailures: number;
  readonly policy?: MoveInput['policy'];
  readonly shutdown?: MoveInput['shutdown'];
}

export interface UpgradedHost {
  readonly host: string;
  /** `not-empty`: it was not upgraded since domains still ran there. `not-begun`: an earlier host failed, or it was cancelled. */
  readonly outcome: 'upgraded' | 'not-empty' | 'failed' | 'not-begun';
  readonly drain?: DrainResult;
  readonly exported?: ExportedHost;
  readonly before?: HostVersions;
  readonly after?: HostVersions;
  /** The domains that came back, when that was asked for. */
  readonly back?: readonly DomainResult[];
  readonly error?: Failure;
}

export interface HostVersions {
  readonly libvirt: string;
  readonly hypervisor: string;
}

/** What came of a rolling upgrade. */
export interface UpgradeResult {
  readonly kind: 'upgrade';
  readonly hosts: readonly UpgradedHost[];
  readonly complete: boolean;
  readonly cancelled: boolean;
}

/** Milliseconds between two looks at whether a host is ready again. */
const READY = 1_000;

/** The operation `upgrade`: hosts batch by batch, each emptied, upgraded, waited for. */
export async function upgrade(operation: string): Promise<UpgradeResult> {
  const work = await current().work.store.input<UpgradeWork>(operation);
  const { hosts: all, batch: size = 1 } = work.request;
  const hosts: UpgradedHost[] = [];
  let cancelled = false;
  await note(operation, 'begin', `upgrade of ${all.join(', ')} begins`, { batch: size });
  for (let at = 0; at < all.length; at += size) {
    const together = all.slice(at, at + size);
    const failures = hosts.filter(({ outcome }) => outcome !== 'upgraded').length;
    const stops = failures >= work.stopAfterFailures;
    if (stops || cancelled || !(await gate(operation))) {
      cancelled ||= !stops;
      hosts.push(...together.map((host) => ({ host, outcome: 'not-begun' as const })));
      continue;
    }
    const planned = await step(operation, `plan ${together.join(', ')}`, (io) =>
      within(io, `the plan for ${together.join(', ')}`, io.timeouts.host, (limited) =>
        plansOf(limited, work, together),
      ),
    );
    if (!planned.ok) {
      hosts.push(...together.map((host) => ({ host, outcome: 'failed' as const, error: planned.error })));
      continue;
    }
    const handles = [];
    for (const [index, host] of together.entries())
      handles.push(
        await DBOS.startWorkflow(hostUpgrade, { workflowID: `${operation}:upgrade:${host}` })(
          operation,
          host,
          planned.value[index] as FleetPlanJson,
        ),
      );
    for (const handle of handles) {
      const host = await awaited(handle.getResult({ pollingIntervalMs: POLL }));
      hosts.push(host);
      await step(operation, 'tell', ({ store }) =>
        store.tell(operation, `host ${host.host}`, { host: host.host, stage: host.outcome }),
      );
    }
    cancelled ||= hosts.some(({ drain }) => drain?.cancelled);
  }
  const complete = hosts.every(({ outcome }) => outcome === 'upgraded');
  await note(operation, 'end', `upgrade ends: ${hosts.map(({ host, outcome }) => `${host} ${outcome}`).join(', ')}`);
  return { kind: 'upgrade', hosts, complete, cancelled };
}

/** A plan for each host of a batch, as all hosts are now. */
async function plansOf(
  { fleet, signal }: StepIo,
  { request }: UpgradeWork,
  hosts: readonly string[],
): Promise<FleetPlanJson[]> {
  const { batches } = await fleet.planRollingUpgrade({ ...request, hosts, batch: hosts.length, signal });
  const plans = batches[0]?.plans ?? [];
  for (const plan of plans) assertPossible(`the drain of ${plan.host}`, plan);
  return plans.map((plan) => plan.toJSON());
}

/** One host of an upgrade. */
async function upgradeHost(operation: string, host: string, plan: FleetPlanJson): Promise<UpgradedHost> {
  const work = await current().work.store.input<UpgradeWork>(operation);
  const exported = work.export ? await exportHost(operation, host, 'include') : undefined;
  const kept = exported && { exported };
  if (exported && (exported.error || exported.failed.length > 0))
    return {
      host,
      outcome: 'failed',
      ...kept,
      error: exported.error ?? (exported.failed[0] as { error: Failure }).error,
    };
  const drained = await drainHost(operation, { plan, policy: work.policy, shutdown: work.shutdown }, { fresh: true });
  if (!drained.empty) return { host, outcome: 'not-empty', drain: drained, ...kept };
  const before = await step(operation, 'versions before', (io) => versionsOf(io, host));
  const upgraded = await upgradeItself(operation, host);
  const parts = { host, drain: drained, ...kept, ...(before.ok && { before: before.value }) };
  if (upgraded === 'cancelled') return { ...parts, outcome: 'not-begun' };
  if (upgraded) return { ...parts, outcome: 'failed', error: upgraded };
  const after = await step(operation, 'wait until it is ready', (io) => readyAgain(io, host));
  if (!after.ok) return { ...parts, outcome: 'failed', error: after.error };
  await note(operation, `upgraded ${host}`, `${host} is upgraded`, {
    before: before.ok ? before.value : 'unknown',
    after: after.value,
  });
  const back = work.back ? await backOf(operation, plan, drained, work) : undefined;
  return { ...parts, outcome: 'upgraded', after: after.value, ...(back && { back }) };
}

const hostUpgrade = DBOS.registerWorkflow(upgradeHost, { name: 'upgradeHost' });

/** By the caller's code, else by a person's hand. What went wrong, or nothing. */
async function upgradeItself(operation: string, host: string): Promise<Failure | 'cancelled' | undefined> {
  const made = await step(operation, 'upgrade', async ({ upgrade: handler, signal }) => {
    await handler?.upgrade(host, { signal });
    return handler !== undefined;
  });
  if (!made.ok) return made.error;
  if (made.value) return undefined;
  const said = await confirmed(operation, `upgraded:${host}`, `that ${host}, which is empty, has been upgraded`, host);
  return said ? undefined : 'cancelled';
}

async function versionsOf({ fleet, signal }: StepIo, host: string): Promise<HostVersions> {
  const { versions } = await (await fleet.manager(host)).host({ signal });
  return { libvirt: versions.libvirt, hypervisor: versions.hypervisor };
}

async function readyAgain(io: StepIo, host: string): Promise<HostVersions> {
  const { signal, upgrade: handler } = io;
  for (;;) {
    try {
      const versions = await versionsOf(io, host);
      if ((await handler?.ready?.(host, { signal })) ?? true) return versions;
    } catch {
      // It is still away.
    }
    await sleep(READY, undefined, { signal }).catch(() => {
      throw new EngineError('OPERATION_CANCELLED', `${host} was not waited for any longer`, 'Look whether it is ready');
    });
  }
}

/** Moves those back that went, by the ways by which they went. */
async function backOf(
  operation: string,
  plan: FleetPlanJson,
  { domains }: DrainResult,
  { policy }: UpgradeWork,
): Promise<DomainResult[]> {
  const moved = domains.filter(({ outcome }) => outcome === 'moved' || outcome === 'already');
  const works = moved.flatMap(({ uuid, name, from, to }) => {
    const planned = plan.domains.find((each) => each.uuid === uuid);
    if (to === undefined || !planned || planned.way === undefined || planned.way === 'import') return [];
    const { way, running, copies, shared } = planned;
    const input = {
      domain: { name, uuid },
      from: to,
      to: from,
      running,
      way,
      copies,
      shared,
      ...(policy && { policy }),
    };
    return [{ does: 'move' as const, input }];
  });
  return allOf(operation, works, 'back');
}
