import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('the test runner');
const runner = fileURLToPath(new URL('../../scripts/run-tests.js', import.meta.url));
const uvu = import.meta.resolve('uvu');
const testing = pathToFileURL(fileURLToPath(new URL('../../src/testing/index.js', import.meta.url))).href;

/** Runs the runner over files with these contents; returns its exit code and its output without times. */
async function runOver(
  files: Record<string, string>,
  ...args: readonly string[]
): Promise<{ code: number | null; lines: string[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'r'));
  try {
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(directory, `${name}.test.js`), `import { test } from '${uvu}';\n${content}\n`);
    }
    writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
    const child = spawn(process.execPath, [runner, '--in', directory, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    const lines = output
      .trimEnd()
      .replace(/ {2}[\d.]+ s$/gm, '')
      .split('\n');
    return { code, lines };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const PASS = "test('one', () => {}); test('two', () => {}); test.run();";

test('counts what passed', async () => {
  const { code, lines } = await runOver({ a: PASS, b: PASS });
  assert.is(code, 0);
  assert.equal(lines.slice(0, 2).sort(), ['ok    a.test.js  2 passed', 'ok    b.test.js  2 passed']);
  assert.is(lines.at(-1), '4 passed, 0 failed');
});

test('counts what was skipped before the closing line', async () => {
  const { code, lines } = await runOver({ a: "test('one', () => {}); test.skip('two', () => {}); test.run();" });
  assert.is(code, 0);
  assert.equal(lines, ['ok    a.test.js  1 passed, 1 skipped', '1 skipped', '1 passed, 0 failed']);
});

test('a file that skips all its tests has not failed, and its reason is shown', async () => {
  const { code, lines } = await runOver({
    a: "console.log('  skipped: no debootstrap'); test.skip('one', () => {}); test.run();",
    b: PASS,
  });
  assert.is(code, 0);
  assert.equal(lines.sort(), [
    '      skipped: no debootstrap',
    '1 skipped',
    '2 passed, 0 failed',
    'ok    a.test.js  0 passed, 1 skipped',
    'ok    b.test.js  2 passed',
  ]);
});

test('figures are added up by name and shown once, before the closing line', async () => {
  const { lines } = await runOver({
    a: `process.stdout.write('• '); console.log('figures: faults injected 3, domains lost 0'); ${PASS}`,
    b: `console.log('figures: faults injected 4, random operations run 12'); ${PASS}`,
  });
  const [figures = ''] = lines.slice(-2);
  assert.match(figures, /^figures: /);
  assert.equal(figures.slice(9).split(', ').sort(), [
    'domains lost 0',
    'faults injected 7',
    'random operations run 12',
  ]);
  assert.is(lines.at(-1), '4 passed, 0 failed');
});

test('runs only what matches', async () => {
  const { lines } = await runOver({ alpha: PASS, beta: PASS }, 'bet');
  assert.equal(lines, ['ok    beta.test.js  2 passed', '2 passed, 0 failed']);
});

test('what failed is said once more in short before the closing line', async () => {
  const { code, lines } = await runOver({
    a: "test('three', () => { throw new Error('why'); }); test.run();",
    b: "test('four', () => { throw new Error('because'); }); test.run();",
  });
  assert.is(code, 1);
  const end = lines.slice(lines.findLastIndex((line) => line.startsWith('      |')) + 1);
  assert.is(end.at(-1), '0 passed, 2 failed');
  for (const [file, why] of [
    ['a', /FAIL {2}"three"/],
    ['b', /FAIL {2}"four"/],
  ] as const) {
    const at = end.indexOf(`FAIL  ${file}.test.js`);
    assert.ok(at >= 0, end.join('\n'));
    assert.match(end.slice(at, at + 4).join('\n'), why);
  }
});

test('with --again a file that fails once is run once more and shown as unsteady, one that fails twice has failed', async () => {
  const once = `import { existsSync, writeFileSync } from 'node:fs'; import { dirname, join } from 'node:path';
    const mark = join(dirname(process.argv[1]), 'mark');
    test('five', () => { if (!existsSync(mark)) { writeFileSync(mark, ''); throw new Error('at first'); } }); test.run();`;
  const good = await runOver({ once, b: PASS }, '--again');
  assert.is(good.code, 0);
  assert.is(good.lines.at(-1), '3 passed, 0 failed');
  const at = good.lines.indexOf('unsteady  once.test.js');
  assert.match(good.lines.slice(at).join('\n'), /FAIL {2}"five"/);
  assert.is((await runOver({ once, b: PASS })).code, 1);
  const bad = await runOver({ a: "test('three', () => { throw new Error('why'); }); test.run();", b: PASS }, '--again');
  assert.is(bad.code, 1);
  assert.is(bad.lines.at(-1), '2 passed, 1 failed');
});

const FAILING: readonly { name: string; content: string; says: RegExp; closing: string; args?: string[] }[] = [
  {
    name: 'a failing test, shown whole',
    content: `test('three', () => { throw new Error('why'); }); ${PASS}`,
    says: /why/,
    closing: '2 passed, 1 failed',
  },
  {
    name: 'a file that crashes',
    content: "throw new Error('early');",
    says: /ended without totals/,
    closing: '0 passed, 1 failed',
  },
  {
    name: 'a file that exits quietly',
    content: 'process.exit(0);',
    says: /ended without totals/,
    closing: '0 passed, 1 failed',
  },
  {
    name: 'a file without tests',
    content: 'test.run();',
    says: /holds no test|without totals/,
    closing: '0 passed, 1 failed',
  },
  {
    name: 'a file that crashes after its tests',
    content: `${PASS} setTimeout(() => process.exit(9), 200);`,
    says: /ended with 9/,
    closing: '2 passed, 1 failed',
  },
  {
    name: 'a file that hangs',
    content: `${PASS} setInterval(() => {}, 1000);`,
    says: /not done within 1 s/,
    closing: '2 passed, 1 failed',
    args: ['--deadline', '1'],
  },
  {
    name: 'a file that leaves a process of its host behind',
    content: `import { spawn } from 'node:child_process';
      spawn('sleep', ['60'], { env: { HOME: process.env.TMPDIR + '/lvc-x', PATH: process.env.PATH }, stdio: 'ignore', detached: true }).unref();
      ${PASS}`,
    says: /left process \d+ behind: sleep 60/,
    closing: '2 passed, 1 failed',
  },
  {
    name: 'a file that leaves the directory of a host behind',
    content: `import { mkdirSync } from 'node:fs'; mkdirSync(process.env.TMPDIR + '/lvc-x'); ${PASS}`,
    says: /left the directory lvc-x behind/,
    closing: '2 passed, 1 failed',
  },
];

for (const { name, content, says, closing, args = [] } of FAILING) {
  test(`fails over ${name}`, async () => {
    const { code, lines } = await runOver({ a: content }, ...args);
    assert.is(code, 1);
    assert.match(lines.join('\n'), says);
    assert.match(lines[0] ?? '', /^FAIL {2}a\.test\.js/);
    assert.is(lines.at(-1), closing);
  });
}

test('is content with a host that nobody disposed of: its reaper comes within the time allowed', async () => {
  const { code, lines } = await runOver({
    a: `import { PrivateHost } from '${testing}';
      test('one', async () => { await PrivateHost.start(); }); test.run();`,
  });
  assert.is(lines.join('\n'), 'ok    a.test.js  1 passed\n1 passed, 0 failed');
  assert.is(code, 0);
});

test.run();
