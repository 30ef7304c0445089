/** The kit itself, on real hosts: it finds nothing with managers that keep the promise, and each lie of one that lies. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type DriverReport,
  driverCommand,
  type FindingKind,
  keeps,
  runConformance,
} from '../../src/conformance/index.js';
import { failure, scaled } from '../support/deadline.js';

const LIAR = { command: [process.execPath, join(fileURLToPath(new URL('.', import.meta.url)), 'liar.js')] };

const folder = mkdtempSync(join(tmpdir(), 'kit-'));
test.after(() => rmSync(folder, { recursive: true }));

async function tried(
  driver: Parameters<typeof runConformance>[0]['drivers'][number],
  patience = 1,
): Promise<DriverReport> {
  const times = (scaled(1000) / 1000) * patience;
  const report = await runConformance({ drivers: [driver], scenarios: ['short matrix'], patience: times });
  return report.drivers[0] as DriverReport;
}

/** What was found after each event. */
const found = ({ courses }: DriverReport): [string, FindingKind[]][] =>
  (courses[0]?.steps ?? []).map(({ event, findings }) => [
    event,
    [...new Set(findings.map(({ kind }) => kind))].sort(),
  ]);

test('this library keeps the promise: every event, nothing found, defined once', async () => {
  const report = await tried(driverCommand('library'));
  assert.ok(keeps(report), JSON.stringify(report.courses, undefined, 1));
  assert.equal(
    report.courses[0]?.steps.map(({ event, claim }) => `${event} ${claim}`),
    [
      'define done',
      'start done',
      'attach disk done',
      'reboot hard done',
      'reboot hard done',
      'attach disk done',
      'attach disk done',
    ],
  );
  assert.is(report.courses[0]?.defines, 1);
});

const withPython = spawnSync('python3', ['--version']).status === 0;
if (!withPython) console.log('  skipped: python3 is not installed');
(withPython ? test : test.skip)('the driver of the manual, in Python, is one', async () => {
  const [, code = ''] = /^```python\n([\s\S]*?)^```$/m.exec(readFileSync('docs/conformance.md', 'utf8')) ?? [];
  assert.ok(code.split('\n').filter((line) => line.trim() !== '').length <= 30, 'it is short');
  const file = join(folder, 'driver.py');
  writeFileSync(file, code);
  const report = await tried(driverCommand(`python3 ${file}`));
  assert.is(report.name, 'thirty lines of Python');
  assert.ok(keeps(report), JSON.stringify(report.courses, undefined, 1));
});

test('control: a manager that generates its document anew is caught at the reboot after an attach', async () => {
  const report = await tried(driverCommand('nova'));
  assert.not.ok(keeps(report));
  const [, moves] = found(report).find(([event]) => event === 'reboot hard') ?? [];
  assert.ok(moves?.includes('moved'), JSON.stringify(found(report)));
  assert.is(report.courses[0]?.defines, 3);
});

test('control: a driver that lies is caught at each lie', async () => {
  const report = await tried(LIAR, 0.25);
  const steps = found(report);
  assert.equal(
    steps.map(([event]) => event),
    ['define', 'start', 'attach disk', 'reboot hard', 'reboot hard', 'attach disk', 'attach disk'],
  );
  const [define, start, nothingDone, moved, notRebooted, elsewhere, refused] = steps.map(([, kinds]) => kinds);
  assert.equal([define, start], [[], []]);
  assert.ok(nothingDone?.includes('untrue') && nothingDone.includes('lost'), `attach that was none: ${nothingDone}`);
  assert.ok(elsewhere?.includes('untrue'), `a place that is not so: ${elsewhere}`);
  assert.ok(moved?.includes('moved'), `places chosen anew: ${moved}`);
  assert.ok(notRebooted?.includes('untrue'), `a reboot that was none: ${notRebooted}`);
  assert.ok(refused?.includes('unasked'), `a refusal that was none: ${refused}`);
});

test('control: a driver that dies in the midst of the work is started again, and each death is told', async () => {
  const report = await tried({ command: [...LIAR.command, 'dies'] });
  const [course] = report.courses;
  assert.is(course?.outcome, 'broken');
  assert.equal(
    course?.steps.map(({ claim }) => claim),
    ['done', 'done', 'died', 'done', 'done', 'died', 'died'],
  );
  for (const { claim, findings } of course?.steps ?? [])
    if (claim === 'died') assert.match(findings.find(({ kind }) => kind === 'died')?.what ?? '', 'ended with 9');
});

test('an abort ends the kit in the midst of a step, and leaves nothing behind', async () => {
  const stop = new AbortController();
  const began = performance.now();
  const running = runConformance({
    drivers: [driverCommand('library')],
    scenarios: ['holes'],
    signal: stop.signal,
    onProgress: ({ step }) => step?.event === 'define' && setTimeout(() => stop.abort(), 300),
  });
  await failure(running, 'ABORTED');
  assert.ok(performance.now() - began < scaled(15_000), 'it does not wait for the step');
});

test('what cannot be tried is said before anything is started', async () => {
  const drivers = [driverCommand('library')];
  assert.match(
    (await failure(runConformance({ drivers, scenarios: ['hole'] }), 'ARGUMENT_INVALID')).message,
    'Did you mean holes?',
  );
  const options = { drivers, scenario: ['holes'] } as never;
  assert.match((await failure(runConformance(options), 'ARGUMENT_INVALID')).message, 'Did you mean scenarios?');
  assert.match(
    (await failure(() => Promise.resolve(driverCommand('virs')), 'ARGUMENT_INVALID')).message,
    'Did you mean virsh?',
  );
});

test('a driver that is none: it cannot be started, ends, or says something else', async () => {
  for (const [command, why] of [
    [['/nowhere/driver'], 'could not be started'],
    [[process.execPath, '-e', 'console.error("no such cloud"); process.exit(3)'], 'no such cloud'],
    [[process.execPath, '-e', 'console.log("hello"); setTimeout(() => {}, 5000)'], 'is not JSON'],
  ] as const) {
    const error = await failure(runConformance({ drivers: [{ command }], scenarios: ['holes'] }), 'PROTOCOL_VIOLATION');
    assert.match(error.message, why);
  }
});

test.run();
