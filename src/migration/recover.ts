import { DomainAccess, inDomainQueue } from '../apply/index.js';
import type { Connection } from '../connection/index.js';
import { assertKnownFields, uuidOf } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { filesOf, type HostFiles } from '../host/index.js';
import { removeImageFiles } from '../images/index.js';
import { disksOf } from '../plan/index.js';
import { bringAlong, clearRecord } from './arrive.js';
import { removeCarried } from './cold-state.js';
import { MigrationError, type MigrationWhereabouts } from './errors.js';
import { assertHooks, type MigrationHooks, runHook } from './hooks.js';
import { connectionOf, hostOf, type MigrationDestination } from './hosts.js';
import { assertFiles, assertWords } from './options.js';
import { type MigrationEntry, migrationEntry } from './record.js';
import { type Ends, type Observation, observe, settle, undefineSource } from './settle.js';
import { lookUp } from './standing.js';

/** Options of {@link recoverMigration}. */
export interface RecoverMigrationOptions {
  /** Where to go when the guest stands still and both ways are open. Default `back`: to the source. */
  readonly prefer?: 'back' | 'forward';
  /** `ended` (default): refuse unless the process that migrates is known to have ended. `gone`: the caller's word that it has. */
  readonly owner?: 'ended' | 'gone';
  /** `settle` (default), or only `look`: nothing is changed. */
  readonly mode?: 'settle' | 'look';
  readonly hooks?: MigrationHooks;
  /** Ways to the files of the destination, where it is not this machine: to remove UEFI variables and TPM state that a cold migration has carried there. */
  readonly files?: { readonly destination?: HostFiles };
  /** Gives up waiting for other work on the domain; what has begun is brought to its end. */
  readonly signal?: AbortSignal;
}

const WORDS = { prefer: ['back', 'forward'], owner: ['ended', 'gone'], mode: ['settle', 'look'] } as const;

/** What {@link recoverMigration} found and did. */
export interface MigrationRecovery extends MigrationWhereabouts {
  /** What both hosts had at first. */
  readonly found: MigrationWhereabouts;
  /** Where the domain is, for people. */
  readonly meaning: string;
  /** What was done, in order; empty when there was nothing to do. */
  readonly did: readonly string[];
  /** What could not be done although the domain is settled. */
  readonly unfinished: readonly string[];
}

/**
 * Brings a migration to an end that was cut by the death of its program, a daemon, a host or a network. Reads both hosts and
 * what the migration wrote down, and completes it, goes back to the source, or refuses to guess: a source that stands still is
 * resumed only when the destination of that migration has answered and runs nothing. Asked again it does nothing more.
 *
 * Errors: `SPEC_INVALID`, `SPEC_UNKNOWN_FIELD` for options that are none; `DOMAIN_NOT_FOUND` when neither host has the domain; `MIGRATION_IN_PROGRESS` while the process that migrates it runs,
 * or may run; `MIGRATION_UNSETTLED` (MigrationError) when no step is safe, with where it is and what to do.
 *
 * @example
 * const { outcome, meaning, did } = await recoverMigration(source, destination, uuid);
 */
export async function recoverMigration(
  source: MigrationDestination,
  destination: MigrationDestination,
  uuid: string,
  options: RecoverMigrationOptions = {},
): Promise<MigrationRecovery> {
  assertKnownFields(options, ['prefer', 'owner', 'mode', 'hooks', 'files', 'signal'], '');
  assertWords(options, WORDS);
  assertHooks(options.hooks);
  assertKnownFields(options.files ?? {}, ['destination'], 'files');
  assertFiles(options.files);
  const ends: Ends = {
    source: connectionOf(source),
    destination: connectionOf(destination),
    uuid: uuidOf(uuid, 'uuid'),
  };
  // Who only looks waits for nobody.
  if (options.mode === 'look') return recover(ends, options);
  return inDomainQueue(ends.uuid, () => recover(ends, options), options.signal);
}

async function recover(ends: Ends, options: RecoverMigrationOptions): Promise<MigrationRecovery> {
  const entry = await entryOf(ends);
  const first = await observe(ends, entry?.record);
  const found = whereOf(first);
  const named = first.source.is === 'unreachable' || first.destination.is === 'unreachable';
  if (named)
    throw unsettled(
      ends,
      first,
      `${first.row.meaning}`,
      'Ask again when both hosts answer; do not resume or start it by hand before',
    );
  if (first.outcome === 'nowhere')
    throw new LibvirtCanonicalError('DOMAIN_NOT_FOUND', `neither host has a domain ${ends.uuid}`, {
      remedy: 'Look on the other hosts: it is on none of these two',
    });
  if (options.mode === 'look') return { ...found, found, meaning: first.row.meaning, did: [], unfinished: [] };
  assertNotOwned(entry, first, options);
  await assertHostsOfRecord(ends, entry, first);
  if (entry?.record.persistent === false && NOTHING_THERE.includes(first.outcome))
    throw unsettled(
      ends,
      first,
      'it is transient and stands still on the source: had it run at the destination and ended there, nothing would be left to tell, and its disks would have gone on',
      "Look at the destination's log of it; resume it at the source by hand if it never ran there, else end it",
    );
  const settled = await settle(ends, { prefer: options.prefer ?? 'back', record: entry?.record });
  if (settled.stuck !== undefined)
    throw unsettled(
      ends,
      settled.seen,
      settled.stuck,
      settled.remedy ?? 'Nothing further was done; read both hosts, and end the one that must not live by hand',
    );
  const unfinished = entry ? await tidy(ends, settled.seen, entry, options) : [];
  return {
    ...whereOf(settled.seen),
    found,
    meaning: settled.seen.row.meaning,
    did: settled.did,
    unfinished,
  };
}

/** Outcomes in which a source stands still and its destination has nothing. */
const NOTHING_THERE: readonly string[] = ['destination-lost', 'stands-still'];

/** The record of the migration, from whichever host has it. */
async function entryOf({ source, destination, uuid }: Ends): Promise<MigrationEntry | undefined> {
  for (const connection of [source, destination]) {
    const dom = await lookUp(connection, uuid, {}).catch(() => undefined);
    const documents = dom && (await new DomainAccess(connection, dom).documents().catch(() => undefined));
    const entry =
      documents && (migrationEntry(documents.canonical) ?? (documents.live && migrationEntry(documents.live)));
    if (entry) return entry;
  }
  return undefined;
}

/** Whoever made the migration may still be at it: then it is not ours to end. */
function assertNotOwned(
  entry: MigrationEntry | undefined,
  { row }: Observation,
  { owner = 'ended' }: RecoverMigrationOptions,
): void {
  if (owner === 'gone' || ['not-migrated', 'done', 'source-ended', 'split-brain'].includes(row.outcome)) {
    if (entry?.ownerState !== 'running' || owner === 'gone') return;
  }
  // By themselves the daemons go on when the program has ended.
  const byDaemons =
    entry !== undefined && entry.record.via !== 'client' && ['begun', 'sending', 'sent'].includes(row.outcome);
  if (entry?.ownerState === 'ended' && !byDaemons) return;
  const who = byDaemons
    ? "the source's daemon"
    : entry
      ? `process ${entry.owner.pid} of ${entry.owner.host}`
      : 'another program, which left no record,';
  throw new LibvirtCanonicalError(
    'MIGRATION_IN_PROGRESS',
    `${who} migrates the domain${entry?.ownerState === 'running' ? '' : ', or did'}: ${row.meaning}`,
    { remedy: "Let it end; when it is known to have ended, recover with owner: 'gone'" },
  );
}

/** The hosts given must be those of the record: with another one for the destination a guest that runs would count as absent. */
async function assertHostsOfRecord(ends: Ends, entry: MigrationEntry | undefined, first: Observation): Promise<void> {
  const [here, there] = await Promise.all([ends.source, ends.destination].map((each) => hostOf(each, {})));
  if (here?.uuid === there?.uuid)
    throw unsettled(ends, first, 'both connections lead to the same host', 'Give the two hosts of the migration');
  if (!entry) return;
  const { source, destination } = entry.record;
  if (source.uuid === here?.uuid && destination.uuid === there?.uuid) return;
  throw unsettled(
    ends,
    first,
    `the migration was from ${source.uri} (host ${source.uuid}) to ${destination.uri} (host ${destination.uuid}), and other hosts were given`,
    'Give these two, in this order',
  );
}

/** What is left to do once the domain is on one host. */
async function tidy(
  ends: Ends,
  { row }: Observation,
  { record }: MigrationEntry,
  { hooks, files }: RecoverMigrationOptions,
): Promise<string[]> {
  const { source, destination, uuid } = ends;
  const unfinished: string[] = [];
  const [here, there] = await Promise.all(
    [source, destination].map((each) => lookUp(each, uuid, {}).catch(() => undefined)),
  );
  const reader = here && new DomainAccess(source, here);
  const arrived = row.outcome === 'done' || row.outcome === 'defined-on-both';
  const hook = async (name: keyof MigrationHooks, connection: Connection, dom = there ?? here) => {
    if (!dom) return;
    const host = connection === source ? 'source' : 'destination';
    const on = connection === source ? here : there;
    const { canonical, live } = await new DomainAccess(
      on ? connection : connection === source ? destination : source,
      dom,
    ).documents();
    const context = { domain: { name: dom.name, uuid }, host, connection, disks: disksOf(live ?? canonical) } as const;
    await runHook(hooks, name, context);
  };
  const attempt = async (work: () => Promise<unknown>) =>
    work().catch((error: unknown) => unfinished.push(error instanceof Error ? error.message : String(error)));
  if (arrived) {
    const documents = reader && (await reader.documents().catch(() => undefined));
    if (there)
      unfinished.push(
        ...(await bringAlong(destination, there, { record, canonical: documents?.canonical, live: undefined })),
      );
    if (here && record.undefineSource) await undefineSource(source, here, record);
    else if (reader) await attempt(() => clearRecord(reader, record));
    await attempt(() => hook('afterArrival', destination));
    await attempt(() => hook('afterRelease', source));
    return unfinished;
  }
  const left = await removeImageFiles(destination, record.targets);
  left.push(...(await removeCarried(filesOf(destination, files?.destination), record.carried ?? [])));
  unfinished.push(...left.map((path) => `${path} is left at the destination`));
  if (reader) await attempt(() => clearRecord(reader, record));
  await attempt(() => hook('afterFailure', destination));
  return unfinished;
}

function whereOf({ outcome, source, destination }: Observation): MigrationWhereabouts {
  return { outcome, source, destination };
}

function unsettled({ uuid }: Ends, seen: Observation, why: string, remedy: string): MigrationError {
  return new MigrationError(
    'MIGRATION_UNSETTLED',
    `the migration of ${uuid} cannot be settled: ${why}`,
    whereOf(seen),
    {
      domain: uuid,
      remedy,
    },
  );
}
