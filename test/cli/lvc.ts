import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import * as assert from 'uvu/assert';
import { outputsSchema } from '../../src/cli/forms/outputs.js';
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

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false });
const forms = new Map<string, ValidateFunction>();

/** The form of one thing that `--json` prints: `answer to list`, `item of events`, `failure`. */
function form(name: string): ValidateFunction {
  const { $defs, ...head } = outputsSchema() as Record<string, unknown>;
  assert.ok(name in ($defs as object), `there is no form of the ${name}`);
  const known =
    forms.get(name) ??
    ajv.compile({ ...head, $defs, title: name, anyOf: [{ $ref: `#/$defs/${name.replaceAll(' ', '%20')}` }] });
  forms.set(name, known);
  return known;
}

function inForm<T>(name: string, value: T): T {
  const validate = form(name);
  assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`);
  return value;
}

/** The `result` that a run with `--json` printed, held by the form that `lvc schema outputs` has of it. */
export function resultOf<T = Record<string, never>>({ out, err, code }: Ended): T {
  const value = JSON.parse(out || 'null') as { lvc: number; command: string; result: T } | null;
  assert.ok(value, `no JSON came out (exit ${code}): ${err}`);
  assert.equal(Object.keys(value), ['lvc', 'command', 'result'], out);
  return inForm(`answer to ${value.command}`, value).result;
}

/** The items that a run with `--json` printed, a line for each, held by their form. */
export function itemsOf<T = Record<string, never>>(out: string): T[] {
  const lines = out.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => {
    const value = JSON.parse(line) as { command: string; item: T };
    return inForm(`item of ${value.command}`, value).item;
  });
}

/** The error that a run with `--json` printed, held by its form. */
export function errorOf({ out }: Ended): { readonly code: string; readonly message: string; readonly remedy?: string } {
  return inForm('failure', JSON.parse(out)).error;
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
