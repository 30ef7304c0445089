import type { ManagedDomain, MigrationPlan, MigrationProgress, MigrationResult } from '../../index.js';
import { type Answer, EXIT, UsageError } from '../exit.js';
import { type MigrateWords, migrationOptions } from '../migrate-words.js';
import { coloured, print, shownText } from '../output.js';
import { bytesText } from '../progress.js';
import type { Session } from '../session.js';
import { type RecoverWords, recoverCut } from './recover-migration.js';

const COLOUR = { blocks: 'red', warns: 'yellow', unknown: 'cyan' } as const;

/** `lvc migrate`: shows the findings of both hosts, asks, and goes; `--recover` settles a migration that was cut. */
export async function migrate(
  session: Session,
  name: string,
  destination: string | undefined,
  options: MigrateWords & RecoverWords & { readonly plan?: boolean; readonly recover?: boolean },
): Promise<Answer> {
  if (options.recover) return recoverCut(session, name, destination, options);
  const stray = (['look', 'prefer', 'owner'] as const).find((option) => options[option] !== undefined);
  if (stray !== undefined) throw new UsageError(`--${stray} goes with --recover`);
  if (destination === undefined)
    throw new UsageError(`Where to? Give the URI of the other host: lvc migrate ${name} qemu+ssh://host2/system`);
  const asked = await migrationOptions(options);
  const domain = await session.domain(name);
  const there = await session.connection(destination);
  const { signal } = session;
  const plan = await domain.planMigration(there, { ...asked, signal });
  const shown = { result: { plan }, text: planText(plan) };
  if (!plan.isPossible) return { ...shown, exit: EXIT.refused };
  if (options.plan) return { ...shown, exit: EXIT.changes };
  if (!session.json) print(shown.text);
  if (!(await session.consents('Migrate it?'))) {
    signal.throwIfAborted();
    throw new UsageError('Nothing was changed: the answer was not yes');
  }
  const job = domain.migrate(there, { ...asked, signal });
  for await (const progress of job) tellProgress(session, progress);
  const result = await job.done;
  session.progress.clear();
  return { result: { plan, migrated: result }, text: resultText(domain, plan, result) };
}

/** One line that is written over; what the policy does stays above it. */
function tellProgress({ progress: line }: Session, progress: MigrationProgress): void {
  for (const { did, why } of progress.policy) line.keep(shownText(`policy: ${did}: ${why}`));
  line.say(progressText(progress));
}

/** How far it is: the pass over memory, what remains, how fast. */
export function progressText(progress: MigrationProgress): string {
  const { phase, fraction, iteration, remaining, rate, dirtyRate, expectedDowntime, throttle } = progress;
  if (phase !== 'sending') return phase;
  const parts = [
    `${phase} ${String(Math.floor(fraction * 100)).padStart(3)} %`,
    iteration > 0 ? `pass ${iteration}` : '',
    `${bytesText(remaining.memory + remaining.disks)} left`,
    rate === undefined ? '' : `${bytesText(rate)}/s`,
    dirtyRate === undefined ? '' : `guest writes ${bytesText(dirtyRate)}/s`,
    throttle === undefined ? '' : `slowed down ${throttle} %`,
    expectedDowntime === undefined ? '' : `pause ${expectedDowntime} ms`,
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** The plan for people, findings in colours. */
function planText(plan: MigrationPlan): string {
  return shownText(plan.toString())
    .split('\n')
    .map((line) => {
      const severity = /^ {2}(blocks|warns|unknown) /.exec(line)?.[1] as keyof typeof COLOUR | undefined;
      return severity === undefined ? line : coloured(COLOUR[severity], line);
    })
    .join('\n');
}

function resultText({ name }: ManagedDomain, { to }: MigrationPlan, result: MigrationResult): string {
  const { total, downtime, policy, unfinished } = result;
  const pause = downtime === undefined ? '' : `; the guest stood still for ${downtime} ms`;
  return [
    `${name} is at ${to.uri}, the same machine, after ${(total / 1000).toFixed(1)} s${pause}.`,
    ...policy.map(({ did, why }) => `  policy: ${did}: ${why}`),
    ...unfinished.map((each) => `  not done: ${each}`),
  ]
    .map(shownText)
    .join('\n');
}
