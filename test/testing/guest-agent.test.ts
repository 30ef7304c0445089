import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PrivateHost, prepareGuestImage } from '../../src/testing/index.js';
import { failure } from '../support/deadline.js';
import { until, virsh, virshWith } from './virsh.js';

test('a guest with the agent answers libvirt, freezes and thaws its file systems, and shuts down when told to', async () => {
  await using host = await PrivateHost.start();
  const guest = await host.guest({ name: 'a1', agent: true });
  const file = await host.createDisk('a.raw', { size: '16 MiB' });
  await virshWith(host, guest.domainXml({ disks: [{ file, target: 'vda' }] }), 'define', '--validate');
  await virsh(host, 'start', 'a1');
  await guest.waitForReport();
  await until('the agent', async () => /state='connected'/.test(await virsh(host, 'dumpxml', 'a1')));
  assert.match(await virsh(host, 'qemu-agent-command', 'a1', '{"execute":"guest-ping"}'), '{"return":{}}');
  const made = await guest.exec('mke2fs /dev/vda >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/vda /mnt');
  assert.is(made.status, 0, made.output);
  await virsh(host, 'domfsfreeze', 'a1');
  // A frozen file system makes a writer wait until it is thawed.
  let written = false;
  const writing = guest.exec('echo late >/mnt/file; echo written').then((result) => {
    written = true;
    return result;
  });
  await sleep(500);
  assert.is(written, false);
  await virsh(host, 'domfsthaw', 'a1');
  assert.is((await writing).output, 'written\n');
  await virsh(host, 'shutdown', 'a1', '--mode', 'agent');
  await until('the shutdown', async () => /shut off/.test(await virsh(host, 'domstate', 'a1')));
});

test('without the agent in the cache it says how to get it', async () => {
  const before = process.env.LIBVIRT_CANONICAL_CACHE;
  const directory = mkdtempSync(join(tmpdir(), 'p'));
  await using host = await PrivateHost.start();
  try {
    process.env.LIBVIRT_CANONICAL_CACHE = directory;
    const error = await failure(host.guest({ name: 'a2', agent: true }), 'HOST_SETUP');
    assert.match(error.message, 'npm run setup');
  } finally {
    if (before === undefined) delete process.env.LIBVIRT_CANONICAL_CACHE;
    else process.env.LIBVIRT_CANONICAL_CACHE = before;
    rmSync(directory, { recursive: true });
  }
  // It is in the cache of this machine: nothing is fetched.
  await prepareGuestImage({ agent: true });
});

test.run();
