import type { MigrationPolicyRequest } from 'libvirt-canonical';
import { FleetPlan, type FleetPlanJson, type MoveInput } from 'libvirt-canonical/fleet';
import { EngineError, type Failure } from '../errors.js';
import { current, type StepIo } from '../worker/current.js';
import { within } from '../worker/limit.js';
import { allOf, type DomainResult, type DomainWork } from './domain.js';
import { note, step } from './step.js';

/** What a drain is begun with. */
export interface DrainInput {
  readonly plan: FleetPlanJson;
  readonly policy?: MigrationPolicyRequest | undefined;
  readonly shutdown?: MoveInput['shutdown'];
}

/** What came of a drain. */
export interface DrainResult {
  readonly kind: 'drain';
  readonly host: string;
  readonly domains: readonly DomainResult[];
  /** Domains that run on the host at the end, by libvirt's word then. Undefined when it did not answer. */
  readonly left: ReadonlyArray<{ readonly name: string; readonly uuid: string; readonly state: string }> | undefined;
  /** Nothing runs on the host. */
  readonly empty: boolean;
  /** Empty, and no migration of this operation is unsettled. */
  readonly safeToReboot: boolean;
  readonly cancelled: boolean;
  /** Why it was not begun: the plan did not hold any more. */
  readonly refused?: Failure;
}

/** The operation `drain`. */
export async function drain(operation: string): Promise<DrainResult> {
  return drainHost(operation, await current().work.store.input<DrainInput>(operation));
}

/** Empties one host by a plan. `fresh`: it was made just now, and is not held to the hosts once more. */
export async function drainHost(
  operation: string,
  { plan: json, policy, shutdown }: DrainInput,
  { fresh = false }: { readonly fresh?: boolean } = {},
): Promise<DrainResult> {
  const plan = FleetPlan.fromJSON(json);
  const { host } = plan;
  await note(operation, `begin ${host}`, `drain of ${host} begins`, {
    digest: plan.digest,
    domains: plan.domains.length,
  });
  if (!fresh) {
    const held = await step(operation, 'hold plan to hosts', (io) =>
      within(io, `the look at ${host}`, io.timeouts.host, ({ fleet, signal }) => fleet.assertCurrent(plan, { signal })),
    );
    if (!held.ok) return refused(operation, host, held.error);
  }
  const { moves, shutdowns } = plan.steps;
  const more = { ...(policy && { policy }), ...(shutdown && { shutdown }) };
  const works: DomainWork[] = [
    ...moves.map((input): DomainWork => ({ does: 'move', input: { ...input, ...more } })),
    ...shutdowns.map((input): DomainWork => ({ does: 'shutdown', input: { ...input, ...(shutdown && { shutdown }) } })),
  ];
  const domains = await allOf(operation, works);
  const result = { kind: 'drain' as const, host, domains, ...(await counted(operation, host, domains)) };
  await note(
    operation,
    `end ${host}`,
    `drain of ${host} ends: ${result.empty ? 'empty' : 'not empty'}`,
    summary(result),
  );
  return result;
}

async function refused(operation: string, host: string, error: Failure): Promise<DrainResult> {
  await note(operation, `refused ${host}`, `drain of ${host} is not begun: ${error.message}`, { code: error.code });
  const none = { domains: [], left: undefined, empty: false, safeToReboot: false, cancelled: false };
  return { kind: 'drain', host, ...none, refused: error };
}

const summary = ({ domains, left }: Pick<DrainResult, 'domains' | 'left'>) => ({
  moved: domains.filter(({ outcome }) => outcome === 'moved' || outcome === 'already').length,
  failed: domains.filter(({ outcome }) => outcome === 'failed').map(({ name, error }) => ({ name, code: error?.code })),
  left: left?.map(({ name }) => name) ?? 'unknown',
});

/** Errors after which a migration may still be under way. */
const UNSETTLED: readonly string[] = ['MIGRATION_UNSETTLED', 'STEP_TIMEOUT'];

async function counted(
  operation: string,
  host: string,
  domains: readonly DomainResult[],
): Promise<Pick<DrainResult, 'left' | 'empty' | 'safeToReboot' | 'cancelled'>> {
  const counted = await step(operation, 'count what is left', (io) =>
    within(io, `the look at ${host}`, io.timeouts.host, (limited) => running(limited, host)),
  );
  const cancelled = domains.some(({ outcome }) => outcome === 'not-begun');
  const left = counted.ok ? counted.value : undefined;
  const empty = left?.length === 0;
  const unsettled = domains.some(({ error }) => UNSETTLED.includes(error?.code ?? ''));
  return { left, empty, safeToReboot: empty && !unsettled, cancelled };
}

/** What runs on a host, by its libvirt's word. */
export async function running({ fleet, signal }: StepIo, host: string): Promise<NonNullable<DrainResult['left']>> {
  const manager = await fleet.manager(host);
  const all = await manager.all({ signal });
  const states = await Promise.all(
    all.map(async (domain) => ({ name: domain.name, uuid: domain.uuid, state: await domain.state({ signal }) })),
  );
  return states.filter(({ state }) => state !== 'shutoff');
}

/** Rejects a plan that refuses domains: nothing of it is begun. */
export function assertPossible(
  id: string,
  {
    isPossible,
    refusals,
  }: {
    readonly isPossible: boolean;
    readonly refusals: readonly { readonly domain: string; readonly reason: string }[];
  },
): void {
  if (isPossible) return;
  const first = refusals[0];
  throw new EngineError(
    'OPERATION_REFUSED',
    `${id} is not begun: the plan refuses ${refusals.length === 1 ? '' : `${refusals.length} times, first `}${first?.domain}: ${first?.reason}`,
    'Say in the request what becomes of what cannot move, and plan again',
  );
}
