import { VIR_MIGRATE_PEER2PEER } from './generated/constants.js';
import type { AnyProcedure } from './procedures.js';

/** The calls of a migration that carry a document, or that take a domain away from a host. */
const MIGRATING = [
  'DOMAIN_MIGRATE_BEGIN3_PARAMS',
  'DOMAIN_MIGRATE_PREPARE3_PARAMS',
  'DOMAIN_MIGRATE_PERFORM3_PARAMS',
  'DOMAIN_MIGRATE_FINISH3_PARAMS',
  'DOMAIN_MIGRATE_CONFIRM3_PARAMS',
] as const satisfies readonly AnyProcedure[];

/** One of the five calls that a migration is made of. */
export type MigrationProcedure = (typeof MIGRATING)[number];

/** All of that kind, the older forms too. */
const OF_MIGRATION = /^DOMAIN_MIGRATE_(BEGIN|PREPARE|PERFORM|FINISH|CONFIRM)/;

/** Why a call of a migration is not sent; undefined for any other call. `allowed`: the caller may give domains other documents. */
export function migrationProblem(procedure: AnyProcedure, args: object, allowed: boolean): string | undefined {
  if (!OF_MIGRATION.test(procedure)) return undefined;
  if (!allowed) return `${procedure} is refused: a migration gives the domain the document that the call carries`;
  return emptyCookie(procedure, args);
}

/** A managed Perform without a cookie ends the daemon: libvirt up to 11.3 follows a null pointer there. */
export function emptyCookie(procedure: AnyProcedure, args: object): string | undefined {
  const { cookie_in: cookie, flags } = args as { cookie_in?: Uint8Array; flags?: unknown };
  if (!/^DOMAIN_MIGRATE_PERFORM3/.test(procedure) || (cookie?.length ?? 0) > 0) return undefined;
  if (Number(flags) & VIR_MIGRATE_PEER2PEER) return undefined;
  return `${procedure} is refused: with an empty cookie it would crash the daemon`;
}
