/**
 * Runs every test file in a process of its own, two at a time, and ends with the line `N passed, N failed`.
 *
 *   node build/scripts/run-tests.js [--quick] [--again] [--bail] [--deadline SECONDS] [--in DIRECTORY] [PATTERN…]
 *
 * With --quick only files run that start no daemon and no other program: `npm run check`.
 * With --again a file that failed is run once more, alone, after all others; if it then passes it counts as passed, and
 * what failed the first time is shown as `unsteady`: for machines on which others work too.
 * With --bail the run ends at the first failed test: `npm run mutate`, which wants to know no more than that.
 *
 * A file fails when a test in it does, when it ends without uvu's totals or with no test, when it is not done by its
 * deadline, and when it leaves a process or a directory of a private host behind. Tests may be skipped, all of a file too:
 * lines `skipped: WHY` that it prints are shown. Lines `figures: NAME N, NAME N` are added up over all files and shown once,
 * before the closing line. Files named `*.serial.test.ts` run alone, after the others. What failed is said once more, in
 * short, before the closing line, since the middle of a long log is what gets lost.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startsDaemon } from './daemon-tests.js';

const JOBS = 2;
/** How long a host may take to vanish after the process that owned it. */
const CLEAN_WITHIN = 5_000;
/** Of each failed test, that many lines are said once more at the end, cut at that many characters. */
const DIGEST = { lines: 12, columns: 160 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    again: { type: 'boolean' },
    bail: { type: 'boolean' },
    deadline: { type: 'string', default: '600' },
    in: { type: 'string' },
    quick: { type: 'boolean' },
  },
});
const project = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const deadline = Number(values.deadline) * 1000;

interface Outcome {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  readonly complaints: readonly string[];
  readonly output: string;
}

/** What uvu prints in place of a dot when a test fails. */
const FAILED = '✘';
/** Aborted by a run that bails out: what runs is ended, and no further file is begun. */
const bail = new AbortController();

/** Folders of test files: the library's, and the fleet package's. */
const FOLDERS = ['test', 'fleet/test'];

/** Test files by the name to show and to match, with what to run. */
function testFiles(): Map<string, string> {
  const suffix = values.in ? '.test.js' : '.test.ts';
  const files = new Map<string, string>();
  for (const root of values.in ? [resolve(values.in)] : FOLDERS.map((folder) => join(project, folder)))
    for (const below of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      if (!below.endsWith(suffix)) continue;
      const path = join(root, below);
      if (values.quick && startsDaemon(path, project)) continue;
      if (values.in) files.set(relative(root, path), path);
      // The sources are listed, not build/, which may hold what is no longer there.
      else files.set(relative(project, path), join(project, 'build', relative(project, path).replace(/ts$/, 'js')));
    }
  return new Map(
    [...files]
      .sort()
      .filter(([name]) => positionals.length === 0 || positionals.some((pattern) => name.includes(pattern))),
  );
}

async function runFile(file: string, script: string): Promise<Outcome> {
  const started = performance.now();
  // Private hosts go into the temporary directory, so what is left of them is found there. Short: it is part of socket paths.
  const scratch = mkdtempSync(join(tmpdir(), 'lt'));
  chmodSync(scratch, 0o755);
  const child = spawn(process.execPath, ['--enable-source-maps', script], {
    cwd: project,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: scratch, FORCE_COLOR: '0', NO_COLOR: '1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
      if (values.bail && chunk.includes(FAILED)) bail.abort();
    });
  const kill = () => {
    if (child.pid && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  bail.signal.addEventListener('abort', kill);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, deadline);
  const end = await new Promise<number | string>((done) => {
    child.once('error', (error) => done(error.message));
    // Not 'close': a process left behind would hold the output open.
    child.once('exit', (code, signal) => done(code ?? String(signal)));
  });
  clearTimeout(timer);
  bail.signal.removeEventListener('abort', kill);

  const [total, passed, skipped] = ['Total', 'Passed', 'Skipped'].map((label) => sumOf(output, label));
  const complaints: string[] = [];
  if (late) complaints.push(`not done within ${deadline / 1000} s`);
  else if (end !== 0) complaints.push(`ended with ${end}`);
  if (total === undefined) complaints.push('ended without totals');
  else if (total === 0 && !skipped) complaints.push('holds no test');
  complaints.push(...(await leftIn(scratch)));
  const failedTests = (total ?? 0) - (passed ?? 0);
  return {
    file,
    passed: passed ?? 0,
    failed: failedTests === 0 && complaints.length > 0 ? 1 : failedTests,
    skipped: skipped ?? 0,
    seconds: (performance.now() - started) / 1000,
    complaints,
    output,
  };
}

/** Sum of the figures uvu prints after `label`; a file with several suites still prints them once. */
function sumOf(output: string, label: string): number | undefined {
  const figures = [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].map(([, figure]) =>
    Number(figure),
  );
  return figures.length === 0 ? undefined : figures.reduce((sum, figure) => sum + figure, 0);
}

/** What the files counted, by name, added up. uvu's dots may stand before it on the line. */
function figuresOf(outputs: readonly string[]): string {
  const sums = new Map<string, number>();
  for (const [, line = ''] of outputs.join('\n').matchAll(/\bfigures: (.*)$/gm))
    for (const [, name = '', figure] of line.matchAll(/([a-z][a-z ]*) (\d+)/g))
      sums.set(name, (sums.get(name) ?? 0) + Number(figure));
  return [...sums].map(([name, sum]) => `${name} ${sum}`).join(', ');
}

/** Names what a test file left of its private hosts once they had time to vanish, and removes it. */
async function leftIn(scratch: string): Promise<string[]> {
  const giveUp = performance.now() + CLEAN_WITHIN;
  const look = () => ({
    processes: processesOf(scratch),
    hosts: readdirSync(scratch).filter((name) => name.startsWith('lvc-')),
  });
  let left = look();
  while ((left.processes.length > 0 || left.hosts.length > 0) && performance.now() < giveUp) {
    await sleep(20);
    left = look();
  }
  for (const { pid } of left.processes) process.kill(pid, 'SIGKILL');
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return [
    ...left.processes.map(({ pid, command }) => `left process ${pid} behind: ${command}`),
    ...left.hosts.map((name) => `left the directory ${name} behind`),
  ];
}

/** Processes with something of their environment in the directory, as everything a private host starts has. */
function processesOf(directory: string): { pid: number; command: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'latin1');
      if (!environment.includes(`=${directory}/`)) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 120);
      return [{ pid: Number(name), command }];
    } catch {
      return [];
    }
  });
}

function show({ file, passed, failed, skipped, seconds, complaints, output }: Outcome): void {
  const good = failed === 0;
  const counts = [
    `${passed} passed`,
    ...(failed ? [`${failed} failed`] : []),
    ...(skipped ? [`${skipped} skipped`] : []),
  ];
  console.log(`${good ? 'ok  ' : 'FAIL'}  ${file}  ${counts.join(', ')}  ${seconds.toFixed(1)} s`);
  if (skipped) for (const why of new Set(output.match(/skipped: .*$/gm))) console.log(`      ${why}`);
  if (good) return;
  for (const complaint of complaints) console.log(`      ${complaint}`);
  console.log(output.replace(/^/gm, '      | '));
}

/** A failed file in short: its complaints, and the beginning of what uvu says of each failed test. */
function digest({ file, complaints, output }: Outcome, word: string): string {
  const said = output.split('\n').map((line) => line.trimEnd());
  const starts = said.flatMap((line, at) => (/^\s*FAIL\s/.test(line) ? [at] : []));
  const tests = starts.flatMap((at, nth) =>
    said.slice(at, Math.min(at + DIGEST.lines, starts[nth + 1] ?? said.length)),
  );
  const lines = [...complaints, ...(tests.length > 0 ? tests : said.slice(-DIGEST.lines))];
  return [`${word}  ${file}`, ...lines.filter(Boolean).map((line) => `      ${line.slice(0, DIGEST.columns)}`)].join(
    '\n',
  );
}

const outcomes: Outcome[] = [];
const files = [...testFiles()];
const serial = files.filter(([name]) => /\.serial\.test\.[jt]s$/.test(name));
const together = files.filter((file) => !serial.includes(file));
const work = async (queue: typeof files) => {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const outcome = await runFile(...next);
    show(outcome);
    outcomes.push(outcome);
    if (values.bail && outcome.failed > 0) bail.abort();
    if (bail.signal.aborted) return;
  }
};
await Promise.all(Array.from({ length: JOBS }, () => work(together)));
if (!bail.signal.aborted) await work(serial);

/** First outcomes of the files that passed when they were run again. */
const unsteady: Outcome[] = [];
if (values.again)
  for (const first of outcomes.filter(({ failed }) => failed > 0)) {
    const second = await runFile(first.file, files.find(([name]) => name === first.file)?.[1] ?? '');
    show(second);
    if (second.failed > 0) continue;
    unsteady.push(first);
    outcomes.splice(outcomes.indexOf(first), 1, second);
  }

const sum = (key: 'passed' | 'failed' | 'skipped') => outcomes.reduce((total, outcome) => total + outcome[key], 0);
if (outcomes.length === 0) console.log(`No test file matches ${positionals.join(' ') || 'anything'}`);
if (sum('skipped') > 0) console.log(`${sum('skipped')} skipped`);
const figures = figuresOf(outcomes.map(({ output }) => output));
if (figures) console.log(`figures: ${figures}`);
for (const outcome of unsteady) console.log(digest(outcome, 'unsteady'));
for (const outcome of outcomes) if (outcome.failed > 0) console.log(digest(outcome, 'FAIL'));
const failed = sum('failed') + (outcomes.length === 0 ? 1 : 0);
console.log(`${sum('passed')} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
