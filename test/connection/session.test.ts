import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { handOverTree, hostAccount } from '../../src/testing/account.js';
import { CapabilitiesCache } from '../../src/testing/capabilities-cache.js';
import { findProgram } from '../../src/testing/programs.js';
import { eventually } from '../support/eventually.js';
import { within } from './helpers.js';

const run = promisify(execFile);

/** Connects to qemu:///session in a process of its own, under an account that may have a session daemon. */
const SCRIPT = `
  const { connect } = await import(process.argv[1]);
  try {
    const connection = await connect('qemu:///session');
    console.log(connection.uri, (await connection.call('CONNECT_GET_URI', {})).uri);
    await connection.close();
  } catch (error) {
    console.log(error.code, error.message);
  }
`;

async function connectIn(directory: string, environment: Record<string, string> = {}): Promise<string> {
  const account = hostAccount();
  const front = new URL('../../src/connection/index.js', import.meta.url).href;
  const { stdout } = await within(
    run(process.execPath, ['--input-type=module', '-e', SCRIPT, front], {
      ...(account.switch && { uid: account.uid, gid: account.gid }),
      cwd: directory,
      env: {
        PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
        HOME: directory,
        XDG_RUNTIME_DIR: join(directory, 'run'),
        XDG_CONFIG_HOME: join(directory, 'etc'),
        XDG_CACHE_HOME: join(directory, 'cache'),
        ...environment,
      },
    }),
    120_000,
  );
  return stdout.trim();
}

test('qemu:///session starts the daemon of the user, once', async () => {
  const directory = mkdtempSync('/tmp/lvc-s-');
  const pidFile = join(directory, 'run/libvirt/libvirtd.pid');
  try {
    for (const folder of ['run', 'etc', 'cache']) mkdirSync(join(directory, folder));
    chmodSync(join(directory, 'run'), 0o700);
    // A daemon with an empty cache asks each emulator of the machine first, a second or more for each.
    const emulators = join(directory, 'cache/libvirt/qemu/cache/capabilities');
    new CapabilitiesCache(emulators, findProgram('libvirtd'), hostAccount()).seed();
    handOverTree(directory, hostAccount());
    const refused = await connectIn(directory, { LIBVIRT_AUTOSTART: '0' });
    assert.match(refused, /^DAEMON_UNREACHABLE .*run\/libvirt\/libvirt-sock: there is no such socket/);
    assert.is(await connectIn(directory), 'qemu:///session qemu:///session');
    const pid = readFileSync(pidFile, 'utf8');
    assert.is(await connectIn(directory), 'qemu:///session qemu:///session');
    assert.is(readFileSync(pidFile, 'utf8'), pid);
  } finally {
    if (existsSync(pidFile)) {
      const pid = Number(readFileSync(pidFile, 'utf8'));
      process.kill(pid, 'SIGTERM');
      await eventually(`the end of daemon ${pid}`, () => !existsSync(`/proc/${pid}`), 60_000);
    }
    rmSync(directory, { recursive: true });
  }
});

test.run();
