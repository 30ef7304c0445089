import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runBuilt } from './run.js';

/** A minute on an idle machine; the suite shares it with other tests. */
const DEADLINE = 170_000;
const DEMO = 'examples/demo/main.js';

/** A temporary directory for one run, to see what it leaves there. */
function scratch(): Disposable & { path: string; left(): string[] } {
  const path = mkdtempSync(join(tmpdir(), 'd'));
  chmodSync(path, 0o755);
  return {
    path,
    left: () => [...readdirSync(path), ...processesOf(path)],
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

function processesOf(directory: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'latin1').includes(`=${directory}/`);
    } catch {
      return false;
    }
  });
}

test('the demo shows what moved, its plan and its calls, and leaves nothing', async () => {
  using place = scratch();
  const picture = join(tmpdir(), `${basename(place.path)}.svg`);
  const { code, stdout, stderr } = await runBuilt(DEMO, {
    args: [picture],
    deadline: DEADLINE,
    env: { TMPDIR: place.path },
  });
  assert.is(code, 0, stdout + stderr);
  assert.is(
    readFileSync(picture, 'utf8'),
    readFileSync('docs/moved.svg', 'utf8'),
    `npm run demo -- docs/moved.svg draws it`,
  );
  rmSync(picture);
  const row = (device: string) => stdout.split('\n').find((line) => line.startsWith(device)) ?? '';
  for (const device of ['config disk', 'memballoon', 'volume']) assert.match(row(device), '◄ moved');
  for (const device of ['network card', 'root disk']) assert.not.match(row(device), '◄ moved');
  assert.match(stdout, 'Moved through libvirt-canonical: nothing, with 1 define call');
  assert.match(stdout, /A disk volume {2}live\+config {2}now {2}at pci 0000:05:00\.0/);
  const [, regenerating = '', ours = ''] = stdout.split('Calls on the wire');
  assert.is(regenerating.match(/DOMAIN_DEFINE_XML_FLAGS/g)?.length, 2);
  assert.is(ours.match(/DOMAIN_DEFINE_XML_FLAGS/g)?.length, 1);
  assert.not.match(ours, 'UNDEFINE');
  assert.equal(place.left(), []);
});

test('Ctrl-C ends it and leaves nothing', async () => {
  using place = scratch();
  let sent = false;
  const { code, stderr } = await runBuilt(DEMO, {
    deadline: DEADLINE,
    env: { TMPDIR: place.path },
    watch(stdout, child) {
      if (sent || !stdout.includes('define and start')) return;
      assert.ok(readdirSync(place.path).some((name) => name.startsWith('lvc-')));
      sent = child.kill('SIGINT');
    },
  });
  assert.is(code, 130, stderr);
  assert.ok(sent);
  assert.match(stderr, 'Interrupted');
  assert.equal(place.left(), []);
});

test.run();
