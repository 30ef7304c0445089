/** `lvc-fleet` as people and programs use it, and the status page in a real browser. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Browser } from './browser.js';
import { Trio } from './trio.js';

const COMMAND = fileURLToPath(new URL('../../../fleet/dist/cli/main.js', import.meta.url));

let trio: Trio;
let config: string;
test.before(async () => {
  trio = await Trio.start();
  config = join(trio.folder, 'fleet.json');
  writeFileSync(config, JSON.stringify({ hosts: trio.specs, store: { folder: trio.store }, timeout: 60_000 }));
});
test.after(() => trio.stop());

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function lvcFleet(...args: string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, '--config', config, ...args], { maxBuffer: 1 << 24 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

/** A worker of the command, with its status page. */
async function worker(): Promise<{ readonly url: string; end(): Promise<void> } & AsyncDisposable> {
  const child: ChildProcess = spawn(
    process.execPath,
    [COMMAND, '--config', config, 'worker', '--name', 'cli', '--http', '127.0.0.1:0', '--within', '0'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const found = /worker cli works; (http:\S+)/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
    async end() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      assert.is(await ended, 0, 'it ends by itself when it is told to');
    },
  };
}

function statusOf(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers, method }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once('error', reject)
      .end();
  });
}

test('hosts, where, a plan, and what is asked wrongly', async () => {
  await trio.domain('a', { name: 'web' });
  const hosts = await lvcFleet('hosts');
  assert.is(hosts.code, 0, hosts.err);
  assert.match(hosts.out, /^HOST +IS +CPUS/);
  assert.match(hosts.out, /\na +there /);
  const where = await lvcFleet('where', 'web');
  assert.equal([where.code, where.out], [0, 'web is paused (user) on a\n'], where.err);
  const plan = await lvcFleet('plan', 'drain', 'a', '--to', 'c');
  assert.is(plan.code, 0, plan.err);
  assert.match(plan.out, /web .*→ c, live/);
  const none = await lvcFleet('plan', 'drain', 'z');
  assert.is(none.code, 1);
  assert.match(none.err, /ARGUMENT_INVALID/);
  const empty = await lvcFleet('--json', 'list');
  assert.equal([empty.code, empty.out], [0, '[]\n'], 'the store is made, and nothing but the value is said');
  const missing = await lvcFleet('watch', 'nothing');
  assert.equal([missing.code, /OPERATION_NOT_FOUND/.test(missing.err)], [1, true], missing.err);
  const slip = await lvcFleet('--json', 'confirm', 'nothing', 'fence', '--by', 'x');
  assert.is(JSON.parse(slip.err).error.code, 'OPERATION_NOT_FOUND');
  assert.is(slip.out, '');
});

test('a drain from plan to end by the command, seen live in the status page', async () => {
  const json = await lvcFleet('--json', 'plan', 'drain', 'a');
  assert.is(json.code, 0, json.err);
  const file = join(trio.folder, 'plan.json');
  writeFileSync(file, json.out);
  const begun = await lvcFleet('start', 'drain', file, '--id', 'by-hand');
  assert.match(begun.out, /by-hand is begun/, begun.err);
  assert.is((await lvcFleet('pause', 'by-hand', '--by', 'carol')).code, 0);
  await using working = await worker();
  const { url } = working;
  {
    await using browser = await Browser.open(url);
    const text = async () => String(await browser.evaluate("document.querySelector('[data-operation]')?.textContent"));
    while (!(await text()).includes('by-hand: drain, paused')) await sleep(50);
    assert.match(String(await browser.evaluate("document.getElementById('workers').textContent")), /cli/);
    assert.is((await lvcFleet('resume', 'by-hand', '--by', 'carol')).code, 0);
    while (!(await text()).includes('by-hand: drain, ended')) await sleep(50);
    assert.match(await text(), /1 of 1 done, 0 left, 0 failed/);
  }
  const watched = await lvcFleet('watch', 'by-hand');
  assert.is(watched.code, 0, watched.err);
  assert.match(watched.out, /by-hand +drain +ended +1 of 1 done, 0 left/);
  const result = JSON.parse((await lvcFleet('result', 'by-hand')).out);
  assert.equal([result.empty, result.safeToReboot], [true, true]);
  const list = JSON.parse((await lvcFleet('--json', 'list')).out) as { id: string; state: string }[];
  assert.equal(
    list.map(({ id, state }) => [id, state]),
    [['by-hand', 'ended']],
  );
  const audit = await lvcFleet('audit', 'by-hand');
  assert.match(audit.out, /carol +pause\n/);
  assert.match(audit.out, /worker cli +drain of a ends: empty/);
  assert.is(await statusOf(`${url}status.json`), 200);
  assert.is(await statusOf(`${url}status.json`, { host: 'evil.example' }), 403, 'a page of another site reads nothing');
  assert.is(await statusOf(url, {}, 'POST'), 405);
  assert.is(await statusOf(`${url}../../etc/passwd`), 404);
  await working.end();
});

test('a page elsewhere than on the loopback is refused', async () => {
  const { code, err } = await lvcFleet('worker', '--http', '0.0.0.0:8080');
  assert.is(code, 1);
  assert.match(err, /is no address of the loopback/);
});

test.run();
