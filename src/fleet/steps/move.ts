import { setTimeout as sleep } from 'node:timers/promises';
import { notify } from '../../apply/index.js';
import { DomainDocument } from '../../domain/index.js';
import { AbortedError, LibvirtCanonicalError } from '../../errors.js';
import type { ManagedDomain } from '../../manager/index.js';
import {
  MigrationError,
  type MigrationOptions,
  type MigrationRecovery,
  recoverMigration,
} from '../../migration/index.js';
import type { Member } from '../member.js';
import { type DomainNeeds, NOTHING, needsOf } from '../needs.js';
import { FleetPlanStaleError } from '../stale.js';
import type { MoveInput } from '../step-inputs.js';
import { type FleetWhereabouts, isOff } from '../where.js';
import {
  assertNotAborted,
  assertNotElsewhere,
  assertNotQuarantined,
  assertUnclaimed,
  onHost,
  type StepHosts,
  type StepOptions,
} from './context.js';
import { checkMove } from './input.js';
import { assertRoom } from './room.js';
import { shutDown } from './shut-down.js';

/** What came of the step `move`. */
export interface MoveOutcome {
  /** `already`: it had been there, and nothing was done. */
  readonly outcome: 'moved' | 'already';
  readonly domain: { readonly name: string; readonly uuid: string };
  readonly host: string;
  readonly state: string;
  /** Milliseconds that the guest stood still, where libvirt counted them. */
  readonly downtime?: number;
  /** What could not be done although it arrived, for people. */
  readonly unfinished: readonly string[];
}

/** Milliseconds before a migration that somebody else makes is looked at again. */
const POLL = 500;
/** How often a migration that was cut is settled, each time with another look, before that is left to a person. */
const SETTLINGS = 5;

/** What is known of the way so far. */
interface Way {
  did: boolean;
  settled: number;
  downtime: number | undefined;
  unfinished: string[];
}

/** Moves a domain to its target, or finds it there: see `FleetSteps.move`. */
export async function move(hosts: StepHosts, input: MoveInput, options: StepOptions): Promise<MoveOutcome> {
  checkMove(input);
  const { domain, from, to } = input;
  const [source, target] = [hosts.member('move', 'from', from), hosts.member('move', 'to', to)];
  const way: Way = { did: false, settled: 0, downtime: undefined, unfinished: [] };
  for (;;) {
    assertNotAborted(`the move of ${domain.name}`, options);
    const where = await hosts.where(domain, [from, to], options.signal);
    assertUnclaimed(where, input);
    assertNotElsewhere(where, [from, to]);
    assertNotQuarantined(where, [from, to]);
    const [here, there] = [onHost(where, from), onHost(where, to)];
    if (!here && !there) throw nowhere(input, where);
    if (!here && there && !(input.running && input.way === 'cold' && isOff(there))) {
      const { downtime, unfinished } = way;
      const { name, uuid } = domain;
      return {
        outcome: way.did ? 'moved' : 'already',
        domain: { name, uuid },
        host: to,
        state: there.state,
        ...(downtime !== undefined && { downtime }),
        unfinished,
      };
    }
    if (!here) await start(hosts, target, input, options);
    else if ((there && !isOff(there)) || (await isCut(hosts, there ? [source, target] : [source], input)))
      await settle(source, target, input, way, options);
    else if (there) throw stale(input, `${to} has a definition of it too`);
    else await goes(hosts, source, target, input, isOff(here), way, options);
    way.did = true;
  }
}

/** Whether a migration of it was begun that is not over. One whose program runs is waited for, as if it were ours. */
async function isCut(hosts: StepHosts, members: readonly Member[], { domain }: MoveInput): Promise<boolean> {
  const found = await Promise.all(members.map(async (member) => (await hosts.manager(member)).get(domain.uuid)));
  return found.some(({ migration }) => migration !== undefined);
}

async function settle(
  source: Member,
  target: Member,
  { domain: { name, uuid } }: MoveInput,
  way: Way,
  options: StepOptions,
): Promise<void> {
  notify(options.onProgress, { phase: 'settling' });
  let recovery: MigrationRecovery;
  try {
    recovery = await recoverMigration(await source.connection(), await target.connection(), uuid);
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError) || error.code !== 'MIGRATION_IN_PROGRESS') throw error;
    await pause(name, options);
    return;
  }
  way.unfinished.push(...recovery.unfinished);
  const { outcome, source: here, destination: there, meaning } = recovery;
  if (['unknown', 'split-brain', 'nowhere', 'post-copy-failed'].includes(outcome) || ++way.settled > SETTLINGS)
    throw new MigrationError(
      'MIGRATION_UNSETTLED',
      meaning,
      { outcome, source: here, destination: there },
      {
        domain: name,
        remedy: 'Look at both hosts; recoverMigration says what can be done',
      },
    );
  if (outcome === 'post-copy') await pause(name, options);
}

async function pause(name: string, { signal }: StepOptions): Promise<void> {
  try {
    await sleep(POLL, undefined, signal && { signal });
  } catch (error) {
    if (signal?.aborted) throw new AbortedError(`the move of ${name}`, signal.reason);
    throw error;
  }
}

/** Makes the move of a domain that is on the source alone. */
async function goes(
  hosts: StepHosts,
  source: Member,
  target: Member,
  input: MoveInput,
  off: boolean,
  way: Way,
  options: StepOptions,
): Promise<void> {
  const cold = input.way === 'cold';
  if (off && input.running && !cold) throw stale(input, 'it is off, and was planned to run on');
  if (!off && !input.running) throw stale(input, 'it runs, and was planned to be off');
  const domain = await (await hosts.manager(source)).get(input.domain.uuid);
  await assertRoom(target, domain.name, await needsNow(domain, input, options), input, options);
  if (cold && !off) {
    const { domain, from, operation, shutdown = {} } = input;
    await shutDown(hosts, { domain, from, shutdown, ...(operation !== undefined && { operation }) }, options);
    return;
  }
  const job = domain.migrate(await hosts.manager(target), migrationOptions(target, input, options));
  for await (const { policy, ...progress } of job) notify(options.onProgress, { ...progress, policy: [...policy] });
  const { downtime, unfinished } = await job.done;
  way.downtime = downtime;
  way.unfinished.push(...unfinished);
}

function migrationOptions(
  { migration }: Member,
  { way, copies = [], shared = [], policy }: MoveInput,
  { signal }: StepOptions,
): MigrationOptions {
  const { uri, listenAddress, disksUri, tls, paths, graphics } = migration;
  const running = { uri, listenAddress, disksUri, tls, policy };
  const all = {
    mode: way,
    paths,
    graphics,
    ...(way === 'cold' ? {} : running),
    disks: copies.length > 0 ? copies : undefined,
    shared: shared.length > 0 ? shared : undefined,
    signal,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

async function needsNow(domain: ManagedDomain, { running }: MoveInput, { signal }: StepOptions): Promise<DomainNeeds> {
  if (!running) return NOTHING;
  return needsOf(new DomainDocument((await domain.live({ signal })) ?? (await domain.canonical({ signal }))));
}

async function start(hosts: StepHosts, target: Member, { domain }: MoveInput, options: StepOptions): Promise<void> {
  notify(options.onProgress, { phase: 'starting' });
  await (await (await hosts.manager(target)).get(domain.uuid)).start({ signal: options.signal });
}

const stale = ({ domain: { name } }: MoveInput, change: string): FleetPlanStaleError =>
  new FleetPlanStaleError([`${name}: ${change}`], name);

const nowhere = (
  { domain: { name }, from, to }: MoveInput,
  { found, silent }: FleetWhereabouts,
): FleetPlanStaleError => {
  const seen = found.map(({ host, state }) => `${host} has it, ${state}`);
  const unheard = silent.map(({ host }) => `${host} did not answer`);
  return new FleetPlanStaleError(
    [[`${name} is neither on ${from} nor on ${to}`, ...seen, ...unheard].join(', ')],
    name,
  );
};
