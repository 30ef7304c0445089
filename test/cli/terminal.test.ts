import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';
import { eventually } from '../support/eventually.js';
import { documentsOf } from '../support/scenario.js';
import { lvc, MAIN, onTerminal, resultOf } from './lvc.js';

const bench = benchOnDemand();
test.after(bench.stop);

const CTRL_C = '\x03';
const CYAN = '\x1b[36m';

test('apply on a terminal: shows the plan in colours and asks; anything but yes changes nothing', async () => {
  const { host, define } = await bench();
  const domain = await define({ name: 'asked' });
  const before = await documentsOf(domain);
  const args = ['apply', 'asked', '--set', 'title=from-a-terminal'];
  const no = onTerminal(args, { uri: host.uri });
  await eventually('the question', () => no.text().includes('Do this? [yes/no]'));
  assert.match(no.text(), `${CYAN}  S title`);
  no.type('no\n');
  const refused = await no.ended;
  assert.is(refused.code, 1, refused.out);
  assert.match(refused.out, 'Nothing was changed');
  assert.equal(await documentsOf(domain), before);

  const stopped = onTerminal(args, { uri: host.uri });
  await eventually('the question', () => stopped.text().includes('[yes/no]'));
  stopped.type(CTRL_C);
  assert.is((await stopped.ended).code, 130);
  assert.equal(await documentsOf(domain), before);

  const yes = onTerminal(args, { uri: host.uri, env: { NO_COLOR: '1' } });
  await eventually('the question', () => yes.text().includes('[yes/no]'));
  assert.not.match(yes.text(), CYAN);
  yes.type('yes\n');
  assert.is((await yes.ended).code, 0);
  assert.match(await domain.canonical(), 'from-a-terminal');
});

test('copy: a line of progress, and Ctrl-C in the middle of it ends the job and says what is left', async () => {
  const { host, started } = await bench();
  const images = join(host.directory, 'images');
  const file = await host.createDisk('big.raw', { size: '48 MiB', format: 'raw' });
  writeFileSync(file, Buffer.alloc(48 << 20, 'data'));
  const domain = await started({
    name: 'copied',
    disks: [{ id: 'root', target: 'vda', file, format: 'raw', boot: 1 }],
  });
  const before = await documentsOf(domain);
  const run = onTerminal(['copy', 'copied', 'root', join(images, 'copy.raw'), '--bandwidth', '1 MiB'], {
    uri: host.uri,
  });
  await eventually('the progress', () => /\[[#.]{24}\] +\d+ %.* of 48 MiB/.test(run.text()));
  assert.is((await domain.blockJobs()).length, 1);
  run.type(CTRL_C);
  const ended = await run.ended;
  assert.is(ended.code, 130, ended.out);
  assert.match(ended.out, /copy\.raw is incomplete and stays\) was aborted by the caller\. \(ABORTED\)/);
  assert.equal(await domain.blockJobs(), []);
  assert.equal(await documentsOf(domain), before);
});

test('apply: Ctrl-C in the middle of it takes back what was done, and says so', async () => {
  const { host, started } = await bench();
  const domain = await started({ name: 'halfway' });
  const before = await documentsOf(domain);
  const args = ['apply', 'halfway', '--detach', 'interface=lan', '--set', 'title=first', '--yes'];
  const run = onTerminal(args, { uri: host.uri });
  // A guest whose vCPUs are stopped never lets go of the card.
  await eventually('the unplug', () => run.text().includes('detach interface lan: started'));
  run.type(CTRL_C);
  const ended = await run.ended;
  assert.is(ended.code, 130, ended.out);
  assert.match(ended.out, /error.*(undone|taken back|rolled back|nothing)/s);
  assert.equal(
    (await domain.devices())
      .map(({ identity, in: where }) => `${identity} ${where}`)
      .filter((each) => each.startsWith('interface')),
    ['interface lan both'],
  );
  assert.is((await documentsOf(domain)).canonical, before.canonical);
});

test('recover: an apply whose process was killed is shown by list and recover, and undone when asked', async () => {
  const { host, started } = await bench();
  const domain = await started({ name: 'killed' });
  const uri = host.uri;
  const child = spawn(process.execPath, [MAIN, 'apply', 'killed', '--detach', 'interface=lan', '--yes'], {
    env: { ...process.env, LIBVIRT_DEFAULT_URI: uri },
    stdio: 'ignore',
  });
  await eventually('the journal', async () => /phase=['"]apply['"]/.test(await domain.canonical()));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  assert.match((await lvc(['list'], { uri })).out, 'lvc recover killed');
  const shown = await lvc(['recover', 'killed', '--json'], { uri });
  assert.is(shown.code, 2, shown.err);
  assert.is(resultOf<{ interrupted: { phase: string } }>(shown).interrupted.phase, 'apply');
  const barred = await lvc(['apply', 'killed', '--set', 'title=x', '--yes'], { uri });
  assert.is(barred.code, 3);
  assert.match(barred.err, 'lvc recover killed');
  const run = onTerminal(['recover', 'killed'], { uri });
  await eventually('the question', () => run.text().includes('[complete/undo/keep]'));
  assert.match(run.text(), /detach interface lan: (done|not done|unknown)/);
  run.type('undo\n');
  const ended = await run.ended;
  assert.is(ended.code, 0, ended.out);
  assert.equal((await lvc(['recover', 'killed'], { uri })).code, 0);
});

test('events: a line of JSON for each as it comes, and Ctrl-C ends it without an error', async () => {
  const { host, define } = await bench();
  const domain = await define({ name: 'told' });
  const run = onTerminal(['events', 'told', '--json'], { uri: host.uri });
  await eventually('an event', async () => {
    await domain.apply(await domain.plan({ set: { title: String(Math.random()) } }));
    return run.text().includes('metadata-change');
  });
  run.type(CTRL_C);
  const ended = await run.ended;
  assert.is(ended.code, 0, ended.out);
  for (const line of ended.out.split('\r\n').filter((each) => each.startsWith('{'))) {
    const { lvc: form, command, item } = JSON.parse(line);
    assert.equal([form, command, item.domain.name], [1, 'events', 'told']);
  }
});

test.run();
