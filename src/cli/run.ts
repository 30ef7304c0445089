import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { EXIT } from './exit.js';
import { printFailure } from './failure.js';
import { buildProgram } from './program.js';

/** Runs one command line; resolves with the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  // A reader that has seen enough, such as `head`, is no trouble.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  const outcome = { exit: EXIT.ok as number };
  const program = buildProgram(version(), outcome);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.ok;
    const { usageError } = await import('./misspelt.js');
    const { command, problem } = usageError(error, program, args);
    printFailure(command, problem, jsonAsked(args));
    return EXIT.error;
  }
  return outcome.exit;
}

function jsonAsked(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? args.length : end).includes('--json');
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
