import { DBOS } from '@dbos-inc/dbos-sdk';
import type { EvacuateInput, MoveInput, ShutdownInput } from 'libvirt-canonical/fleet';
import { EngineError, type Failure, failureOf } from '../errors.js';
import { ARRIVALS, DEPARTURES, domainRun, POLL } from '../queues.js';
import { current, type Done, type StepIo } from '../worker/current.js';
import { within } from '../worker/limit.js';
import { awaited, gate, step, whileHeld } from './step.js';

/** What is done with one domain: an input of a step of the fleet. */
export type DomainWork =
  | { readonly does: 'move'; readonly input: MoveInput }
  | { readonly does: 'shutdown'; readonly input: ShutdownInput }
  | { readonly does: 'evacuate'; readonly input: EvacuateInput };

/** What came of one domain. */
export interface DomainResult {
  readonly name: string;
  readonly uuid: string;
  readonly from: string;
  readonly to?: string;
  /**
   * `already`: it had been so. `failed`: see `error`; a domain whose move failed runs where it ran. `not-begun`: the operation was
   * cancelled before its turn.
   */
  readonly outcome: 'moved' | 'shut-down' | 'evacuated' | 'already' | 'failed' | 'not-begun';
  /** Milliseconds that the guest stood still, where libvirt counted them. */
  readonly downtime?: number;
  readonly unfinished?: readonly string[];
  readonly error?: Failure;
}

/** Milliseconds between two entries of the progress of one domain. */
const TELL = 300;

const aboutOf = ({ input }: DomainWork) => ({
  name: input.domain.name,
  uuid: input.domain.uuid,
  from: input.from,
  ...('to' in input && { to: input.to }),
});

/** A domain arrives at its target. */
const arrive = DBOS.registerWorkflow(act, { name: 'arrive' });
const depart = DBOS.registerWorkflow(leave, { name: 'depart' });

/** A domain leaves its host: takes its turn among those that do, then among those that arrive at its target. */
async function leave(operation: string, work: DomainWork): Promise<DomainResult> {
  if (!(await gate(operation))) return { ...aboutOf(work), outcome: 'not-begun' };
  if (work.does === 'shutdown') return act(operation, work);
  const handle = await DBOS.startWorkflow(arrive, {
    workflowID: `${DBOS.workflowID}:arrive`,
    queueName: ARRIVALS,
    enqueueOptions: { queuePartitionKey: work.input.to },
  })(operation, work);
  return awaited(handle.getResult({ pollingIntervalMs: POLL }));
}

async function act(operation: string, work: DomainWork): Promise<DomainResult> {
  const about = aboutOf(work);
  const done = await step(operation, work.does, (io) => withDomain(io, work));
  const result = resultOf(about, done);
  await step(operation, 'tell', ({ store }) => store.tell(operation, about.uuid, { ...result, state: result.outcome }));
  return result;
}

function resultOf(
  about: ReturnType<typeof aboutOf>,
  done: Done<Partial<DomainResult> & Pick<DomainResult, 'outcome'>>,
): DomainResult {
  return done.ok ? { ...about, ...done.value } : { ...about, outcome: 'failed', error: done.error };
}

/** The step itself: looks, acts, and tells how far it is. No two operations of a store have one domain at a time. */
async function withDomain(
  io: StepIo,
  work: DomainWork,
): Promise<Partial<DomainResult> & Pick<DomainResult, 'outcome'>> {
  const { store, operation, timeouts } = io;
  const about = aboutOf(work);
  const most = work.does === 'move' ? timeouts.move : timeouts.domain;
  return within(io, `the ${work.does} of ${about.name}`, most, (limited) =>
    whileHeld(limited, about, async () => {
      const { asked } = await store.operation(operation);
      if (asked === 'cancel' || asked === 'abort') return { outcome: 'not-begun' };
      const progress = teller(limited, about);
      await progress({});
      return acts(limited, work, progress);
    }),
  );
}

async function acts(
  { fleet, bundles, signal, operation }: StepIo,
  work: DomainWork,
  onProgress: (progress: object) => unknown,
): Promise<Partial<DomainResult> & Pick<DomainResult, 'outcome'>> {
  const options = { signal, onProgress: (progress: object) => void onProgress(progress) };
  const { domain, from } = work.input;
  const claim = { operation, domain, from };
  switch (work.does) {
    case 'move': {
      const { outcome, downtime, unfinished } = await whileClaimed(fleet, claim, work.input.to, signal, () =>
        fleet.steps.move({ ...work.input, operation }, options),
      );
      return { outcome, ...(downtime !== undefined && { downtime }), ...(unfinished.length > 0 && { unfinished }) };
    }
    case 'shutdown':
      return { outcome: (await fleet.steps.shutDown({ ...work.input, operation }, options)).outcome };
    case 'evacuate': {
      if (!bundles) throw noBundles();
      const { outcome } = await fleet.steps.evacuate(
        { ...work.input, operation },
        {
          ...options,
          bundles: (wanted) => bundles.read(wanted),
        },
      );
      return { outcome };
    }
  }
}

interface Claim {
  readonly operation: string;
  readonly domain: { readonly name: string; readonly uuid: string };
  readonly from: string;
}

/**
 * Moves a domain while it is claimed, against operations of other stores. One that has arrived or is on its way had its claim
 * before: the step itself finds how that stands. However the move ends the claim goes, unless whoever takes over needs it.
 */
async function whileClaimed<T extends { readonly unfinished: readonly string[] }>(
  fleet: StepIo['fleet'],
  claim: Claim,
  to: string,
  signal: AbortSignal,
  move: () => Promise<T>,
): Promise<T> {
  const { found } = await fleet.where(claim.domain.uuid, { signal });
  if (!found.some(({ host }) => host === to)) await fleet.steps.claim(claim, { signal });
  let left: unknown;
  let done: T | undefined;
  try {
    done = await move();
  } finally {
    if (!current().fenced)
      await fleet.steps.unclaim(claim).catch((error: unknown) => {
        left = error;
      });
  }
  if (left === undefined) return done;
  return { ...done, unfinished: [...done.unfinished, `its claim stands: ${failureOf(left).message}`] };
}

export const noBundles = (): EngineError =>
  new EngineError('CONFIG_INVALID', 'this worker was opened without bundles', 'Open it with bundles: directory(…)');

function teller({ store, operation }: StepIo, about: ReturnType<typeof aboutOf>): (progress: object) => Promise<void> {
  let last = 0;
  let busy = false;
  return async (progress) => {
    const now = Date.now();
    if (busy || now - last < TELL) return;
    last = now;
    busy = true;
    await store.tell(operation, about.uuid, { ...about, state: 'under-way', progress }).catch(() => undefined);
    busy = false;
  };
}

/** Starts what is done with domains, all at once: the queues have each wait for its turn, in this order. */
export async function allOf(operation: string, works: readonly DomainWork[], part = ''): Promise<DomainResult[]> {
  const run = `${DBOS.workflowID}${part && `:${part}`}`;
  const handles = [];
  for (const work of works) {
    const start = DBOS.startWorkflow(depart, {
      workflowID: domainRun(run, work.does, work.input.from, work.input.domain.uuid),
      queueName: DEPARTURES,
      enqueueOptions: { queuePartitionKey: work.input.from },
    });
    handles.push(await start(operation, work));
  }
  const results: DomainResult[] = [];
  for (const handle of handles) results.push(await awaited(handle.getResult({ pollingIntervalMs: POLL })));
  return results;
}
