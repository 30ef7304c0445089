/** A daemon with QEMU's driver alone, as a distribution installs that packages the drivers apart. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { untouched } from '../support/scenario.js';

const QEMU = 'libvirt_driver_qemu.so';
const DRIVERS = 'libvirt/connection-driver';
const installed = ['/usr/lib64', ...readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`), '/usr/lib']
  .map((library) => join(library, DRIVERS, QEMU))
  .find((path) => existsSync(path));
assert.ok(installed, 'the driver of QEMU, in a place of the distribution');
const drivers = mkdtempSync(join(tmpdir(), 'drivers-'));
chmodSync(drivers, 0o755);
symlinkSync(installed, join(drivers, QEMU));

const bench = benchOnDemand({ env: { LIBVIRT_DRIVER_DIR: drivers } });
test.after(async () => {
  await bench.stop();
  rmSync(drivers, { recursive: true });
});

test('hostCheck: what a domain names and no driver can know blocks, and the remedy is the driver', async () => {
  const b = await bench();
  const domain = await b.define({ interfaces: [{ id: 'net', network: 'blue' }] });
  const findings = (await domain.hostCheck()).filter(({ subject }) => subject === 'interface net');
  assert.equal(
    findings.map(({ severity, problem }) => [severity, problem]),
    [['blocks', 'there is no network blue on this host']],
  );
  assert.match(findings[0]?.remedy ?? '', /Install libvirt's driver/);
  await failure(domain.start({ paused: true }), 'START_FAILED');
});

test('resizeDisk: of a domain that is off needs the storage driver, and says so as without a pool', async () => {
  const b = await bench();
  const domain = await b.define();
  const error = await untouched(domain, () => domain.resizeDisk('root', { capacity: '2 MiB' }));
  assert.is(error.code, 'DOMAIN_STATE');
  assert.match(error.message, 'no storage pool');
});

test.run();
