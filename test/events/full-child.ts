/**
 * In a mount namespace of its own: a guest fills a small file system, is watched as it stands still, goes on when there is
 * room, and panics. Prints one line of JSON. Run by watch-guest.test.ts.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, DomainManager, type Finding } from '../../src/index.js';
import { PrivateHost } from '../../src/testing/index.js';
import { within } from '../support/deadline.js';

const full = mkdtempSync(join(tmpdir(), 'full'));
using _ = {
  [Symbol.dispose]() {
    execFileSync('umount', ['-l', full]);
    rmSync(full, { recursive: true });
  },
};
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', full]);
await using host = await PrivateHost.start();
const file = join(full, 'data.qcow2');
execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, '32M']);
for (const path of [full, file]) chmodSync(path, 0o777);

await using connection = await connect(host.uri, { logDirectory: host.logDirectory });
const guest = await host.guest({ name: 'fills' });
const disks = [{ file, target: 'vda', id: 'data' }];
const xml = guest.domainXml({ disks, extraDevices: ["<panic model='isa'/>"] });
const domain = await new DomainManager(connection).define(xml);
await domain.start();
await guest.waitForReport();

await using findings = domain.watch();
await findings.ready;
async function next<T extends Finding['type']>(type: T): Promise<Extract<Finding, { type: T }>> {
  const { value } = await within(findings.next(), 120_000, type);
  if (value?.type !== type) throw new Error(`${type} was expected, not ${JSON.stringify(value)}`);
  return value as Extract<Finding, { type: T }>;
}

// Several at a time, so that several fail.
const write = 'dd if=/dev/zero of=/dev/vda bs=1M count=4 seek=$((i*4)) oflag=direct || touch /tmp/failed';
const all = `for i in 0 1 2 3; do (${write}) & done; wait; [ ! -e /tmp/failed ]`;
const written = guest.exec(all, { timeout: 240_000 });
const stopped = await next('io-error');
const state = await domain.stateReason();
execFileSync('mount', ['-o', 'remount,size=64m', full]);
await domain.resume();
const { status } = await written;

const loaded = await guest.exec('modprobe pvpanic_mmio');
if (loaded.status !== 0) throw new Error(loaded.output);
void guest.exec('echo c >/proc/sysrq-trigger').catch(() => {});
const panic = await next('guest-panic');
const crash = await next('crash');
await domain.undefine();
console.log(JSON.stringify({ file, stopped, state, status, panic, crash }));
