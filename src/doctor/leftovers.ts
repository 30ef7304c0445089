import { applyPhaseIn, type DomainAccess } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import type { DomainDocument } from '../domain/index.js';
import { migrationInFlight } from '../migration/index.js';
import { readPending } from '../observe/index.js';
import { rescueStateOf } from '../rescue/index.js';
import { type Found, found } from './finding.js';

/** Work that was begun and not ended: applies, migrations, rescues. */
export function checkWork(canonical: DomainDocument, live: DomainDocument | undefined): Found[] {
  const results: Found[] = [];
  if (applyPhaseIn(canonical) === 'interrupted')
    results.push(found('apply-interrupted', 'an apply was interrupted', 'Settle it: recover({ mode })'));
  const migration = migrationInFlight({ canonical, live });
  if (migration && migration.by.state !== 'running')
    results.push(
      found(
        'migration-interrupted',
        `a migration to ${migration.to.uri} of ${migration.since.toISOString()} was not ended by process ${migration.by.pid} of ${migration.by.host}`,
        'Settle it: recoverMigration',
      ),
    );
  const rescue = rescueStateOf(live);
  if (rescue)
    results.push(
      found(
        'rescue-open',
        `it runs a rescue from ${rescue.disk} since ${rescue.since.toISOString()}`,
        'End it when it is done: unrescue()',
      ),
    );
  return results;
}

/** A managed-save image whose document is older than the canonical one. virDomainManagedSaveGetXMLDesc. */
export async function checkManagedSave(reader: DomainAccess, options: CallOptions): Promise<Found[]> {
  const { managedSave } = await readPending(reader, options);
  if (!managedSave || managedSave.changes.length === 0) return [];
  const subjects = managedSave.changes.map(({ subject }) => subject).join(', ');
  return [
    found(
      'managed-save-old',
      `its managed-save image is without changes made since: ${subjects}`,
      "Start it with managedSave: 'restore' and boot it cold afterwards, or with 'discard'",
    ),
  ];
}

/** Snapshots, whose metadata holds the domain to its host and its name. virDomainSnapshotNum. */
export async function checkSnapshots(
  { connection, handle: dom }: DomainAccess,
  options: CallOptions,
): Promise<Found[]> {
  const { num } = await connection.call('DOMAIN_SNAPSHOT_NUM', { dom, flags: 0 }, options);
  if (num === 0) return [];
  return [
    found(
      'snapshots-pin',
      `libvirt keeps ${num} snapshots of it`,
      'Delete their metadata: virsh snapshot-delete --metadata; snapshot() makes some without',
    ),
  ];
}
