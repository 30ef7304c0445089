import type { DomainDocument } from '../domain/index.js';
import { type MigrationHost, migrationEntry } from './record.js';

/** A migration that is under way or was cut, as the domain's metadata tells. */
export interface MigrationInFlight {
  readonly since: Date;
  readonly mode: 'live' | 'block' | 'cold';
  readonly from: MigrationHost;
  readonly to: MigrationHost;
  /** The process that migrates. `ended`: `recoverMigration` settles it. `unknown`: one of another host or container. */
  readonly by: { readonly host: string; readonly pid: number; readonly state: 'running' | 'ended' | 'unknown' };
}

/** The migration that one of a domain's documents tells of; undefined when there is none. */
export function migrationInFlight(documents: {
  readonly canonical: DomainDocument;
  readonly live: DomainDocument | undefined;
}): MigrationInFlight | undefined {
  const entry = migrationEntry(documents.canonical) ?? (documents.live && migrationEntry(documents.live));
  if (!entry) return undefined;
  const { record, since, owner, ownerState } = entry;
  return {
    since,
    mode: record.mode,
    from: record.source,
    to: record.destination,
    by: { host: owner.host, pid: owner.pid, state: ownerState },
  };
}
