import { dirname } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ManagedDomain, ResizeRequest } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { change, documentsOf, stayedPut, untouched } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const MIB = 1n << 20n;
const NOTHING = new Set<string>();
const refused = async (domain: ManagedDomain, request: ResizeRequest, reason: RegExp, remedy: RegExp) => {
  const error = await untouched(domain, () => domain.resize(request));
  assert.is(error.code, 'PLAN_REFUSED');
  assert.match(error.message, reason);
  assert.match(error.remedy ?? '', remedy);
};

test('a guest grows and shrinks: what it has by its own report, what waits for the cold boot, and nothing moves', async () => {
  const b = await bench();
  const guest = await b.host.guest({ name: 'sized' });
  const disks = [{ file: await b.disk(), target: 'vda' }];
  const domain = await b.manager.define(guest.domainXml({ memoryMiB: 320, maxVcpus: 3, hotplugVcpus: true, disks }));
  await domain.start();
  const booted = await guest.waitForReport();
  assert.equal(booted.onlineCpus, [0]);
  const before = await documentsOf(domain);
  using wire = new Wire();
  const online = async () => (await guest.exec('cat /sys/devices/system/cpu/present')).output.trim();

  const grown = await within(domain.resize({ vcpus: 2 }), 30_000);
  assert.equal(grown.vcpus, {
    now: { current: 2, maximum: 3 },
    nextBoot: { current: 2, maximum: 3 },
    takesEffect: 'now',
  });
  await eventually('the guest brings it online itself', async () => (await guest.report()).onlineCpus.join() === '0,1');

  const less = await within(domain.resize({ memory: '256 MiB' }, { settle: 30_000 }), 60_000);
  assert.equal(less.memory.now, { current: 256n * MIB, maximum: 320n * MIB });
  assert.is(less.memory.takesEffect, 'now');
  const lost = booted.memoryBytes - (await guest.report()).memoryBytes;
  assert.is(Math.round(lost / 2 ** 20), 64, 'the balloon took 64 MiB');
  const more = await within(domain.resize({ memory: '320 MiB' }, { settle: 30_000 }), 60_000);
  assert.is(more.memory.takesEffect, 'now');
  assert.is((await guest.report()).memoryBytes, booted.memoryBytes);

  // Under emulation QEMU 7.2 does not tell libvirt that the CPU is gone: the result says no more than libvirt knows.
  const plan = await domain.planResize({ vcpus: 1 });
  assert.equal(
    plan.operations.map(({ scope, takesEffect, ifKept }) => [scope, takesEffect, ifKept]),
    [
      ['config', 'next-boot', undefined],
      ['live', 'when-released', 'next-boot'],
    ],
  );
  const fewer = await within(domain.resize({ vcpus: 1 }, { unplug: { timeout: 1_000 } }), 60_000);
  assert.is(fewer.vcpus.nextBoot.current, 1);
  const [asked] = fewer.unplugs;
  assert.is(asked?.device, 'vcpus');
  assert.equal(
    [fewer.vcpus.now?.current, fewer.vcpus.takesEffect],
    asked?.outcome === 'removed' ? [1, 'now'] : [2, 'next-boot'],
  );
  assert.is(await online(), '0', 'the guest has given it back');

  const beyond = await within(domain.resize({ vcpus: 4, memory: '384 MiB' }), 30_000);
  assert.is(beyond.vcpus.takesEffect, 'next-boot');
  assert.equal(beyond.memory.nextBoot, { current: 384n * MIB, maximum: 384n * MIB });
  assert.is(beyond.memory.takesEffect, 'next-boot');
  assert.is((await guest.report()).memoryBytes, booted.memoryBytes, 'nothing of it before the boot');
  const changed = await documentsOf(domain);
  await domain.destroy();
  await domain.start();
  const again = await guest.waitForReport({ after: booted.bootId });
  assert.equal(again.onlineCpus, [0, 1, 2, 3]);
  assert.ok(again.memoryBytes > booted.memoryBytes + 60 * 2 ** 20);
  assert.equal(again.disks, booted.disks);
  assert.equal(again.pci, booted.pci);

  const calls = () => wire.mutators(domain.uuid).filter((name) => name === 'DOMAIN_SET_VCPUS_FLAGS').length;
  const sent = calls();
  const down = await within(domain.resize({ vcpus: 2 }), 30_000);
  assert.is(down.vcpus.takesEffect, 'next-boot');
  assert.match(down.operations[0]?.reason ?? '', /was started with 4 vCPUs/);
  assert.is(calls(), sent + 1, 'the guest is not asked for what it cannot give');
  stayedPut(before.canonical, changed.canonical, NOTHING, 'canonical');
  assert.equal(wire.defining(), []);
});

test('memory devices: a module and a virtio-mem come, grow and go under a running guest, in the room that define left', async () => {
  const b = await bench();
  const guest = await b.host.guest({ name: 'modules', cmdline: 'memhp_default_state=online_movable' });
  const { kernel: path, initrd, cmdline } = guest;
  const domain = await b.manager.define({
    name: 'modules',
    type: 'qemu',
    memory: '256 MiB',
    hotplug: { memory: { upTo: '1 GiB' } },
    kernel: { path, initrd, cmdline },
    devices: [...guest.serialDevices],
  });
  const defined = await domain.canonical();
  for (const line of [
    "<maxMemory slots='8' unit='KiB'>1048576</maxMemory>",
    "<cell id='0' cpus='0-3' memory='262144' unit='KiB'/>",
    "<vcpu placement='static' current='1'>4</vcpu>",
  ])
    assert.ok(defined.includes(line), line);
  await domain.start();
  const { memoryBytes } = await guest.waitForReport();
  const seen = async () => Math.round(((await guest.report()).memoryBytes - memoryBytes) / 2 ** 20);
  const seenOnce = async (amount: number) => {
    let last = await seen();
    for (const deadline = Date.now() + 20_000; last !== amount && Date.now() < deadline; last = await seen())
      await new Promise((resolve) => setTimeout(resolve, 200));
    return last;
  };
  await refused(domain, { memory: '512 MiB' }, /NUMA cells/, /Attach a memory device/);

  const module = { memory: { id: 'module', model: 'dimm', size: '128 MiB', node: 0 } } as const;
  await change(domain, { attach: [module] });
  assert.is(await seenOnce(128), 128);
  await change(domain, { detach: [{ memory: 'module' }] });
  assert.is(await seenOnce(0), 0);

  const size = { size: '256 MiB', block: '2 MiB', requested: '64 MiB', node: 0 } as const;
  const { plan } = await change(domain, { attach: [{ memory: { id: 'elastic', model: 'virtio-mem', ...size } }] });
  assert.is(plan.operations[0]?.takesEffect, 'now');
  assert.is(await seenOnce(64), 64);
  for (const [requested, amount] of [
    ['192 MiB', 192],
    ['32 MiB', 32],
  ] as const) {
    await change(domain, { update: [{ memory: 'elastic', set: { requested } }] });
    assert.is(await seenOnce(amount), amount);
  }
  const { canonical } = await documentsOf(domain);
  stayedPut(defined, canonical, NOTHING, 'canonical');
});

test('refused with the reason and the way round it, before anything is changed', async () => {
  const b = await bench();
  const running = await b.started({ memory: '64 MiB', vcpus: { current: 1, maximum: 2 } });
  await refused(running, { vcpus: 3, ifNotLive: 'refuse' }, /beyond the maximum|what it was started with/, /next-boot/);
  await refused(running, { memory: '96 MiB', vcpus: 2, ifNotLive: 'refuse' }, /memory/, /next-boot/);

  const fixed = async (name: string, cpu: string, more = '') =>
    b.manager.define(
      `<domain type='qemu'><name>${name}</name>${more}<memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu><os><type machine='q35'>hvm</type></os><cpu>${cpu}</cpu></domain>`,
    );
  const topology = await fixed('topology', "<topology sockets='1' cores='2' threads='1'/>");
  await refused(topology, { vcpus: 4 }, /the CPU topology fixes the maximum at 2/, /Define with the largest topology/);
  await refused(topology, { vcpus: { maximum: 1 } }, /the CPU topology/, /topology/);
  const cell = "<numa><cell id='0' cpus='0-1' memory='65536'/></numa>";
  const cells = await fixed('cells', cell);
  await refused(cells, { memory: '128 MiB' }, /maximum memory of a domain with NUMA cells/, /without slots/);
  await refused(cells, { vcpus: { current: 1, maximum: 1 } }, /NUMA cells hold 2 CPUs/, /lower current/);
  const slots = await fixed('slots', cell, "<maxMemory slots='2' unit='MiB'>256</maxMemory>");
  await refused(slots, { memory: '128 MiB' }, /NUMA cells/, /Attach a memory device/);

  const wider = await within(cells.resize({ vcpus: 4 }), 30_000);
  assert.equal(wider.vcpus, { nextBoot: { current: 4, maximum: 4 }, takesEffect: 'now' });
  assert.match(wider.operations[0]?.reason ?? '', /first NUMA cell/);
  await refused(cells, { vcpus: { current: 1, maximum: 2 } }, /NUMA cells hold 4 CPUs/, /lower current/);
});

test('a running guest without a balloon keeps its memory until the cold boot; one that is off has it at once', async () => {
  const b = await bench();
  const domain = await b.started({ memory: '64 MiB', devices: [{ memballoon: { model: 'none' } }] });
  const { memory, operations } = await within(domain.resize({ memory: '48 MiB' }), 30_000);
  assert.match(operations[0]?.reason ?? '', /no memory balloon/);
  assert.equal([memory.now?.current, memory.nextBoot.current], [64n * MIB, 48n * MIB]);
  assert.is(memory.takesEffect, 'next-boot');
  await domain.destroy();
  const off = await within(domain.resize({ memory: '32 MiB', vcpus: 2 }), 30_000);
  assert.equal(off.memory, { nextBoot: { current: 32n * MIB, maximum: 64n * MIB }, takesEffect: 'now' });
  assert.ok((await domain.planResize({ memory: '32 MiB', vcpus: 2 })).isEmpty);
});

test('a disk grows under a running guest, which sees it at once; no disk is made smaller', async () => {
  const b = await bench();
  const guest = await b.host.guest({ name: 'grown' });
  const raw = await b.host.createDisk('grown.raw', { size: '2 MiB' });
  const qcow2 = await b.host.createDisk('grown.qcow2', { size: '2 MiB' });
  const disks = [
    { file: raw, target: 'vda' },
    { file: qcow2, target: 'vdb', id: 'data' },
  ];
  const domain = await b.manager.define(guest.domainXml({ disks }));
  await domain.start();
  const sizes = async () => (await guest.report()).disks.map(({ bytes }) => bytes / 2 ** 20);
  await guest.waitForReport();
  assert.equal(await sizes(), [2, 2]);
  const before = await documentsOf(domain);
  using wire = new Wire();
  assert.equal(await within(domain.resizeDisk('vda', { capacity: '5 MiB' }), 30_000), {
    disk: 'disk vda',
    before: 2n * MIB,
    capacity: 5n * MIB,
  });
  assert.is((await within(domain.resizeDisk('data', { capacity: 7n * MIB }), 30_000)).capacity, 7n * MIB);
  assert.equal(await sizes(), [5, 7], 'by the report of the guest');
  assert.equal(wire.mutators(domain.uuid), ['DOMAIN_BLOCK_RESIZE', 'DOMAIN_BLOCK_RESIZE']);
  assert.equal(await documentsOf(domain), before, 'no document speaks of it');
  for (const disk of ['vda', 'data']) {
    const error = await untouched(domain, () => domain.resizeDisk(disk, { capacity: '4 MiB' }));
    assert.is(error.code, 'ARGUMENT_INVALID');
    assert.match(error.message, 'not made smaller');
  }
  assert.equal(await sizes(), [5, 7]);
  assert.is((await untouched(domain, () => domain.resizeDisk('vdz', { capacity: '9 MiB' }))).code, 'DEVICE_NOT_FOUND');
  assert.is(
    (await untouched(domain, () => domain.resizeDisk('vda', { capacity: 5_242_881 }))).code,
    'ARGUMENT_INVALID',
  );

  await domain.destroy();
  const off = await untouched(domain, () => domain.resizeDisk('data', { capacity: '9 MiB' }));
  assert.is(off.code, 'DOMAIN_STATE');
  assert.match(off.message, 'no storage pool');
  const pool = `<pool type='dir'><name>images</name><target><path>${dirname(qcow2)}</path></target></pool>`;
  await b.connection.call('STORAGE_POOL_CREATE_XML', { xml: pool, flags: 0 });
  const grown = await within(domain.resizeDisk('data', { capacity: '9 MiB' }), 30_000);
  assert.equal([grown.before, grown.capacity], [7n * MIB, 9n * MIB], 'read from the image');
  await untouched(domain, () => domain.resizeDisk('data', { capacity: '8 MiB' }));
});

test.run();
