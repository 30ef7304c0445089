/**
 * Calls whose answer nobody waits for any more: given up by the caller while an async job holds the domain, or lost with the
 * connection. What the library says of them is what becomes of them.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ApplyError, connect, DomainManager, type ManagedDomain } from '../../src/index.js';
import { PrivateHost } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { TamperingProxy } from '../support/tampering-proxy.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='ua-late'/></rng>";

async function isLateThere(domain: ManagedDomain): Promise<boolean[]> {
  return [(await domain.canonical()).includes('ua-late'), (await domain.live())?.includes('ua-late') === true];
}

test('apply: what it says of a call that was given up while a migration held the domain stays so', async () => {
  const b = await bench();
  await using there = await PrivateHost.start();
  const guest = await b.host.guest({ name: 'held' });
  const domain = await b.manager.define(guest.domainXml({ disks: [], interfaces: [] }));
  await domain.start();
  await guest.waitForReport({ timeout: 180_000 });
  const plan = await domain.plan({ attach: [RNG] });
  const virsh = (...args: string[]) => execFileSync('virsh', ['-q', '-c', b.host.uri, ...args], { encoding: 'utf8' });
  let migration: ChildProcess | undefined;
  const given = new AbortController();
  const begin = () => {
    if (migration) return;
    const how = ['migrate', '--live', '--p2p', '--bandwidth', '1', 'held', there.uri, 'tcp://127.0.0.1:49878'];
    migration = spawn('virsh', ['-q', '-c', b.host.uri, ...how], { stdio: 'ignore' });
    // The turn is taken, so the job has to begin right here, before the call.
    for (let n = 0; n < 200 && !/Outgoing migration/.test(virsh('domjobinfo', 'held')); n++);
    setTimeout(() => given.abort(), 1_000);
    setTimeout(() => virsh('domjobabort', 'held'), 3_000);
  };
  try {
    const applying = domain.apply(plan, { signal: given.signal, onProgress: begin, unplug: { timeout: 60_000 } });
    const error = await failure<ApplyError>(applying, 'APPLY_FAILED', 180_000);
    assert.is((error.cause as { code?: string }).code, 'ABORTED');
    assert.is(error.rollback, 'undone', error.message);
    await sleep(2_000);
    assert.equal(await isLateThere(domain), [false, false]);
  } finally {
    migration?.kill();
    await domain.destroy();
  }
});

test('apply: a call whose outcome nobody can be asked about is left to recover, whether it is one or many', async () => {
  const b = await bench();
  for (const set of [undefined, { title: 'x' }]) {
    const made = await b.define();
    await using proxy = await TamperingProxy.start(b.host.uri);
    const connection = await connect(proxy.uri, { reconnect: false });
    try {
      const domain = await new DomainManager(connection).get(made.uuid);
      const plan = await domain.plan({ attach: [RNG], ...(set && { set }) });
      proxy.with('DOMAIN_ATTACH_DEVICE_FLAGS', () => 'reply lost');
      const error = await failure<ApplyError>(domain.apply(plan), 'APPLY_FAILED');
      assert.is((error.cause as { code?: string }).code, 'CONNECTION_LOST');
      assert.is(error.rollback, 'partial');
      assert.match(error.message, /not known yet whether the call takes place/);
    } finally {
      await connection.close();
    }
    const left = await b.manager.get(made.uuid);
    assert.is(left.interrupted?.operations[0]?.state, 'done');
    await left.recover({ mode: 'undo' });
    assert.equal(await isLateThere(left), [false, false]);
  }
});

test('start: a guest that runs although the answer to the resume was lost is left running', async () => {
  const b = await bench();
  const made = await b.define();
  await using proxy = await TamperingProxy.start(b.host.uri);
  const connection = await connect(proxy.uri, { reconnect: { attempts: 20, delay: 50 } });
  try {
    const domain = await new DomainManager(connection).get(made.uuid);
    proxy.with('DOMAIN_RESUME', () => (proxy.tampered === 0 ? 'reply lost' : undefined));
    await within(domain.start({ verify: 'guest-abi' }), 60_000);
    assert.is(await made.state(), 'running');
  } finally {
    await connection.close();
    await made.destroy();
  }
});

test('start: a guest that libvirt does not let run is left paused, and the error says so', async () => {
  const b = await bench();
  const made = await b.define();
  await using proxy = await TamperingProxy.start(b.host.uri);
  const connection = await connect(proxy.uri);
  try {
    const domain = await new DomainManager(connection).get(made.uuid);
    // Another domain's name for the call: libvirt refuses it.
    proxy.with('DOMAIN_RESUME', ({ dom }) => ({ args: { dom: { ...dom, uuid: crypto.randomUUID() } } }));
    const error = await failure(domain.start({ verify: 'guest-abi' }), 'START_FAILED');
    assert.match(error.message, /left paused/);
    assert.is(await made.state(), 'paused');
  } finally {
    await connection.close();
    await made.destroy();
  }
});

test.run();
