import { UsageError } from './exit.js';

/** Whether somebody can be asked. */
export function isTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks for one of some words on the terminal; what is none of them, and the end of the input, is no answer. */
export async function ask(question: string, signal: AbortSignal, interrupt: () => void): Promise<string | undefined> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // On a terminal readline gets Ctrl-C as a key, and no signal comes.
  lines.on('SIGINT', interrupt);
  const closed = new Promise<undefined>((resolve) => lines.once('close', () => resolve(undefined)));
  try {
    return (await Promise.race([lines.question(question, { signal }), closed]))?.trim().toLowerCase();
  } finally {
    lines.close();
  }
}

/** What to do before something is changed. */
export interface Consent {
  /** `--yes` was given. */
  readonly given: boolean;
  readonly signal: AbortSignal;
  interrupt(): void;
}

/** Resolves with whether to go on. Without a terminal and without `--yes` there is nobody to ask: an error. */
export async function consents(question: string, { given, signal, interrupt }: Consent): Promise<boolean> {
  if (given) return true;
  if (!isTerminal()) throw new UsageError('Nothing was changed: there is no terminal to ask on. Give --yes to go on');
  const answer = await ask(`${question} [yes/no] `, signal, interrupt);
  return answer === 'yes' || answer === 'y';
}
