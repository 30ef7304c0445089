import type { Connection, MigrationRecovery, RecoverMigrationOptions } from '../../index.js';
import { type Answer, EXIT, UsageError } from '../exit.js';
import { print, shownText } from '../output.js';
import type { Session } from '../session.js';

/** How a migration that was cut is settled, as the command line has it. */
export interface RecoverWords {
  readonly look?: boolean;
  readonly prefer?: RecoverMigrationOptions['prefer'];
  readonly owner?: RecoverMigrationOptions['owner'];
}

/** `lvc migrate --recover`: reads both hosts, shows what they have, asks, and settles it. */
export async function recoverCut(
  session: Session,
  name: string,
  given: string | undefined,
  { look, prefer, owner }: RecoverWords,
): Promise<Answer> {
  const { LibvirtCanonicalError, recoverMigration } = await import('../../index.js');
  const source = await session.connection();
  const here = await recordOn(session, source, name);
  const uri = given ?? here?.to;
  if (uri === undefined)
    throw new UsageError(
      `Where was it to go? No record of a migration of ${name} is here: give the URI of the other host after the name`,
    );
  const destination = await session.connection(uri);
  const there = await recordOn(session, destination, name);
  const known = here ?? there;
  if (!known)
    throw new LibvirtCanonicalError('DOMAIN_NOT_FOUND', `neither host has a domain "${name}"`, {
      domain: name,
      remedy: 'lvc list shows those of a host',
    });
  const { uuid } = known;
  const found = await recoverMigration(source, destination, uuid, { mode: 'look' });
  const open = [here, there].some((each) => each?.to !== undefined) || !SETTLED.includes(found.outcome);
  const shown = { result: { recovery: found }, text: recoveryText(name, found) };
  if (look || !open) return { ...shown, exit: open ? EXIT.changes : EXIT.ok };
  if (!session.json) print(shown.text);
  if (!(await session.consents('Settle it?'))) {
    session.signal.throwIfAborted();
    throw new UsageError('Nothing was changed: the answer was not yes');
  }
  const recovery = await recoverMigration(source, destination, uuid, {
    ...(prefer === undefined ? {} : { prefer }),
    ...(owner === undefined ? {} : { owner }),
  });
  return { result: { recovery }, text: recoveryText(name, recovery) };
}

/** Outcomes that leave nothing to do for the domain itself. */
const SETTLED: readonly string[] = ['not-migrated', 'done', 'source-ended'];

/** The domain's UUID on a host, and where its record says that it was to go; undefined when the host does not have it. */
async function recordOn(
  { signal }: Session,
  connection: Connection,
  name: string,
): Promise<{ readonly uuid: string; readonly to: string | undefined } | undefined> {
  const { DomainManager } = await import('../../index.js');
  try {
    const { uuid, migration } = await new DomainManager(connection).get(name, { signal });
    return { uuid, to: migration?.to.uri };
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'DOMAIN_NOT_FOUND') throw error;
    return undefined;
  }
}

function recoveryText(name: string, { outcome, meaning, did, unfinished }: MigrationRecovery): string {
  return [
    `${name}: ${meaning} (${outcome}).`,
    ...did.map((each) => `  ${each}`),
    ...unfinished.map((each) => `  not done: ${each}`),
  ]
    .map(shownText)
    .join('\n');
}
