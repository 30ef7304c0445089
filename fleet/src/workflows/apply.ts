import { DBOS } from '@dbos-inc/dbos-sdk';
import type { ChangeRequest } from 'libvirt-canonical';
import type { ApplyInput } from 'libvirt-canonical/fleet';
import { EngineError, type Failure } from '../errors.js';
import { LANES, POLL } from '../queues.js';
import { current, type StepIo } from '../worker/current.js';
import { within } from '../worker/limit.js';
import { confirmed } from './confirm.js';
import { awaited, gate, goesOn, must, note, step, whileHeld } from './step.js';

/** What a change of many domains is begun with. */
export interface ApplyWork {
  /** Of the planned change. */
  readonly digest: string;
  readonly applies: readonly ApplyInput[];
  /** The change; one that holds secrets is named instead: `requests` of the engine has it. */
  readonly request: ChangeRequest | string;
  readonly canary: number;
  readonly batch: number;
  readonly stopAfterFailures: number;
  /** After the canary: wait for a person's word. */
  readonly confirm: boolean;
  readonly lanesPerHost: number;
}

export interface ChangedDomain {
  readonly name: string;
  readonly uuid: string;
  readonly host: string;
  readonly error: Failure;
}

/** What came of a change of many domains. */
export interface ApplyResult {
  readonly kind: 'apply';
  readonly applied: number;
  /** They were as asked. */
  readonly already: number;
  readonly failed: readonly ChangedDomain[];
  readonly notBegun: number;
  readonly cancelled: boolean;
  /** Ended early, since so many had failed. */
  readonly stopped: boolean;
}

/** What came of one lane: domains of one host, one after the other. */
export interface LaneResult {
  readonly applied: number;
  readonly already: number;
  readonly notBegun: number;
  readonly failed: readonly ChangedDomain[];
}

/** Domains of a batch, by first and last place in the change. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** The operation `apply`: a canary, then batches; each batch in lanes by host. */
export async function apply(operation: string): Promise<ApplyResult> {
  const work = await workOf(operation);
  const inputs = work.applies;
  const spans = spansOf(inputs.length, work);
  await note(operation, 'begin', `change of ${inputs.length} domains begins`, {
    digest: work.digest,
    batches: spans.length,
  });
  const sum = { applied: 0, already: 0, notBegun: 0, failed: [] as ChangedDomain[] };
  let stopped = false;
  let cancelled = false;
  for (const [at, span] of spans.entries()) {
    if (stopped || cancelled || (at > 0 && !(await nextBatch(operation, work, at)))) {
      cancelled ||= !stopped;
      sum.notBegun += span.to - span.from;
      continue;
    }
    for (const lane of await batch(operation, work, inputs, at, span)) {
      sum.applied += lane.applied;
      sum.already += lane.already;
      sum.notBegun += lane.notBegun;
      sum.failed.push(...lane.failed);
    }
    stopped = sum.failed.length >= work.stopAfterFailures;
    cancelled ||= sum.notBegun > 0;
  }
  await note(
    operation,
    'end',
    `change ends: ${sum.applied} changed, ${sum.already} were so, ${sum.failed.length} failed, ${sum.notBegun} not begun`,
  );
  return { kind: 'apply', ...sum, cancelled, stopped: stopped && sum.notBegun > 0 };
}

async function nextBatch(operation: string, { canary, confirm }: ApplyWork, at: number): Promise<boolean> {
  if (at === 1 && canary > 0 && confirm)
    return (await confirmed(operation, 'canary', `that the ${canary} domains changed first are well`)) !== undefined;
  return gate(operation);
}

/** One lane of a batch. Its domains follow from the operation's input, so it takes places alone. */
async function lane(operation: string, host: string, at: number, number: number): Promise<LaneResult> {
  const work = await workOf(operation);
  const mine =
    lanesOf(work.applies, spansOf(work.applies.length, work)[at] as Span, work.lanesPerHost).get(host)?.[number] ?? [];
  const sum = { applied: 0, already: 0, notBegun: 0, failed: [] as ChangedDomain[] };
  for (const input of mine) {
    const done = await step(operation, 'apply', (io) => change(io, work, input));
    const { name, uuid } = input.domain;
    if (!done.ok) sum.failed.push({ name, uuid, host, error: done.error });
    else sum[done.value]++;
    if (!done.ok)
      await step(operation, 'tell', ({ store }) =>
        store.tell(operation, uuid, { name, uuid, from: host, state: 'failed', error: done.error }),
      );
  }
  const { applied, already, notBegun } = sum;
  must(
    await step(operation, 'count', ({ store }) =>
      store.tell(operation, `lane ${at} ${host} ${number}`, { applied, already, notBegun, failed: sum.failed.length }),
    ),
  );
  return sum;
}

async function change(io: StepIo, work: ApplyWork, input: ApplyInput): Promise<'applied' | 'already' | 'notBegun'> {
  const { fleet, operation, requests, timeouts } = io;
  if (!(await goesOn(io))) return 'notBegun';
  const request = typeof work.request === 'string' ? requests[work.request] : work.request;
  if (!request)
    throw new EngineError(
      'REQUEST_NOT_FOUND',
      `this worker was opened without the request ${work.request}`,
      'Open every worker with the same requests',
    );
  return within(io, `the change of ${input.domain.name}`, timeouts.domain, (limited) =>
    whileHeld(limited, input.domain, async () => {
      const { signal } = limited;
      return (await fleet.steps.apply({ ...input, operation }, { request, signal })).outcome;
    }),
  );
}

const lanes = DBOS.registerWorkflow(lane, { name: 'lane' });

async function batch(
  operation: string,
  work: ApplyWork,
  inputs: readonly ApplyInput[],
  at: number,
  span: Span,
): Promise<LaneResult[]> {
  const handles = [];
  for (const [host, each] of lanesOf(inputs, span, work.lanesPerHost))
    for (const number of each.keys()) {
      const start = DBOS.startWorkflow(lanes, {
        workflowID: `${operation}:lane:${at}:${host}:${number}`,
        queueName: LANES,
        enqueueOptions: { queuePartitionKey: host },
      });
      handles.push(await start(operation, host, at, number));
    }
  const results = [];
  for (const handle of handles) results.push(await awaited(handle.getResult({ pollingIntervalMs: POLL })));
  return results;
}

/** What operations were begun with. It never changes and can be large, so those last used are kept. */
const known = new Map<string, Promise<ApplyWork>>();
const KEPT = 4;

async function workOf(operation: string): Promise<ApplyWork> {
  const { store } = current().work;
  const read = known.get(operation) ?? store.input<ApplyWork>(operation);
  known.set(operation, read);
  const [oldest] = known.keys();
  if (known.size > KEPT && oldest !== undefined) known.delete(oldest);
  try {
    return await read;
  } catch (error) {
    known.delete(operation);
    throw error;
  }
}

function spansOf(total: number, { canary, batch: size }: ApplyWork): Span[] {
  const spans: Span[] = canary > 0 ? [{ from: 0, to: Math.min(canary, total) }] : [];
  for (let from = Math.min(canary, total); from < total; from += size)
    spans.push({ from, to: Math.min(from + size, total) });
  return spans;
}

function lanesOf(inputs: readonly ApplyInput[], { from, to }: Span, perHost: number): Map<string, ApplyInput[][]> {
  const byHost = new Map<string, ApplyInput[]>();
  for (const input of inputs.slice(from, to)) byHost.set(input.from, [...(byHost.get(input.from) ?? []), input]);
  return new Map(
    [...byHost].map(([host, all]) => {
      const numbers = Math.min(perHost, all.length);
      return [host, Array.from({ length: numbers }, (_, number) => all.filter((_each, at) => at % numbers === number))];
    }),
  );
}
