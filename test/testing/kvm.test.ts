import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hostAccount } from '../../src/testing/account.js';
import { privilegedProblem } from '../../src/testing/index.js';
import { launchOf } from '../../src/testing/kvm.js';

const test = suite('a host and /dev/kvm');
const child = fileURLToPath(new URL('./kvm-child.js', import.meta.url));

test('the daemon is run as the user of the host', async () => {
  const account = hostAccount();
  assert.is.not(account.uid, 0);
  const { program, args, ids } = await launchOf('/usr/sbin/libvirtd', account, tmpdir());
  assert.is([program, ...args].at(-1), '/usr/sbin/libvirtd');
  const taken = ids?.uid ?? Number(/--reuid (\d+)/.exec(args.join(' '))?.[1]);
  assert.is(account.switch ? taken : account.uid, account.uid);
});

// Only root can put a useless device in the place of the real one, in a mount namespace of the child's own.
if (process.getuid?.() === 0 && existsSync('/dev/kvm')) {
  const problem = await privilegedProblem();
  if (problem) console.log(`  skipped: ${problem}`);
  (problem ? test.skip : test)('a /dev/kvm that opens but does not work is kept from the daemon', () => {
    const script = 'mount --bind /dev/null /dev/kvm && exec "$@"';
    const taken = execFileSync('unshare', ['--mount', 'sh', '-c', script, 'sh', process.execPath, child], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    assert.ok(Number(taken) > 0);
    assert.ok(Number(taken) < 5_000, `a define took ${taken} ms; with the device in sight it takes half a minute`);
  });
}

test.run();
