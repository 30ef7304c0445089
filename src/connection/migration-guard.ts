import { VIR_MIGRATE_PEER2PEER } from './generated/constants.js';
import type { AnyProcedure } from './procedures.js';

/** One of the five calls that a migration is made of: documents.ts refuses them, migration-permit.ts makes them. */
export type MigrationProcedure =
  | 'DOMAIN_MIGRATE_BEGIN3_PARAMS'
  | 'DOMAIN_MIGRATE_PREPARE3_PARAMS'
  | 'DOMAIN_MIGRATE_PERFORM3_PARAMS'
  | 'DOMAIN_MIGRATE_FINISH3_PARAMS'
  | 'DOMAIN_MIGRATE_CONFIRM3_PARAMS';

/** A managed Perform without a cookie ends the daemon: libvirt up to 11.3 follows a null pointer there. */
export function emptyCookie(procedure: AnyProcedure, args: object): string | undefined {
  const { cookie_in: cookie, flags } = args as { cookie_in?: Uint8Array; flags?: unknown };
  if (!/^DOMAIN_MIGRATE_PERFORM3/.test(procedure) || (cookie?.length ?? 0) > 0) return undefined;
  if (Number(flags) & VIR_MIGRATE_PEER2PEER) return undefined;
  return `${procedure} is refused: with an empty cookie it would crash the daemon`;
}
