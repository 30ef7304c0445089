import { LibvirtCanonicalError } from '../errors.js';
import type { CallOptions } from './caller.js';
import { type Connection, migrateThrough } from './connection.js';
import { emptyCookie, type MigrationProcedure } from './migration-guard.js';
import type { ProcedureArgs, ProcedureResult } from './procedures.js';

/**
 * Makes one of the five calls of a migration. They carry documents, so the guard refuses them to everybody else. For
 * migration/calls.ts alone; no other room imports this file. Throws REDEFINE_REFUSED for a Perform with an empty cookie,
 * which would crash the daemon.
 */
export async function callMigration<P extends MigrationProcedure>(
  connection: Connection,
  procedure: P,
  args: ProcedureArgs<P>,
  options: CallOptions = {},
): Promise<ProcedureResult<P>> {
  const problem = emptyCookie(procedure, args);
  if (problem) throw new LibvirtCanonicalError('REDEFINE_REFUSED', problem, { remedy: 'Begin the migration again' });
  return migrateThrough(connection, procedure, args, options);
}
