import { EXIT } from './exit.js';
import { coloured, errorFields, jsonText, print, shownText } from './output.js';

/** Errors that say: nothing was changed, and the same command will be refused again as things are. */
const REFUSED: ReadonlySet<unknown> = new Set([
  'PLAN_REFUSED',
  'PLAN_STALE',
  'IMPORT_REFUSED',
  'REDEFINE_REFUSED',
  'DOMAIN_EXISTS',
  'DOMAIN_STATE',
  'DOMAIN_RUNNING_ELSEWHERE',
  'APPLY_IN_PROGRESS',
  'APPLY_INTERRUPTED',
  'MIGRATION_REFUSED',
  'MIGRATION_IN_PROGRESS',
]);

/** What to do as a command, where the library names a method. */
const REMEDIES: Readonly<Record<string, (domain: string, remedy?: string) => string>> = {
  DOMAIN_NOT_FOUND: (_, remedy = '') => `${/^Did you mean [^?]*\? /.exec(remedy) ?? ''}See those there are: lvc list`,
  APPLY_INTERRUPTED: (domain) => `Settle it first: lvc recover ${domain}`,
  PLAN_STALE: () => 'Plan again, and look at the new plan',
  MIGRATION_UNSETTLED: (domain) => `Settle it once both hosts answer: lvc migrate ${domain} DESTINATION --recover`,
};

/** The exit code for an error. */
export function exitCodeOf(error: unknown, interrupted: boolean): number {
  if (interrupted) return EXIT.interrupted;
  return REFUSED.has((error as { code?: unknown }).code) ? EXIT.refused : EXIT.error;
}

/** Prints an error as one paragraph, which ends in what to do, or as JSON. */
export function printFailure(command: string, error: unknown, json: boolean): void {
  if (json) {
    print(jsonText(command, { error: errorFields(error) }, 2));
    return;
  }
  const { code } = error as { code?: unknown };
  const name = typeof code === 'string' ? ` (${code})` : '';
  const paragraph = shownText(messageOf(error))
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.?$/, '.');
  process.stderr.write(`${coloured('red', 'error')}: ${paragraph}${name}\n`);
}

/** What went wrong and why, and then what to do. */
function messageOf(error: unknown): string {
  const { message = String(error), code, remedy, domain = 'DOMAIN' } = error as Record<string, string | undefined>;
  const advice = REMEDIES[code ?? '']?.(domain, remedy);
  if (advice === undefined) return message;
  return `${remedy === undefined ? message : message.replace(`. ${remedy}`, () => '')}. ${advice}`;
}
