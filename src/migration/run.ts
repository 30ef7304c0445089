import { DomainAccess, inDomainQueue, Journal } from '../apply/index.js';
import { type Connection, paramsToObject, VIR_DOMAIN_JOB_STATS_COMPLETED } from '../connection/index.js';
import { type DomainDocument, withoutBookkeeping } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { filesOf } from '../host/index.js';
import { removeImageFiles } from '../images/index.js';
import { disksOf } from '../plan/index.js';
import { bringAlong, clearRecord } from './arrive.js';
import { asFile } from './cold-disks.js';
import { removeCarried } from './cold-state.js';
import { migrationDocuments } from './documents.js';
import { OwnConnections } from './ends.js';
import { MigrationError, MigrationRefusedError } from './errors.js';
import { blocks } from './findings.js';
import { type MigrationHooks, runHook } from './hooks.js';
import { DifferentArrivalError, EndedThereError, managedCold, managedLive } from './managed.js';
import type { MigrationRequest } from './options.js';
import { peerToPeer } from './peer-to-peer.js';
import { type Preparation, prepareMigration, wireForm } from './prepare.js';
import { type CarriedFile, leaveRecord, type MigrationRecord, newRecord, writeRecord } from './record.js';
import { type Audience, assertNotAborted, type MigrationResult, type Run } from './run-context.js';
import { SourceHangsError } from './send.js';
import { type Ends, type Settlement, settle, undefineSource } from './settle.js';
import { lookUp } from './standing.js';
import { makeTarget, targetsToMake } from './targets.js';

/** Milliseconds to wait for other processes that apply to the domain. */
const TURN = 60_000;

/** Migrates a domain, in this process's turn at it. */
export function runMigration(
  reader: DomainAccess,
  destination: Connection,
  request: MigrationRequest,
  audience: Audience,
): Promise<Pick<MigrationResult, 'domain' | 'downtime' | 'unfinished'>> {
  return inDomainQueue(
    reader.handle.uuid,
    async () => {
      audience.phase('checking');
      const asked = { ...request, signal: audience.signal };
      const prepared = await prepareMigration(reader, destination, asked, false);
      const blocking = prepared.findings.filter(({ severity }) => severity === 'blocks');
      if (blocking.length > 0) throw new MigrationRefusedError(reader.handle.name, blocking);
      const { persistent } = prepared.context;
      const { journal, context } = await Journal.claim(reader, persistent, { signal: audience.signal, wait: TURN });
      try {
        assertUnchanged(prepared, context.canonical);
        const result = await recorded(reader, destination, asked, prepared, audience);
        // Where the source is gone its metadata is, too.
        await journal.end().catch(() => {});
        return result;
      } catch (error) {
        const ended = journal.end().catch(() => {});
        // A source that is held by its job would keep whoever waits for this; the claim says nothing once this is over.
        if (!(error instanceof MigrationError && error.code === 'MIGRATION_UNSETTLED')) await ended;
        throw error;
      }
    },
    audience.signal,
  );
}

/** The domain was looked at before the turn was had. */
function assertUnchanged({ context }: Preparation, now: DomainDocument): void {
  if (withoutBookkeeping(context.canonical.xml) === withoutBookkeeping(now.xml)) return;
  throw new MigrationRefusedError(now.name, [
    blocks('source', 'domain', 'it was changed while its migration was checked', 'Ask again'),
  ]);
}

/** Writes down what is about to be done, does it, and brings it to an end whatever happens. */
async function recorded(
  reader: DomainAccess,
  destination: Connection,
  request: MigrationRequest,
  prepared: Preparation,
  audience: Audience,
): Promise<Pick<MigrationResult, 'domain' | 'downtime' | 'unfinished'>> {
  const { signal } = audience;
  const { name, uuid } = reader.handle;
  const ends: Ends = { source: reader.connection, destination, uuid };
  // Targets are noted once they are made: what another one put there meanwhile is not removed.
  let record = newRecord({ ...prepared.record, targets: [] });
  const persistent = prepared.context.persistent;
  audience.phase('preparing');
  await writeRecord(reader, record, persistent);
  const note = async (more: Partial<MigrationRecord>) => {
    record = { ...record, ...more };
    await writeRecord(reader, record, persistent);
  };
  let failure: unknown;
  try {
    const own = await OwnConnections.open(ends.source, destination);
    try {
      await runHook(request.hooks, 'beforePrepare', hookContext('destination', ends, prepared, signal));
      for (const disk of targetsToMake(prepared.disks, request)) {
        assertNotAborted(signal);
        await makeTarget(destination, record.mode === 'cold' ? asFile(disk) : disk, { signal });
        await note({ targets: [...record.targets, disk.destination as string] });
      }
      assertNotAborted(signal);
      // Once more: the record is in it by now, and goes along.
      const documents = await migrationDocuments(reader, prepared.running, record.moved, { signal });
      const again = { ...prepared, documents };
      const wire = wireForm(request, { ...again, persistent });
      const noteCarried = (file: CarriedFile) => note({ carried: [...(record.carried ?? []), file] });
      const run: Run = { reader, ends, own, request, prepared: { ...again, ...wire }, record, audience, noteCarried };
      if (record.via !== 'client') await peerToPeer(run);
      else if (record.mode === 'cold') await managedCold(run);
      else await managedLive(run);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  } catch (error) {
    failure = error;
  }
  // Whatever went wrong, the hosts tell what it led to: a lost answer is no failure, and a failure may have been one of the last call only.
  // Only looked at where a step could do harm: the source would keep each call waiting, or its definition is the better one.
  const lookOnly = [SourceHangsError, DifferentArrivalError, EndedThereError].some((kind) => failure instanceof kind);
  const settled = await settle(ends, { prefer: 'back', record, ...(lookOnly && { within: 0 }) });
  audience.phase('tidying');
  if (settled.stuck === undefined && hasArrived(settled, record))
    return { domain: { name, uuid }, ...(await arrived(ends, request, prepared, record)) };
  throw await failed({ reader, ends, request, prepared, record, audience }, settled, failure);
}

/** Whether the destination has the domain and the source has let it go as far as was asked. */
export function hasArrived({ seen }: Settlement, record: MigrationRecord): boolean {
  return seen.outcome === 'done' || (seen.outcome === 'defined-on-both' && !record.undefineSource);
}

async function arrived(
  ends: Ends,
  request: MigrationRequest,
  prepared: Preparation,
  record: MigrationRecord,
): Promise<Pick<MigrationResult, 'downtime' | 'unfinished'>> {
  const { destination, source, uuid } = ends;
  const unfinished: string[] = [];
  const dom = await lookUp(destination, uuid, {});
  const { canonical, live } = prepared.context;
  if (dom) unfinished.push(...(await bringAlong(destination, dom, { record, canonical, live })));
  const left = await lookUp(source, uuid, {}).catch(() => undefined);
  if (left && record.undefineSource) await undefineSource(source, left, record);
  else if (left) await clearRecord(new DomainAccess(source, left), record).catch(() => {});
  leaveRecord(record);
  for (const [hook, host] of [
    ['afterArrival', 'destination'],
    ['afterRelease', 'source'],
  ] as const)
    await runHook(request.hooks, hook, hookContext(host, ends, prepared)).catch((error: Error) =>
      unfinished.push(error.message),
    );
  return { downtime: dom && (await downtimeOf(destination, dom)), unfinished };
}

/** What libvirt counted; kept at the destination until it is read. */
async function downtimeOf(
  destination: Connection,
  dom: { name: string; uuid: string; id: number },
): Promise<number | undefined> {
  const stats = await destination
    .call('DOMAIN_GET_JOB_STATS', { dom, flags: VIR_DOMAIN_JOB_STATS_COMPLETED })
    .catch(() => undefined);
  const { downtime } = paramsToObject(stats?.params ?? []);
  return downtime === undefined ? undefined : Number(downtime);
}

/** Tidies up after a migration that did not take place, and says where the domain is. */
async function failed(
  { reader, ends, request, prepared, record, audience }: Omit<Run, 'own' | 'noteCarried'>,
  { seen, stuck, did, remedy }: Settlement,
  failure: unknown,
): Promise<unknown> {
  const { name } = reader.handle;
  const { outcome, source, destination } = seen;
  const where = { outcome, source, destination };
  const cause = failure ?? (stuck === undefined ? undefined : new Error(stuck));
  const why = failure instanceof Error ? failure.message : (stuck ?? 'it did not arrive');
  const onSource = ['not-migrated', 'source-ended'].includes(outcome);
  if (!onSource) {
    leaveRecord(record);
    const done = did.length > 0 ? ` (${did.join('; ')})` : '';
    return new MigrationError(
      'MIGRATION_UNSETTLED',
      `the migration of ${name} was not settled: ${why}; ${stuck ?? seen.row.meaning}${done}`,
      where,
      {
        domain: name,
        remedy: remedy ?? 'Ask recoverMigration when both hosts answer',
        cause,
      },
    );
  }
  const left = [
    ...(await removeImageFiles(ends.destination, record.targets)),
    ...(await removeCarried(filesOf(ends.destination, request.files?.destination), record.carried ?? [])),
  ];
  await clearRecord(reader, record).catch(() => {});
  leaveRecord(record);
  await runHook(request.hooks, 'afterFailure', hookContext('destination', ends, prepared)).catch(() => {});
  if (failure instanceof LibvirtCanonicalError && failure.code === 'HOOK_FAILED') return failure;
  const { aborted } = audience.signal;
  const meaning = outcome === 'source-ended' ? 'it is off on the source' : 'it goes on at the source';
  const files = left.length > 0 ? `; left at the destination: ${left.join(', ')}` : '';
  return new MigrationError(
    aborted ? 'ABORTED' : 'MIGRATION_FAILED',
    `the migration of ${name} ${aborted ? 'was aborted' : `failed: ${why}`}; ${meaning}${files}`,
    where,
    {
      domain: name,
      remedy:
        outcome === 'source-ended' && record.mode !== 'cold'
          ? 'Look at its log, and start it'
          : 'Mend the cause and ask again',
      cause,
    },
  );
}

/** What a hook is told: the disks as its host has them. */
export function hookContext(
  host: 'source' | 'destination',
  { source, destination, uuid }: Ends,
  { context, documents }: Pick<Preparation, 'context' | 'documents'>,
  signal?: AbortSignal,
): Parameters<NonNullable<MigrationHooks['beforePrepare']>>[0] {
  const document = host === 'source' ? (context.live ?? context.canonical) : documents.destinationXml;
  return {
    domain: { name: context.canonical.name, uuid },
    host,
    connection: host === 'source' ? source : destination,
    disks: disksOf(document),
    ...(signal && { signal }),
  };
}
