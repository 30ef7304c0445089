/** The commands that look at a running guest and talk to it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';
import { eventually } from '../support/eventually.js';
import { itemsOf, lvc, onTerminal, resultOf } from './lvc.js';

const bench = benchOnDemand();
test.after(bench.stop);

const ESCAPE = '\x1d';
const CTRL_C = '\x03';

/** A guest with a serial console and a display; its CPUs stand until somebody resumes it. */
async function subject(name: string) {
  const { host, started } = await bench();
  const guest = await host.guest({ name });
  const domain = await started({
    name,
    kernel: { path: guest.kernel, initrd: guest.initrd, cmdline: 'console=ttyS0' },
    devices: [
      "<serial type='pty'><target port='0'/></serial>",
      "<console type='pty'><target type='serial' port='0'/></console>",
      "<video><model type='vga'/></video>",
    ],
  });
  const run = (args: readonly string[]) => lvc(args, { uri: host.uri });
  return { host, domain, run, folder: host.directory };
}

test('console: what the guest prints on this terminal, Ctrl-C goes to the guest, and Ctrl-] leaves it as it is', async () => {
  const { host, domain, run } = await subject('talks');
  const terminal = onTerminal(['console', 'talks'], { uri: host.uri });
  await eventually('the console', () => terminal.text().includes('Connected to talks'));
  await domain.resume();
  await eventually('what it prints', () => terminal.text().includes('Linux version'));
  const taken = await run(['console', 'talks']);
  assert.is(taken.code, 1);
  assert.match(taken.err, 'VIR_ERR_OPERATION_FAILED');
  terminal.type(CTRL_C);
  terminal.type(ESCAPE);
  const left = await terminal.ended;
  assert.is(left.code, 0, left.out);
  assert.match(left.out, 'The console of talks is closed: left.');
  assert.is(await domain.state(), 'running');

  const missing = await run(['console', 'talks', '--device', 'serial9']);
  assert.is(missing.code, 1);
  assert.match(missing.err, 'serial9');

  const whole = onTerminal(['console', 'talks', '--json'], { uri: host.uri });
  await eventually('the console', () => whole.text().includes('Connected to talks'));
  await domain.destroy();
  const ended = await whole.ended;
  assert.is(ended.code, 0, ended.out);
  const out = ended.out.replaceAll('\r', '');
  const answer = out.lastIndexOf('\n{\n') + 1;
  for (const { text } of itemsOf<{ text: string }>(out.slice(0, answer))) assert.type(text, 'string');
  assert.is(resultOf<{ ended: string }>({ ...ended, out: out.slice(answer) }).ended, 'domain');
  const off = await run(['console', 'talks']);
  assert.is(off.code, 1);
});

test('console: a guest that takes no input keeps nobody from leaving', async () => {
  const { host } = await subject('deaf');
  const terminal = onTerminal(['console', 'deaf'], { uri: host.uri });
  await eventually('the console', () => terminal.text().includes('Connected to deaf'));
  for (let at = 0; at < 512; at++) terminal.type('x'.repeat(16_384));
  await eventually('the paste to be taken', async () => {
    terminal.type(ESCAPE);
    return terminal.text().includes('is closed: left');
  });
  assert.is((await terminal.ended).code, 0);
});

test('screenshot: a PNG in a new file or on stdout; never over a file that is there', async () => {
  const { run, folder } = await subject('shown');
  const out = join(folder, 'shown.png');
  const done = await run(['screenshot', 'shown', '--out', out, '--json']);
  assert.is(done.code, 0, done.err);
  const { type, bytes, file } = resultOf<{ type: string; bytes: number; file: string }>(done);
  assert.equal([type, file], ['image/png', out]);
  const picture = readFileSync(out);
  assert.is(picture.length, bytes);
  assert.is(picture.subarray(1, 4).toString(), 'PNG');
  const again = await run(['screenshot', 'shown', '--out', out]);
  assert.is(again.code, 1);
  assert.match(again.err, out);
  assert.equal(readFileSync(out), picture);
  assert.match((await run(['screenshot', 'shown', '--out', '-'])).out, 'PNG');
  assert.match((await run(['screenshot', 'shown', '--out', '-', '--json'])).out, 'USAGE');
  assert.is((await run(['screenshot', 'shown', '--screen', 'left'])).code, 1);
  assert.not.ok(existsSync('shown.png'), 'nothing in the folder that the tests run in');
});

test('addresses: nobody knows one of a guest that stands; a source that is none is named, and waiting ends', async () => {
  const { run } = await subject('where');
  const none = await run(['addresses', 'where', '--json']);
  assert.is(none.code, 0, none.err);
  assert.equal(resultOf<{ addresses: unknown[] }>(none).addresses, []);
  assert.match((await run(['addresses', 'where'])).out, 'Nobody knows an address of where yet.');
  const misspelt = await run(['addresses', 'where', '--source', 'leese']);
  assert.is(misspelt.code, 1);
  assert.match(misspelt.err, 'lease');
  const waited = await run(['addresses', 'where', '--wait', '0.2', '--json']);
  assert.is(waited.code, 1);
});

test('stats: figures of one or of all, with rates from the second reading on, until Ctrl-C', async () => {
  const { host, run } = await subject('busy');
  const one = resultOf<{ stats: { name: string; state: string; disks: { target: string }[] }[] }>(
    await run(['stats', 'busy', '--json']),
  ).stats;
  assert.equal([one.length, one[0]?.name, one[0]?.state, one[0]?.disks[0]?.target], [1, 'busy', 'paused', 'vda']);
  const all = resultOf<{ stats: { name: string }[] }>(await run(['stats', '--json'])).stats;
  assert.ok(all.some(({ name }) => name === 'busy') && all.length > 1);
  assert.match((await run(['stats', 'busy'])).out, /DOMAIN +STATE +CPU .*\nbusy +paused/);
  const watching = onTerminal(['stats', 'busy', '--watch', '0.2', '--json'], { uri: host.uri });
  await eventually(
    'three readings',
    () =>
      watching
        .text()
        .split('\n')
        .filter((line) => line.includes('"rates"')).length > 2,
  );
  watching.type(CTRL_C);
  const ended = await watching.ended;
  assert.is(ended.code, 0, ended.out);
  const items = itemsOf<{ rates: { interval: number }[] }>(ended.out);
  assert.equal(items[0]?.rates, []);
  assert.ok((items[1]?.rates[0]?.interval ?? 0) > 0);
});

test('doctor: findings with what to do, worst first, and exit code 2; a log and a second host are looked at', async () => {
  const { run, host } = await subject('sick');
  const found = await run(['doctor', '--json', '--against', host.uri]);
  assert.is(found.code, 2, found.err);
  const { findings } = resultOf<{ findings: { code: string; severity: string; remedy: string }[] }>(found);
  assert.ok(findings.length > 0 && findings.every(({ remedy }) => remedy !== ''));
  const order = ['error', 'warning', 'unknown', 'note'];
  const severities = findings.map(({ severity }) => order.indexOf(severity));
  assert.equal(severities, [...severities].sort(), 'worst first');
  const text = await run(['doctor']);
  assert.is(text.code, 2);
  for (const { code } of findings.slice(0, 3)) assert.match((await run(['doctor', '--against', host.uri])).out, code);
});

test('picture: SVG, page, text and data of the same tree, into a file when asked', async () => {
  const { run, folder } = await subject('drawn');
  assert.match((await run(['picture', 'drawn'])).out, /^<svg .*disk root/s);
  assert.match((await run(['picture', 'drawn', '--html'])).out, /^<!doctype html>.*<svg /is);
  assert.match((await run(['picture', 'drawn', '--ascii'])).out, 'disk root');
  const file = join(folder, 'drawn.svg');
  assert.is((await run(['picture', 'drawn', '-o', file])).code, 0);
  assert.match(readFileSync(file, 'utf8'), /^<svg /);
  const data = resultOf<{ domain: { name: string } }>(await run(['picture', 'drawn', '--json']));
  assert.is(data.domain.name, 'drawn');
  assert.is((await run(['picture', 'drawn', '--html', '--ascii'])).code, 1);
});

test.run();
