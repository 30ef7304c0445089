/** Scenarios that only a guest can show: what it sees come and go, its processors and its memory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ApplyError, ManagedDomain } from '../../src/index.js';
import type { Guest } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf, untouched } from '../support/scenario.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

let booted: Promise<{ guest: Guest; domain: ManagedDomain }> | undefined;
/** One guest with room for CPUs and memory modules, for all tests of this file. */
function answering(): Promise<{ guest: Guest; domain: ManagedDomain }> {
  booted ??= (async () => {
    const b = await bench();
    const guest = await b.host.guest({ name: 'scenes' });
    const extraElements = [
      "<maxMemory slots='4' unit='MiB'>2048</maxMemory>",
      "<cpu><numa><cell id='0' cpus='0-3' memory='131072' unit='KiB'/></numa></cpu>",
    ];
    const extraDevices = [
      "<controller type='virtio-serial'/>",
      "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target><alias name='ua-first'/></memory>",
    ];
    const disks = [{ file: await b.disk(), target: 'vda' }];
    const domain = await b.manager.define(
      guest.domainXml({ disks, vcpus: 1, maxVcpus: 4, hotplugVcpus: true, extraElements, extraDevices, rootPorts: 12 }),
    );
    await domain.start();
    await guest.waitForReport();
    return { guest, domain };
  })();
  return booted;
}
/**
 * How many processors the guest has, switched on or not: to run several is slow to begin under emulation. Older kernels
 * number them as they come (`0-1`), newer ones by where they sit (`0,2`).
 */
const cpus = async (guest: Guest) => {
  const { output } = await within(guest.exec('cat /sys/devices/system/cpu/present'));
  const counts = output
    .trim()
    .split(',')
    .map((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return last - first + 1;
    });
  return counts.reduce((sum, each) => sum + each, 0);
};
const pciOf = async (guest: Guest) =>
  (await within(guest.report())).pci.map(({ vendor, device }) => `${vendor}:${device}`);

test('D14: channels go in and out, and their sockets on the host with them', async () => {
  const { host } = await bench();
  const { guest, domain } = await answering();
  const names = ['talk', 'whisper'];
  const sockets = names.map((name) => join(host.directory, `tmp/${name}.sock`));
  const attach = names.map((id, n) => {
    const unix = { mode: 'bind', path: sockets[n] as string } as const;
    return { channel: { id, name: `com.example.${id}`, unix } } as const;
  });
  const seen = async () => (await guest.exec('cat /sys/class/virtio-ports/*/name')).output;
  await change(domain, { attach });
  assert.equal(sockets.map(existsSync), [true, true]);
  for (const name of names) assert.match(await seen(), `com.example.${name}`);
  await change(domain, { detach: names.map((channel) => ({ channel })) });
  assert.not.match(await seen(), 'com.example');
  assert.equal(sockets.map(existsSync), [false, false]);
});

test('D16: tablet, mouse and keyboard go in and out together', async () => {
  const { guest, domain } = await answering();
  const VIRTIO_INPUT = '0x1af4:0x1052';
  const types = ['tablet', 'mouse', 'keyboard'] as const;
  const attach = types.map((type) => ({ input: { id: type, type, bus: 'virtio' } as const }));
  const count = async () => (await pciOf(guest)).filter((id) => id === VIRTIO_INPUT).length;
  const { plan } = await change(domain, { attach });
  assert.is(plan.operations.filter(({ action }) => action === 'attach').length, 3);
  await eventually('three devices', async () => (await count()) === 3);
  await change(domain, { detach: types.map((input) => ({ input })) });
  assert.is(await count(), 0);
  await change(domain, { attach, scope: 'config' });
  await change(domain, { detach: types.map((input) => ({ input })), scope: 'config' });
});

test('U13: a virtio-mem gives and takes memory as asked: some, none, all; not more, and not half a block', async () => {
  const { guest, domain } = await answering();
  const b = await bench();
  const mem = { id: 'mem', model: 'virtio-mem', size: '128 MiB', requested: '0', block: '2 MiB', node: 0 } as const;
  await change(domain, { attach: [{ memory: { ...mem, requested: 0 } }] });
  const current = async () =>
    Number(
      /<current unit='KiB'>(\d+)</.exec(
        /<memory model='virtio-mem'[\s\S]*?<\/memory>/.exec((await domain.live()) ?? '')?.[0] ?? '',
      )?.[1],
    ) / 1024;
  await using changes = await b.connection.subscribe('MEMORY_DEVICE_SIZE_CHANGE');
  for (const mib of [64, 128, 0]) {
    await change(domain, { update: [{ memory: 'mem', set: { requested: `${mib} MiB` } }] });
    await eventually(`${mib} MiB`, async () => (await current()) === mib);
  }
  const sizes: number[] = [];
  while (sizes.at(-1) !== 0) {
    const { value: item } = await within(changes.next());
    if (item?.type === 'event') sizes.push(Number(item.data.size) / 1024);
  }
  assert.ok(sizes.includes(128), `the event told ${sizes}`);
  for (const requested of ['256 MiB', '3 MiB'] as const) {
    const error = await untouched(domain, () => domain.plan({ update: [{ memory: 'mem', set: { requested } }] }));
    assert.is(error.code, 'SPEC_INVALID', error.message);
  }
  await guest.report();
});

test('R12: memory modules, from the start and plugged in, are what and where they were over suspend, save, daemon restart and reboot', async () => {
  const b = await bench();
  const { guest, domain } = await answering();
  await change(domain, { attach: [{ memory: { id: 'second', model: 'dimm', size: '128 MiB', node: 0 } }] });
  const modules = async () => {
    const { canonical, live } = await documentsOf(domain);
    return [canonical, live ?? ''].map((xml) =>
      [...xml.matchAll(/<memory model='[\s\S]*?<\/memory>/g)].map(([text]) =>
        [/<size[^>]*>\d+/, /alias name='[^']*/, /slot='\d'/, /base='\w+/].map((part) => part.exec(text)?.[0]).join(' '),
      ),
    );
  };
  const before = await modules();
  assert.is(before[1]?.length, 3);
  const { memoryBytes } = await within(guest.report());
  await domain.suspend();
  await domain.resume();
  await within(domain.save(), 60_000);
  await within(domain.restore({ verify: 'guest-abi' }), 60_000);
  assert.is((await within(guest.report())).memoryBytes, memoryBytes);
  await b.host.restartDaemon();
  assert.equal(await modules(), before);
  const { bootId } = await within(guest.report());
  const places = identityMap(await domain.canonical());
  await within(domain.reboot({ mode: 'cold' }), 90_000);
  await guest.waitForReport({ after: bootId });
  assert.equal(await modules(), before);
  assert.equal(identityMap(await domain.canonical()), places);
  // What fits below the maximum libvirt adds up, and says so when it is called.
  const huge = await domain.plan({ attach: [{ memory: { id: 'huge', model: 'dimm', size: '4 GiB', node: 0 } }] });
  assert.is((await failure<ApplyError>(domain.apply(huge), 'APPLY_FAILED')).rollback, 'undone');
  assert.equal(await modules(), before);
});

// QEMU 7.2 that emulates falls over after a CPU has gone ("corrupted double-linked list"), so here none goes while it runs.
test('D15: processors: a particular one, all of them, not none, and more than there is room for at the next boot', async () => {
  const { guest, domain } = await answering();
  await change(domain, { set: { vcpuState: { 2: 'online' } } });
  await eventually('another', async () => (await cpus(guest)) === 2);
  await change(domain, { set: { vcpus: 4 } });
  await eventually('all four', async () => (await cpus(guest)) === 4);
  const none = await untouched(domain, () => domain.plan({ set: { vcpus: 0 } }));
  assert.is(none.code, 'SPEC_INVALID');
  const { operations } = await domain.plan({ set: { vcpus: 5 } });
  const waits = operations
    .filter(({ subject }) => subject === 'vcpus')
    .map(({ scope, takesEffect }) => [scope, takesEffect]);
  assert.ok(waits.length > 0 && waits.every((each) => each.join() === 'config,next-boot'), JSON.stringify(waits));
});

test.run();
