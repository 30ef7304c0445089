import { access, rm } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  DomainManager,
  type GuestAbiChangedError,
  type HookError,
  type Hooks,
  type ManagedDomain,
} from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { change } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(bench.stop);

/** What a domain is, and in which order its hooks were called, with a manager of its own. */
async function hooked(domain: ManagedDomain, fail: { beforeStart?: boolean; afterStop?: boolean } = {}) {
  const b = await bench();
  const calls: string[] = [];
  const hook =
    (name: keyof Hooks) =>
    async (of: ManagedDomain, { operation }: { operation: string }) => {
      calls.push(`${name} ${operation} ${await of.state()}`);
      if (fail[name]) throw new Error(`${name} is broken`);
    };
  const hooks = { beforeStart: hook('beforeStart'), afterStop: hook('afterStop') };
  const same = await new DomainManager(b.connection, { hooks }).get(domain.name);
  assert.ok(same);
  return { domain: same, calls, fail };
}

test('suspended and resumed, twice each; off, neither can be', async () => {
  const b = await bench();
  const domain = await b.define();
  for (const attempt of [() => domain.suspend(), () => domain.resume()]) await failure(attempt, 'DOMAIN_STATE');
  await domain.start();
  using wire = new Wire();
  for (const [act, state] of [
    ['suspend', 'paused'],
    ['suspend', 'paused'],
    ['resume', 'running'],
    ['resume', 'running'],
  ] as const) {
    await within(domain[act]());
    assert.is(await domain.state(), state, act);
  }
  assert.equal(wire.defining(), []);
});

test('a guest that put itself to sleep is woken, not only let go on', async () => {
  const b = await bench();
  const guest = await b.host.guest({ name: 'sleeper' });
  const pm = "<pm><suspend-to-mem enabled='yes'/></pm>";
  const domain = await b.manager.define(guest.domainXml({ extraElements: [pm] }));
  await domain.start();
  await guest.waitForReport();
  // It answers no more once it sleeps.
  guest.exec('echo mem >/sys/power/state').catch(() => {});
  for (const deadline = Date.now() + 30_000; (await domain.state()) !== 'pmsuspended' && Date.now() < deadline; )
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(await domain.state(), 'pmsuspended');
  using wire = new Wire();
  await within(domain.resume(), 30_000);
  assert.is(await domain.state(), 'running');
  assert.equal(wire.mutators(domain.uuid), ['DOMAIN_PM_WAKEUP']);
  await domain.destroy();
});

test('a hard reboot starts whatever was before: paused, off, and saved once it is told to discard that', async () => {
  const b = await bench();
  const { domain, calls } = await hooked(await b.started());
  const before = await domain.canonical();
  const abi = await domain.guestAbi();
  using wire = new Wire();
  const cycle = ['afterStop reboot shutoff', 'beforeStart reboot shutoff'];
  await within(domain.reboot({ mode: 'hard' }));
  assert.is(await domain.state(), 'running');
  assert.equal(calls.splice(0), cycle);
  await domain.destroy();
  assert.equal(calls.splice(0), ['afterStop destroy shutoff']);
  await within(domain.reboot({ mode: 'hard' }));
  assert.is(await domain.state(), 'running');
  assert.equal(calls.splice(0), cycle);
  await within(domain.save());
  assert.equal(calls.splice(0), ['afterStop save shutoff']);
  for (const attempt of [() => domain.reboot({ mode: 'hard' }), () => domain.start()])
    assert.match((await failure(attempt, 'DOMAIN_STATE')).message, 'managed-save image');
  assert.equal(calls, [], 'a refusal touches nothing');
  const { changes, managedSave } = await within(domain.reboot({ mode: 'hard', managedSave: 'discard' }));
  assert.is(await domain.state(), 'running');
  assert.equal([changes, managedSave], [[], undefined]);
  await domain.verify(abi);
  assert.is(await domain.canonical(), before);
  assert.equal(wire.defining(), []);
  await domain.destroy();
});

test('a hook that fails: no start, and what it did is undone; a stop stands; and all can be asked again', async () => {
  const b = await bench();
  const { domain, calls, fail } = await hooked(await b.define(), { beforeStart: true });
  const broken = await failure<HookError>(domain.start(), 'HOOK_FAILED');
  assert.equal(
    [broken.hook, broken.operation, (broken.cause as Error).message],
    ['beforeStart', 'start', 'beforeStart is broken'],
  );
  assert.equal(calls.splice(0), ['beforeStart start shutoff', 'afterStop start shutoff']);
  fail.afterStop = true;
  const both = await failure<HookError>(domain.start(), 'HOOK_FAILED');
  assert.match(both.message, /beforeStart is broken; then: afterStop is broken/);
  calls.splice(0);
  fail.beforeStart = false;
  await domain.start({ paused: true });
  assert.is((await failure<HookError>(domain.destroy(), 'HOOK_FAILED')).hook, 'afterStop');
  assert.is(await domain.state(), 'shutoff');
  await domain.start({ paused: true });
  assert.is((await failure<HookError>(domain.reboot({ mode: 'hard' }), 'HOOK_FAILED')).operation, 'reboot');
  assert.is(await domain.state(), 'shutoff');
  fail.afterStop = false;
  calls.splice(0);
  await failure(
    domain.start({ paused: true }).then(() => domain.start()),
    'DOMAIN_STATE',
  );
  assert.equal(calls.splice(0), ['beforeStart start shutoff'], 'no hook for a start that cannot be');
  await domain.destroy();
});

test('a start that libvirt refuses is START_FAILED, and the hooks are even', async () => {
  const b = await bench();
  const file = await b.disk();
  const { domain, calls } = await hooked(
    await b.define({ disks: [{ id: 'root', target: 'vda', file, format: 'qcow2' }] }),
  );
  await rm(file);
  await failure(domain.start(), 'START_FAILED');
  assert.equal(calls, ['beforeStart start shutoff', 'afterStop start shutoff']);
});

test('verified start: a guest that would miss a disk does not run; with the disk it does', async () => {
  const b = await bench();
  const missing = await b.disk();
  // libvirt leaves a disk out when its file is not there and its policy allows that.
  const data = { id: 'data', target: 'vdb', file: missing, format: 'qcow2', startupPolicy: 'optional' } as const;
  const root = { id: 'root', target: 'vda', file: await b.disk(), format: 'qcow2', boot: 1 } as const;
  const { domain, calls } = await hooked(await b.define({ disks: [root, data] }));
  const before = await domain.canonical();
  await rm(missing);
  using wire = new Wire();
  const error = await failure<GuestAbiChangedError>(domain.start({ verify: 'guest-abi' }), 'GUEST_ABI_CHANGED');
  assert.ok(
    error.differences.some(({ subject }) => subject === 'disk data'),
    error.message,
  );
  assert.is(await domain.state(), 'shutoff');
  assert.equal(calls, ['beforeStart start shutoff', 'afterStop start shutoff']);
  assert.equal(wire.mutators(), ['DOMAIN_CREATE_WITH_FLAGS', 'DOMAIN_DESTROY_FLAGS'], 'never resumed');
  await failure(domain.reboot({ mode: 'hard', verify: 'guest-abi' }), 'GUEST_ABI_CHANGED');
  await b.disk(missing.split('/').at(-1));
  await access(missing);
  await within(domain.start({ verify: 'guest-abi' }));
  assert.is(await domain.state(), 'running');
  await domain.destroy();
  await within(domain.start({ verify: 'guest-abi', paused: true }));
  assert.is(await domain.state(), 'paused');
  await domain.destroy();
  assert.is(await domain.canonical(), before);
  assert.equal(wire.defining(), []);
});

test('pending tells each change with its reason and whether it can be live, and no secret', async () => {
  const b = await bench();
  const devices = [{ graphics: { type: 'vnc', listen: '127.0.0.1', passwd: 'sesame' } }] as const;
  const domain = await b.started({ devices });
  assert.equal(await domain.pending(), {
    changes: [],
    needsColdBoot: false,
    managedSave: undefined,
    advice: 'nothing waits',
  });
  const disk = { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' } as const;
  await change(domain, {
    attach: [{ disk }],
    update: [
      { graphics: 'vnc', set: { passwd: 'tahini' } },
      { interface: 'lan', set: { link: 'down' } },
    ],
    set: { memory: { maximum: '128 MiB' } },
    scope: 'config',
  });
  const { changes, needsColdBoot, advice } = await domain.pending();
  assert.is(needsColdBoot, true);
  assert.match(advice, /^4 changes .*reboot\(\{ mode: 'cold' \}\).*by the guest applies none/);
  assert.equal(
    changes.map(({ subject, action, guestAbi, live }) => [subject, action, guestAbi, live]),
    [
      ['disk data', 'attach', true, 'possible'],
      ['interface lan', 'change', false, 'possible'],
      ['graphics vnc', 'change', false, 'possible'],
      ['memory', 'change', true, 'impossible'],
    ],
  );
  assert.ok(changes.every(({ reason }) => reason.length > 10));
  assert.not.match(JSON.stringify([changes, advice]), /sesame|tahini/);
  await domain.destroy();
  assert.equal((await domain.pending()).changes, [], 'off, it has what canonical says');
});

test.run();
