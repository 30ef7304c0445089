import { applyPhaseIn, type DomainAccess, entriesHolder, entriesIn } from '../apply/index.js';
import { type CallOptions, LibvirtError } from '../connection/index.js';
import { blockJobs, checkpoints } from '../copies/index.js';
import type { ObservedDomain } from '../domain/index.js';
import { driftOf } from '../observe/index.js';
import { stateOf } from '../power/index.js';
import { blocks, type MigrationFinding, warns } from './findings.js';
import type { MigrationRequest } from './options.js';
import { migrationEntry } from './record.js';

/** What of the domain itself, on the source, stands in the way of a migration. */
export async function checkState(
  reader: DomainAccess,
  context: ObservedDomain,
  request: MigrationRequest,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  const { live } = context;
  const all = await Promise.all([
    checkPower(reader, context, request, options),
    checkSnapshots(reader, options),
    checkCheckpoints(reader, options),
    live ? checkJobs(reader, options) : [],
    checkWork(reader, context, options),
  ]);
  return all.flat();
}

async function checkPower(
  reader: DomainAccess,
  { live, persistent, managedSave }: ObservedDomain,
  { mode, managedSave: saved = 'refuse', undefineSource }: MigrationRequest,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  const found: MigrationFinding[] = [];
  const { state, reason } = await stateOf(reader, options);
  if (mode === 'cold' && live)
    found.push(
      blocks(
        'source',
        'domain',
        `it is ${state}`,
        "Shut it down, or ask for mode: 'live': libvirt would define it there while it runs here",
      ),
    );
  if (mode !== 'cold' && !live)
    found.push(blocks('source', 'domain', `it is ${state}`, "Ask for mode: 'cold', or start it"));
  if (mode === 'cold' && !persistent) found.push(blocks('source', 'domain', 'it is transient', 'Define it first'));
  if (managedSave && (mode !== 'cold' || saved === 'refuse'))
    found.push(
      blocks(
        'source',
        'domain',
        'it has a managed-save image, which would stay behind with the memory of its guest',
        "Start it and migrate it live, or ask for managedSave: 'discard' with mode: 'cold'",
      ),
    );
  if (state === 'paused' && ['migration', 'postcopy', 'postcopyFailed'].includes(reason))
    found.push(
      blocks('source', 'domain', `it is paused by a migration (${reason})`, 'Ask recoverMigration what became of that'),
    );
  if (state === 'paused' && reason === 'ioError')
    found.push(warns('source', 'domain', 'it is paused by an I/O error', 'It arrives paused; look at its disks'));
  if (live && !persistent && !undefineSource)
    found.push(
      warns('source', 'domain', 'it is transient, so nothing of it stays at the source', 'Define it to keep it there'),
    );
  return found;
}

async function checkSnapshots(
  { connection, handle: dom }: DomainAccess,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  const { num } = await connection.call('DOMAIN_SNAPSHOT_NUM', { dom, flags: 0 }, options);
  if (num === 0) return [];
  return [
    blocks(
      'source',
      'domain',
      `it has ${num} snapshots`,
      'Delete their metadata, or export them first: libvirt migrates none',
    ),
  ];
}

/** libvirt does not refuse them: they are gone on both sides afterwards. */
async function checkCheckpoints(reader: DomainAccess, options: CallOptions): Promise<MigrationFinding[]> {
  const all = await checkpoints(reader, options);
  if (all.length === 0) return [];
  const names = all.map(({ name }) => name).join(', ');
  return [
    blocks(
      'source',
      'domain',
      `it has the checkpoints ${names}, which libvirt would lose on both hosts`,
      'Delete them with deleteCheckpoint and begin with a whole backup there',
    ),
  ];
}

async function checkJobs(reader: DomainAccess, { signal }: CallOptions): Promise<MigrationFinding[]> {
  const found = (await blockJobs(reader, signal)).map(({ disk, type }) =>
    blocks('source', disk, `it has a ${type} job`, 'Let it end, or end it with abortBlockJob'),
  );
  const { connection, handle: dom } = reader;
  const { type } = await connection.call('DOMAIN_GET_JOB_INFO', { dom }, { signal }).catch((error: unknown) => {
    if (error instanceof LibvirtError) return { type: 0 };
    throw error;
  });
  if (type === 1 || type === 2)
    found.push(
      blocks('source', 'domain', 'another job holds it: a migration, save, dump or backup', 'Let it end, or end it'),
    );
  return found;
}

/** What this library itself has under way. */
async function checkWork(
  reader: DomainAccess,
  context: ObservedDomain,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  const found: MigrationFinding[] = [];
  const { canonical, live } = context;
  const entry = migrationEntry(canonical) ?? (live && migrationEntry(live));
  if (entry)
    found.push(
      blocks(
        'source',
        'domain',
        `a migration to ${entry.record.destination.uri} by process ${entry.owner.pid} of ${entry.owner.host} ${entry.ownerState === 'running' ? 'is under way' : 'was not ended'}`,
        entry.ownerState === 'running' ? 'Let it end' : 'Settle it with recoverMigration first',
      ),
    );
  const holder = entriesHolder(context);
  const phase = applyPhaseIn(holder);
  if (entriesIn(holder).some(({ phase: each, ownerState }) => each === 'apply' && ownerState === 'running'))
    found.push(blocks('source', 'domain', 'an apply is in progress', 'Let it end'));
  else if (phase === 'interrupted')
    found.push(blocks('source', 'domain', 'an apply was interrupted', 'Settle it with recover first'));
  const { changes } = await driftOf(reader, options);
  if (changes.some(({ by }) => by === 'somebody'))
    found.push(warns('source', 'domain', 'somebody changed its canonical document', 'It goes along; look at drift()'));
  return found;
}
