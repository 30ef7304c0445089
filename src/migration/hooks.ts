import type { Connection } from '../connection/index.js';
import { assertKnownFields, formatValue, specInvalid } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { DiskStorage } from '../plan/index.js';

/** What a hook of a migration is told. */
export interface MigrationHookContext {
  readonly domain: { readonly name: string; readonly uuid: string };
  /** The host that the hook is about. */
  readonly host: 'source' | 'destination';
  readonly connection: Connection;
  /** The disks, sources as that host has them, with the records of how their volumes were connected. */
  readonly disks: readonly DiskStorage[];
  readonly signal?: AbortSignal | undefined;
}

type Hook = (context: MigrationHookContext) => Promise<void> | void;

/**
 * Work of the caller's own at both ends of a migration. A hook can run more than once for one migration, also by
 * `recoverMigration`, so each makes a state true rather than changes it.
 */
export interface MigrationHooks {
  /** At the destination, before anything of the domain is there: connect volumes, plug VIFs. A rejection ends the migration: `HOOK_FAILED`. */
  readonly beforePrepare?: Hook;
  /** At the destination, once the guest runs there. */
  readonly afterArrival?: Hook;
  /** At the source, once it let the domain go: disconnect what `beforeStart` or `beforePrepare` connected there. */
  readonly afterRelease?: Hook;
  /** At the destination, when the migration did not take place and nothing of the domain is there any more: undo `beforePrepare`. */
  readonly afterFailure?: Hook;
}

const NAMES = ['beforePrepare', 'afterArrival', 'afterRelease', 'afterFailure'] as const;

/** `SPEC_INVALID` or `SPEC_UNKNOWN_FIELD` for what is no set of hooks. */
export function assertHooks(hooks: MigrationHooks | undefined): void {
  if (hooks === undefined) return;
  if (typeof hooks !== 'object' || hooks === null)
    throw specInvalid('hooks', `${formatValue(hooks)} is not an object`, 'Give an object of functions');
  assertKnownFields(hooks, NAMES, 'hooks');
  for (const name of NAMES)
    if (hooks[name] !== undefined && typeof hooks[name] !== 'function')
      throw specInvalid(
        `hooks.${name}`,
        `${formatValue(hooks[name])} is not a function`,
        'Give a function, or leave it out',
      );
}

/** Runs a hook. `HOOK_FAILED` with what it threw as the cause. */
export async function runHook(
  hooks: MigrationHooks | undefined,
  name: keyof MigrationHooks,
  context: MigrationHookContext,
): Promise<void> {
  try {
    await hooks?.[name]?.(context);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new LibvirtCanonicalError(
      'HOOK_FAILED',
      `the hook ${name} of domain ${context.domain.name} failed during its migration: ${said}`,
      { cause, domain: context.domain.name, remedy: 'Repair what the hook says; hooks can be run again' },
    );
  }
}
