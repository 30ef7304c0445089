import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { scaled } from '../support/deadline.js';

/** What a program of the project did. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly args?: readonly string[];
  /** Added to the environment; undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A program with arguments that runs it, such as `unshare --mount`. */
  readonly under?: readonly string[];
  /** In milliseconds; a program that is not done by then is killed. */
  readonly deadline: number;
  /** Told what the program printed so far, whenever that is more. */
  readonly watch?: (stdout: string, child: ChildProcess) => void;
}

/** Runs a compiled program, named from the root of build/, to its end. */
export async function runBuilt(
  path: string,
  { args = [], env = {}, under = [], deadline, watch }: RunOptions,
): Promise<Outcome> {
  const program = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const [command = '', ...rest] = [...under, process.execPath, '--enable-source-maps', program, ...args];
  const child = spawn(command, rest, {
    env: { ...process.env, LIBVIRT_DEFAULT_URI: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: deadline,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk;
    watch?.(stdout, child);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done, reject) => {
    child.once('error', reject).once('close', (...end) => done(end));
  });
  return { code, signal, stdout, stderr };
}

/** What an example printed; fails when it did, and when it left a file. */
export async function runExample(
  name: string,
  uri: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  deadline = 120_000,
): Promise<string> {
  const folder = mkdtempSync('/tmp/lvc-e-');
  // Its private host is another user's.
  chmodSync(folder, 0o755);
  try {
    const { code, stdout, stderr } = await runBuilt('examples/support/run.js', {
      args: [name, ...uri],
      env: { TMPDIR: folder, ...env },
      deadline: scaled(deadline),
    });
    assert.is(code, 0, `${name}: ${stdout}${stderr}`);
    assert.equal(readdirSync(folder), [], `${name} leaves nothing`);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
