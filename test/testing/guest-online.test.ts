import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainManager } from '../../src/index.js';
import { PrivateHost } from '../../src/testing/index.js';
import { eventually } from '../support/eventually.js';

/** An emulated machine on a busy one. */
const SLOW = 120_000;

test('PrivateHost.connect: a connection that ends with the host', async () => {
  const host = await PrivateHost.start();
  const connection = await host.connect();
  assert.is((await connection.call('CONNECT_GET_URI', {})).uri, 'qemu:///session');
  await host.stop();
  let closed: unknown;
  await connection.call('CONNECT_GET_URI', {}).catch((error: unknown) => {
    closed = error;
  });
  assert.is((closed as { code?: string }).code, 'CONNECTION_CLOSED');
});

test('Guest: CPUs and memory that are plugged in are online by themselves', async () => {
  await using host = await PrivateHost.start();
  const manager = new DomainManager(await host.connect());
  const guest = await host.guest({ name: 'online' });
  const domain = await manager.define({
    name: 'online',
    memory: '128 MiB',
    vcpus: { current: 1, maximum: 2 },
    hotplug: { memory: { upTo: '1 GiB' } },
    ...guest.spec(),
  });
  await domain.start();
  const { memoryBytes: before, onlineCpus } = await guest.waitForReport({ timeout: SLOW });
  assert.equal(onlineCpus, [0]);
  const dimm = { model: 'dimm', size: '128 MiB', node: 0 } as const;
  await domain.apply(await domain.plan({ set: { vcpus: 2 }, attach: [{ memory: dimm }] }));
  const seen = () => guest.report({ timeout: SLOW });
  await eventually('the vCPU is online', async () => (await seen()).onlineCpus.length === 2, SLOW);
  await eventually('the memory is online', async () => (await seen()).memoryBytes > before + 100 * 1024 ** 2, SLOW);
});

test.run();
