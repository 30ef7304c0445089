/** What `--json` prints has a form for every command, the manual an entry for every command, and the command loads little. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ANSWERS, ITEMS } from '../../src/cli/forms/answers.js';
import { outputsSchema } from '../../src/cli/forms/outputs.js';
import { buildProgram } from '../../src/cli/program.js';
import { benchOnDemand } from '../support/bench.js';
import { lvc, MAIN, resultOf } from './lvc.js';

const bench = benchOnDemand();
test.after(bench.stop);

const commands = buildProgram('0', { exit: 0 })
  .commands.map((each) => each.name())
  .filter((name) => !['complete', 'help'].includes(name));
const manual = readFileSync('docs/lvc.md', 'utf8');

test('schema outputs: every command has a form of its answer, or of its items, and there is no form of anything else', async () => {
  const withForm = new Set([...Object.keys(ANSWERS), ...Object.keys(ITEMS)]);
  assert.equal(
    commands.filter((name) => !withForm.has(name)),
    [],
  );
  assert.equal(
    [...withForm].filter((name) => !commands.includes(name)),
    [],
  );
  const printed = resultOf<object>(await lvc(['schema', 'outputs', '--json']));
  assert.equal(printed, JSON.parse(JSON.stringify(outputsSchema())));
});

/** What is written as code in the first column of a table of the manual. */
function inFirstColumn(heading: string): string {
  const [, section = ''] = new RegExp(`^## ${heading}\\n(.*?)(?=^## |$(?![\\s\\S]))`, 'ms').exec(manual) ?? [];
  return [...section.matchAll(/^\| ([^|]*(?:\\\|[^|]*)*)\|/gm)].map(([, cell]) => cell).join('\n');
}

test('the manual names every command, and what its JSON is', () => {
  const named = (text: string, name: string) => new RegExp(`\`${name}[ \`]`).test(text);
  const [all, forms] = [inFirstColumn('Commands'), inFirstColumn('JSON')];
  assert.equal(
    commands.filter((name) => !named(all, name)),
    [],
    'in the table of commands',
  );
  assert.equal(
    commands.filter((name) => !named(forms, name)),
    [],
    'in the table of JSON',
  );
});

/** The files that a run of the command loads, by what V8's coverage lists. */
function loadedBy(args: readonly string[], uri = ''): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'lvc-loads-'));
  try {
    const env = { ...process.env, LIBVIRT_DEFAULT_URI: uri, NODE_V8_COVERAGE: folder };
    execFileSync(process.execPath, [MAIN, ...args], { env, stdio: 'ignore' });
    const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
    return reports.flatMap(({ result }) => result.map(({ url }: { url: string }) => url)).filter(isFile);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const isFile = (url: string) => url.startsWith('file:');

test('lvc loads what a command needs: neither its version nor a list loads the library behind it', async () => {
  const { host, define } = await bench();
  await define({ name: 'one' });
  const library = /\/dist\/index\.js$|\/xmldom\/|\/xmlbuilder2\/|\/dist\/(plan|apply|manager|migration)\//;
  for (const args of [['--version'], ['list']]) {
    const loaded = loadedBy(args, host.uri);
    assert.ok(loaded.some((url) => url.endsWith('/cli/main.js')));
    assert.equal(
      loaded.filter((url) => library.test(url)),
      [],
      args.join(' '),
    );
  }
  assert.ok(
    loadedBy(['pending', 'one'], host.uri).some((url) => library.test(url)),
    'what is looked for is found',
  );
});

test.run();
