import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { within } from '../support/deadline.js';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const MAIN = resolve(project, 'dist/cli/main.js');

/** How a run of the command ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** How the command is run: on which host, with what on stdin. */
export interface How {
  readonly uri?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the built command as a process of its own, without a terminal. */
export async function lvc(args: readonly string[], { uri, input = '', env = {} }: How = {}): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...(uri === undefined ? {} : { LIBVIRT_DEFAULT_URI: uri }), ...env },
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return ended(child);
}

/** The `result` that a run with `--json` printed, with its form checked. */
export function resultOf<T = Record<string, never>>({ out, err, code }: Ended): T {
  const value = JSON.parse(out || 'null') as { lvc: number; command: string; result: T } | null;
  assert.ok(value, `no JSON came out (exit ${code}): ${err}`);
  assert.equal(Object.keys(value), ['lvc', 'command', 'result'], out);
  assert.is(value.lvc, 1);
  return value.result;
}

/** A run on a pseudo-terminal, which `script` makes. */
export interface OnTerminal {
  /** All that was written so far. */
  text(): string;
  type(keys: string): void;
  readonly ended: Promise<Ended>;
}

/** Runs the command with a terminal for stdin, stdout and stderr. */
export function onTerminal(args: readonly string[], { uri, env = {} }: How = {}): OnTerminal {
  const words = [process.execPath, MAIN, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  // A shell that stayed would get Ctrl-C too, and end with 130 whatever the command ended with.
  const command = `exec ${words.join(' ')}`;
  const terminal = { ...process.env, TERM: 'xterm', LIBVIRT_DEFAULT_URI: uri ?? '', ...env };
  // The tests themselves run with this set.
  if (!('NO_COLOR' in env)) delete (terminal as Record<string, string | undefined>).NO_COLOR;
  delete (terminal as Record<string, string | undefined>).FORCE_COLOR;
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env: terminal });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
  return { text: () => text, type: (keys) => child.stdin.write(keys), ended: ended(child) };
}

function ended(child: ChildProcess): Promise<Ended> {
  const all = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (part) => (all.out += part));
  child.stderr?.setEncoding('utf8').on('data', (part) => (all.err += part));
  const done = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...all }));
  });
  return within(done, 60_000, 'lvc').catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
}
