import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainSpec } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { tpmProblem } from '../support/tpm.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** An emulated machine of several CPUs on a busy one of few. */
const SLOW = { timeout: 120_000 };

test('a guest with UEFI secure boot and TPM, by the preset of Windows 11, boots to its report', async () => {
  const problem = tpmProblem();
  if (problem !== undefined) {
    console.log(`skipped: ${problem}`);
    return;
  }
  const { manager, host } = await bench();
  const guest = await host.guest({ name: 'secure' });
  const { devices, ...boot } = guest.spec({ efi: true });
  const spec: DomainSpec = {
    name: 'secure',
    memory: '512 MiB',
    os: 'windows-11',
    ...boot,
    disks: [{ target: 'sda', file: await host.createDisk('secure.raw', { size: '1 MiB' }), format: 'raw' }],
    devices,
  };
  const plan = await manager.planDefine(spec);
  assert.equal(plan.refusals, []);
  const domain = await manager.define(spec);
  await domain.start();
  await guest.waitForReport({ timeout: 180_000 });
  const { output } = await guest.exec(
    'ls -d /sys/firmware/efi /sys/firmware/acpi/tables/TPM2; dmesg | grep -i "secure boot"; cat /sys/devices/system/cpu/online',
    SLOW,
  );
  assert.match(output, /acpi\/tables\/TPM2\b/, output);
  assert.match(output, /firmware\/efi\b/, output);
  assert.match(output, /secure boot.*enabled/i, output);
  assert.match(output, /^0-1$/m);
  assert.is((await domain.planTowards(spec)).isEmpty, true, String(await domain.planTowards(spec)));
  await domain.destroy();
  await domain.undefine({ nvram: true });
});

test('a guest with NUMA cells, shared memory, pinned IOThreads and its own SMBIOS sees all of it', async () => {
  const { manager, host } = await bench();
  const guest = await host.guest({ name: 'numa' });
  const MIB = 1024 * 1024;
  const spec: DomainSpec = {
    name: 'numa',
    memory: '256 MiB',
    vcpus: { current: 4, maximum: 4 },
    ...guest.spec(),
    cpu: {
      topology: { sockets: 2, cores: 2, threads: 1 },
      numa: [
        { cpus: '0-1', memory: 128 * MIB, memAccess: 'shared', distances: { 0: 10, 1: 21 } },
        { cpus: '2-3', memory: 128 * MIB, distances: { 0: 21, 1: 10 } },
      ],
    },
    memoryBacking: { source: 'memfd', access: 'shared' },
    iothreads: { 1: {}, 2: { threadPoolMax: 4 } },
    cputune: { iothreadPin: { 1: '0' }, vcpuPin: { 3: '0' }, iothreadSched: [{ iothreads: '2', scheduler: 'batch' }] },
    numatune: { mode: 'strict', nodeset: '0' },
    sysinfo: { system: { serial: 'S-42', product: 'A, B' }, fwCfg: { 'opt/com.example/word': 'hello' } },
    disks: [
      {
        target: 'vda',
        file: await host.createDisk('numa.raw', { size: '1 MiB' }),
        format: 'raw',
        driver: { iothread: 1 },
        boot: 1,
      },
    ],
  };
  const domain = await manager.define(spec);
  await domain.start();
  await guest.waitForReport({ timeout: 120_000 });
  const { output } = await guest.exec(
    'cat /sys/devices/system/node/node1/distance /sys/devices/system/node/node1/cpulist /sys/class/dmi/id/product_serial /sys/class/dmi/id/product_name',
    SLOW,
  );
  assert.equal(output.trim().split('\n'), ['21 10', '2-3', 'S-42', 'A, B']);
  // QEMU's own threads tell where they may run.
  const { threads, pid } = threadsOf('numa');
  assert.ok(pid > 0);
  assert.is(threads.get('IO iothread1'), '0');
  assert.is((await domain.planTowards(spec)).isEmpty, true, String(await domain.planTowards(spec)));
  await domain.destroy();
  await domain.undefine();
});

/** CPUs that each named thread of a domain's QEMU may run on. */
function threadsOf(domain: string): { pid: number; threads: Map<string, string> } {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`guest=${domain},debug-threads=on`)) continue;
      const threads = readdirSync(`/proc/${pid}/task`).map((task): [string, string] => {
        const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8');
        return [/^Name:\t(.*)$/m.exec(status)?.[1] ?? '', /^Cpus_allowed_list:\t(.*)$/m.exec(status)?.[1] ?? ''];
      });
      return { pid: Number(pid), threads: new Map(threads) };
    } catch {
      // It ended meanwhile.
    }
  }
  return { pid: 0, threads: new Map() };
}

test('waitForAddress: a guest whose agent answers has an address; one that is off has none', async () => {
  const { manager, host } = await bench();
  const guest = await host.guest({ name: 'addressed', agent: true });
  const domain = await manager.define({
    name: 'addressed',
    memory: '128 MiB',
    ...guest.spec(),
    interfaces: [{ user: true, mac: '52:54:00:00:00:21' }],
  });
  await domain.start();
  const found = await domain.waitForAddress({ timeout: 180_000, mac: '52:54:00:00:00:21' });
  assert.equal(found, {
    address: '10.0.2.15',
    family: 'ipv4',
    prefix: 24,
    mac: '52:54:00:00:00:21',
    interface: 'eth0',
    source: 'agent',
  });
  let late: unknown;
  await domain.waitForAddress({ timeout: 100, mac: '52:54:00:00:00:99' }).catch((error: unknown) => {
    late = error;
  });
  assert.is((late as { code: string }).code, 'TIMEOUT');
  await domain.destroy();
  await domain.waitForAddress({ timeout: 1000 }).catch((error: unknown) => {
    late = error;
  });
  assert.is((late as { code: string }).code, 'DOMAIN_STATE');
  await domain.undefine();
});

test.run();
