import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Starts a script with its setup as JSON; it has said its first line when it is returned. */
export async function startChild(
  script: string,
  setup: object,
  { flags = [], input = 'ignore' }: { readonly flags?: readonly string[]; readonly input?: 'ignore' | 'pipe' } = {},
): Promise<ChildProcess> {
  const stdio = [input, 'pipe', 'inherit'] as const;
  const child = spawn(process.execPath, [...flags, script, JSON.stringify(setup)], { stdio: [...stdio] });
  await nextLine(child);
  return child;
}

/** The next line that a child says. Rejects when it ends instead. */
export function nextLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const heard = (part: Buffer): void => {
      text += part;
      if (!text.includes('\n')) return;
      child.stdout?.off('data', heard);
      child.off('exit', ended);
      resolve(text);
    };
    const ended = (code: number | null, signal: NodeJS.Signals | null): void =>
      reject(new Error(`the process ended with ${code ?? signal}`));
    child.stdout?.on('data', heard);
    child.once('exit', ended);
  });
}

/** Ends a child, also one that is stopped, and waits for its end. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  if (signal === 'SIGKILL') child.kill('SIGCONT');
  await ended;
}

/** The process of a store's own PostgreSQL. */
export function postmasterOf(store: string): number {
  return Number(readFileSync(join(store, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
}
