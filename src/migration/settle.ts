import { setTimeout as sleep } from 'node:timers/promises';
import { differenceText } from '../apply/index.js';
import {
  type Connection,
  type DomainHandle,
  LibvirtError,
  VIR_DOMAIN_UNDEFINE_KEEP_NVRAM,
  VIR_DOMAIN_UNDEFINE_MANAGED_SAVE,
  VIR_DOMAIN_UNDEFINE_NVRAM,
  VIR_MIGRATE_LIVE,
  VIR_MIGRATE_OFFLINE,
  VIR_MIGRATE_PERSIST_DEST,
} from '../connection/index.js';
import { cancelFinish, confirm } from './calls.js';
import { endIncoming } from './end-incoming.js';
import type { MigrationWhereabouts } from './errors.js';
import { finishByHand } from './finish-by-hand.js';
import { isStarting, type KnownOfMigration, type OutcomeRow, outcomeOf } from './outcomes.js';
import { compareHosts, MAKE_ALIKE } from './prove.js';
import { type MigrationRecord, undefiningFlag } from './record.js';
import { resumePostCopy } from './resume-post-copy.js';
import { isGone, lookUp, type Standing, standingOn } from './standing.js';

/** Both hosts, over connections that nothing of the migration hangs on. */
export interface Ends {
  readonly source: Connection;
  readonly destination: Connection;
  readonly uuid: string;
}

/** How both hosts have the domain, and what that means. */
export interface Observation extends MigrationWhereabouts {
  readonly row: OutcomeRow;
}

/** What settling led to. */
export interface Settlement {
  readonly seen: Observation;
  /** What was done, in order, for people. */
  readonly did: readonly string[];
  /** Why it did not go on, when the end is none that is settled, and what is to be done about that if it is known. */
  readonly stuck: string | undefined;
  readonly remedy?: string;
}

/** How to settle. */
export interface SettleOptions {
  /** Where to go where both ways are open. */
  readonly prefer: 'back' | 'forward';
  /** What the migration wrote down; without it nothing is removed that might be another one's. */
  readonly record: MigrationRecord | undefined;
  /** Milliseconds after which it is given up. Default 90,000: libvirt takes its time to end what does not answer. */
  readonly within?: number;
}

const WITHIN = 90_000;
/** Milliseconds between two rounds, each of which makes one step. */
const PAUSE = 250;
/** Milliseconds in which a Perform that is under way gives the job back once its destination is gone. */
const PERFORM_ENDS = 3_000;
/** Milliseconds for one call: a job that is held keeps others waiting for 30 s. */
const CALL = { timeout: 45_000 };
const ABORT = { timeout: 10_000 };

/** Milliseconds that a QEMU at the destination has to come up: what it is to be is told then. */
const STARTS = 60_000;

/** Reads both hosts: the destination before and after the source, until it is the same. */
export async function observe({ source, destination, uuid }: Ends, known?: KnownOfMigration): Promise<Observation> {
  const end = performance.now() + STARTS;
  for (let round = 0; ; round++) {
    const before = await standingOn(destination, uuid);
    const here = await standingOn(source, uuid);
    const after = await standingOn(destination, uuid);
    if (isStarting(after) && performance.now() < end) {
      await sleep(PAUSE);
      continue;
    }
    if (JSON.stringify(before) !== JSON.stringify(after) && round < 5) continue;
    const row = outcomeOf(here, after, known);
    return { outcome: row.outcome, source: here, destination: after, row };
  }
}

/**
 * Brings a migration that was cut to an end: step by step, each after both hosts were read, until the domain is on one of them
 * or no step is safe. Calls that fail are no matter: the next round sees what they led to.
 */
export async function settle(ends: Ends, options: SettleOptions): Promise<Settlement> {
  const did: string[] = [];
  const end = performance.now() + (options.within ?? WITHIN);
  let heldSince: number | undefined;
  for (let round = 0; ; round++) {
    const seen = await observe(ends, options.record);
    const late = performance.now() > end && seen.row.action !== 'settled';
    // Perform fails by itself once nothing is at the destination. Confirmed before that, libvirt would take the job from under it.
    const waits = seen.row.action === 'cancel' && seen.row.destination !== 'incoming';
    heldSince = waits ? (heldSince ?? performance.now()) : undefined;
    if (!late && heldSince !== undefined && performance.now() - heldSince < PERFORM_ENDS) {
      await sleep(PAUSE);
      continue;
    }
    const result = late
      ? { stuck: `it does not come to an end: ${seen.row.meaning}` }
      : await step(ends, seen, options).catch(lookAgainIfGone);
    if ('stuck' in result) return { seen, did, ...result };
    if (did.at(-1) !== result.did) did.push(result.did);
    if (round > 0) await sleep(PAUSE);
  }
}

/** Another program may let the domain go, or end it, while a step looks at it. */
function lookAgainIfGone(error: unknown): Step {
  if (!isGone(error)) throw error;
  return { did: 'looked again' };
}

type Step = { readonly did: string } | Pick<Settlement, 'stuck' | 'remedy'>;

async function step(ends: Ends, seen: Observation, options: SettleOptions): Promise<Step> {
  const { source, destination, uuid } = ends;
  const [here, there] = await Promise.all(
    [source, destination].map((each) => lookUp(each, uuid, CALL).catch(() => undefined)),
  );
  const { record } = options;
  switch (seen.row.action) {
    case 'settled':
      return { stuck: undefined };
    case 'cancel':
      return cancel(ends, here, there, seen.row);
    case 'end-destination':
      return endDestination(destination, there);
    case 'choose':
      if (options.prefer === 'back' || !here || !there || !record) return endDestination(destination, there);
      await finishByHand(source, destination, here, there, record).catch(() => {});
      return { did: 'started it at the destination' };
    case 'resume-source':
      return resumeSource(source, here, record);
    case 'undefine-destination':
      return undefineDestination(destination, there, record);
    case 'end-prepared':
      return endPrepared(destination, there);
    case 'let-go':
      return letGo(ends, seen, here, there, record);
    case 'resume-post-copy':
      return joinAnew(source, destination, here, record);
    case 'wait':
      return { did: 'waited for the rest of its memory' };
    case 'refuse':
      return leaveUnsettled(ends, seen, there, record);
  }
}

/** Ends sending and what waits at the destination; and the job, in a round of its own, once no Perform can be under way. */
async function cancel(
  { source, destination }: Ends,
  here: DomainHandle | undefined,
  there: DomainHandle | undefined,
  { outcome }: OutcomeRow,
): Promise<Step> {
  if (!here) return { did: 'looked again' };
  if (outcome === 'sending') await source.call('DOMAIN_ABORT_JOB', { dom: here }, ABORT).catch(() => {});
  if (outcome === 'sending' || outcome === 'sent') return endDestination(destination, there);
  await confirm(source, here, VIR_MIGRATE_LIVE, true, CALL).catch(() => {});
  return { did: 'cancelled it: the source goes on' };
}

async function endDestination(destination: Connection, there: DomainHandle | undefined): Promise<Step> {
  if (there) await endIncoming(destination, there, VIR_MIGRATE_LIVE | VIR_MIGRATE_PERSIST_DEST);
  return { did: 'ended what waited at the destination' };
}

async function resumeSource(
  source: Connection,
  here: DomainHandle | undefined,
  record: MigrationRecord | undefined,
): Promise<Step> {
  if (!record) return { stuck: 'nothing says where it was sent to, so another host may run it' };
  if (record.paused) return { stuck: undefined };
  if (here) await source.call('DOMAIN_RESUME', { dom: here }, CALL).catch(() => {});
  return { did: 'resumed it at the source' };
}

async function undefineDestination(
  destination: Connection,
  there: DomainHandle | undefined,
  record: MigrationRecord | undefined,
): Promise<Step> {
  if (!record) return { stuck: 'nothing says whether the definition at the destination was there before' };
  const flags = VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;
  if (there) await destination.call('DOMAIN_UNDEFINE_FLAGS', { dom: there, flags }, CALL).catch(() => {});
  return { did: 'removed the definition that was left at the destination' };
}

/**
 * Finish, cancelled, of an offline migration. libvirt ends its job by that and goes on listing the domain, without a definition,
 * until its daemon starts anew (qemuMigrationDstFinish): nothing is left to do about that, and it is in nobody's way.
 */
async function endPrepared(destination: Connection, there: DomainHandle | undefined): Promise<Step> {
  if (!there) return { did: 'looked again' };
  const said = await cancelFinish(destination, there.name, VIR_MIGRATE_OFFLINE | VIR_MIGRATE_PERSIST_DEST, CALL);
  const ended = said instanceof LibvirtError && said.errorName === 'VIR_ERR_MIGRATE_FINISH_OK';
  return ended ? { did: 'ended what was prepared at the destination' } : { stuck: undefined };
}

/** The destination has it: compared with the source once more, then the source lets go. */
async function letGo(
  { source, destination }: Ends,
  seen: Observation,
  here: DomainHandle | undefined,
  there: DomainHandle | undefined,
  record: MigrationRecord | undefined,
): Promise<Step> {
  if (!here || !there) return { did: 'looked again' };
  const off = seen.row.source === 'off';
  if (off && !record?.undefineSource) return { stuck: undefined };
  if (
    seen.source.is === 'there' &&
    seen.source.persistent &&
    seen.destination.is === 'there' &&
    !seen.destination.persistent
  )
    return { stuck: 'the destination has no definition of it, and the source has' };
  const running = !off && seen.row.destination !== 'ended';
  const [differs] = await compareHosts(source, destination, here, { running, moved: record?.moved });
  if (differs)
    return {
      stuck: `the destination has it otherwise: ${differenceText(differs)}`,
      remedy: MAKE_ALIKE,
    };
  const paused = seen.destination.is === 'there' && seen.destination.state === 'paused';
  if (paused && record && !record.paused && !off) {
    await destination.call('DOMAIN_RESUME', { dom: there }, CALL).catch(() => {});
    const { destination: now } = await observe({ source, destination, uuid: here.uuid });
    if (!(now.is === 'there' && now.state === 'running')) return { stuck: 'it does not resume at the destination' };
  }
  if (!off && jobOf(seen.source)) {
    const undefine = record ? undefiningFlag(record) : 0;
    await confirm(source, here, VIR_MIGRATE_LIVE | VIR_MIGRATE_PERSIST_DEST | undefine, false, CALL).catch(() => {});
    return { did: 'confirmed: the source let it go' };
  }
  if (!off) {
    await source.call('DOMAIN_DESTROY', { dom: here }, CALL).catch(() => {});
    return { did: 'ended what stood still at the source' };
  }
  await undefineSource(source, here, record);
  return { did: 'removed the definition at the source' };
}

/** Removes the source's definition, with the UEFI variables that nobody needs any more. */
export async function undefineSource(
  source: Connection,
  dom: DomainHandle,
  record: Pick<MigrationRecord, 'nvram'> | undefined,
): Promise<void> {
  const nvram = record?.nvram === 'remove' ? VIR_DOMAIN_UNDEFINE_NVRAM : VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;
  await source
    .call('DOMAIN_UNDEFINE_FLAGS', { dom, flags: nvram | VIR_DOMAIN_UNDEFINE_MANAGED_SAVE }, CALL)
    .catch(() => {});
}

/** The same as waiting while its memory moves. What hinders it may pass: it is tried until there is no time left. */
async function joinAnew(
  source: Connection,
  destination: Connection,
  here: DomainHandle | undefined,
  record: MigrationRecord | undefined,
): Promise<Step> {
  if (!here) return { did: 'looked again' };
  const result = await resumePostCopy(source, destination, here, record);
  if (result === 'done') return { did: 'joined the hosts anew: the rest of its memory went over' };
  if (result === 'moves by itself') return { did: 'waited for the rest of its memory' };
  const why = result.failed instanceof Error ? result.failed.message : String(result.failed);
  return { did: `tried to join the hosts anew: ${why}` };
}

/** No step is safe. Of two that run, the one that the migration made is stopped: nothing is lost by that. */
async function leaveUnsettled(
  { destination }: Ends,
  { row, source, destination: there }: Observation,
  dom: DomainHandle | undefined,
  record: MigrationRecord | undefined,
): Promise<Step> {
  if (row.outcome !== 'split-brain') return { stuck: row.meaning };
  const running = there.is === 'there' && there.state === 'running';
  if (record && dom && running && source.is === 'there' && source.state === 'running') {
    await destination.call('DOMAIN_SUSPEND', { dom }, CALL).catch(() => {});
    return { stuck: 'it ran on both hosts, and was suspended at the destination: look which one is to live' };
  }
  return { stuck: 'it runs, or is ready to run, on both hosts: look which one is to live' };
}

function jobOf(standing: Standing): boolean {
  return standing.is === 'there' && standing.job !== false;
}
