import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ApplyError, LateUnplug, ManagedDomain } from '../../src/index.js';
import type { Guest } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { change, documentsOf } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const DISKS = ['vda', 'vdb', 'vdc', 'vdd', 'vde'];
let booted: Promise<{ guest: Guest; domain: ManagedDomain }> | undefined;
/** One guest with disks and room for memory modules, for all tests of this file. */
function answering(): Promise<{ guest: Guest; domain: ManagedDomain }> {
  booted ??= (async () => {
    const b = await bench();
    const guest = await b.host.guest({ name: 'unplugs', cmdline: 'memhp_default_state=offline' });
    const disks = [];
    for (const target of DISKS) disks.push({ file: await b.disk(), target, serial: target });
    const extraElements = [
      "<maxMemory slots='2' unit='MiB'>1024</maxMemory>",
      "<cpu><numa><cell id='0' cpus='0' memory='131072' unit='KiB'/></numa></cpu>",
    ];
    const domain = await b.manager.define(guest.domainXml({ disks, extraElements }));
    await domain.start();
    await guest.waitForReport();
    return { guest, domain };
  })();
  return booted;
}
const seenDisks = async (guest: Guest) => (await within(guest.report())).disks.map(({ serial }) => serial).sort();
const online = async (guest: Guest, how: string) => {
  const { status } = await guest.exec(
    `for m in /sys/devices/system/memory/memory*; do read s <$m/state; [ $s = online ] || echo ${how} >$m/state; done`,
  );
  assert.is(status, 0);
};
const module = (id: string) => ({ memory: { id, model: 'dimm', size: '128 MiB', node: 0 } }) as const;
/** Keeps the guest from hearing of PCI hot-plug until it boots anew. */
const deafen = (guest: Guest) => guest.exec('echo disable >/sys/firmware/acpi/interrupts/gpe01');

test('a guest that obeys: removed, first there and then in the canonical document', async () => {
  const { guest, domain } = await answering();
  const { mutators, plan } = await change(domain, { detach: [{ disk: 'vde' }] });
  assert.equal(
    plan.operations.slice(0, 2).map(({ scope }) => scope),
    ['live', 'config'],
  );
  assert.equal(mutators.slice(0, 2), ['DOMAIN_DETACH_DEVICE_ALIAS', 'DOMAIN_DETACH_DEVICE_FLAGS']);
  assert.equal(await seenDisks(guest), ['vda', 'vdb', 'vdc', 'vdd']);
});

test('D8: a memory module that the guest does not use goes', async () => {
  const { domain } = await answering();
  await change(domain, { attach: [module('spare')] });
  const plan = await domain.plan({ detach: [{ memory: 'spare' }] });
  const { unplugs } = await within(domain.apply(plan), 60_000);
  assert.equal(unplugs, [{ device: 'memory spare', outcome: 'removed' }]);
});

test('D7: a guest that refuses, its memory module is busy: one request, at once the error, and both documents as they were', async () => {
  const { guest, domain } = await answering();
  await change(domain, { attach: [module('busy')] });
  await online(guest, 'online_kernel');
  // The kernel's own memory comes from it now, and does not move.
  await guest.exec('mkdir /tmp/x; i=0; while [ $i -lt 1000 ]; do : >/tmp/x/$i; i=$((i+1)); done');
  const { memoryBytes } = await within(guest.report());
  const before = await documentsOf(domain);
  using wire = new Wire();
  const started = performance.now();
  const plan = await domain.plan({ detach: [{ memory: 'busy' }] });
  const error = await failure<ApplyError>(domain.apply(plan), 'APPLY_FAILED', 15_000);
  assert.ok(performance.now() - started < 10_000, 'it does not wait for what has been said');
  const cause = error.cause as { code: string; device: string; remedy: string };
  assert.is(cause.code, 'UNPLUG_REFUSED');
  assert.is(cause.device, 'memory busy');
  assert.match(cause.remedy, /Free it inside the guest/);
  assert.is(error.rollback, 'undone');
  const asked = wire.mutators(domain.uuid).filter((name) => name !== 'DOMAIN_SET_METADATA');
  assert.equal(asked, ['DOMAIN_DETACH_DEVICE_ALIAS'], 'a refusal is not asked again');
  assert.equal(await documentsOf(domain), before);
  assert.is((await within(guest.report())).memoryBytes, memoryBytes, 'the guest has it');

  // config-first: the refusal is an outcome, and the module goes at the next cold boot.
  const chosen = await domain.plan({ detach: [{ memory: 'busy' }], detachOrder: 'config-first' });
  const { unplugs } = await within(domain.apply(chosen), 30_000);
  assert.equal(unplugs, [{ device: 'memory busy', outcome: 'refused' }]);
  assert.equal(
    (await domain.pending()).changes
      .map(({ subject, action }) => [subject, action])
      .filter(([, action]) => action === 'detach'),
    [['memory busy', 'detach']],
  );
});

test('a guest that ignores, and lets go when it reboots: completed, left, as each apply asked', async () => {
  const { guest, domain } = await answering();
  await deafen(guest);
  const before = await documentsOf(domain);
  const ends: LateUnplug[] = [];
  let told: () => void = () => {};
  const both = new Promise<void>((resolve) => {
    told = resolve;
  });
  const onLate = (end: LateUnplug) => {
    if (ends.push(end) === 2) told();
  };
  using wire = new Wire();
  for (const [disk, late] of [
    ['vdb', 'complete'],
    ['vdc', 'leave'],
  ] as const) {
    const plan = await domain.plan({ detach: [{ disk }] });
    const unplug = { attempts: 2, timeout: 500, late, onLate };
    const error = await failure<ApplyError>(domain.apply(plan, { unplug }), 'APPLY_FAILED', 20_000);
    assert.is((error.cause as { code: string }).code, 'UNPLUG_UNCONFIRMED');
  }
  assert.equal(await documentsOf(domain), before);
  const { disks, bootId } = await within(guest.report());
  assert.is(disks.length, 4, 'the guest has all of them');
  await guest.reboot();
  await within(both, 60_000, 'both ends');
  const report = await guest.waitForReport({ after: bootId });
  assert.equal(report.disks.map(({ serial }) => serial).sort(), ['vda', 'vdd']);
  assert.equal(ends.map(({ device, outcome }) => [device, outcome]).sort(), [
    ['disk vdb', 'completed'],
    ['disk vdc', 'left'],
  ]);
  const { canonical } = await documentsOf(domain);
  assert.not.match(canonical, /<alias name='ua-vdb'/);
  assert.match(canonical, /<alias name='ua-vdc'/);
  const pending = (await domain.pending()).changes.filter(({ action }) => action === 'attach');
  assert.equal(
    pending.map(({ subject }) => subject),
    ['disk vdc'],
  );
  assert.equal(wire.defining(), []);
  await within(domain.reboot({ mode: 'hard' }), 60_000);
  await guest.waitForReport({ after: report.bootId });
  assert.equal(await seenDisks(guest), ['vda', 'vdc', 'vdd'], 'as pending said');
});

test('"already in the process of unplug", waited for until the guest lets go (PCIe hot-plug takes its five seconds)', async () => {
  const b = await bench();
  const guest = await b.host.guest({ name: 'native' });
  const disks = [
    { file: await b.disk(), target: 'vda' },
    { file: await b.disk(), target: 'vdb' },
  ];
  const domain = await b.manager.define(guest.domainXml({ disks, machine: 'pc-q35-6.0' }));
  await domain.start();
  await guest.waitForReport();
  using wire = new Wire();
  const plan = await domain.plan({ detach: [{ disk: 'vdb' }] });
  const { unplugs } = await within(domain.apply(plan, { unplug: { attempts: 20, timeout: 1_500 } }), 60_000);
  assert.equal(unplugs, [{ device: 'disk vdb', outcome: 'removed' }]);
  assert.ok(wire.mutators().filter((name) => name === 'DOMAIN_DETACH_DEVICE_ALIAS').length > 1, 'it was asked again');
});

test.run();
