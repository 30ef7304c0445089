import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainAccess } from '../../src/apply/index.js';
import { noteAnswer, patienceWith } from '../../src/apply/patience.js';
import { detach } from '../../src/apply/unplug.js';
import {
  type ApplyError,
  type ChangeRequest,
  type LateUnplug,
  LibvirtError,
  type ManagedDomain,
  type UnplugOptions,
  type UnplugProgress,
} from '../../src/index.js';
import { detachOperation } from '../../src/plan/device-operations.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { change, documentsOf, stayedPut } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

// No system runs in these domains: nothing answers, and a reset makes QEMU let go of what was asked for (machine types
// whose PCI hot-plug goes by ACPI). test/apply/unplug-guest.test.ts has guests that answer.

const bench = benchOnDemand();
test.after(() => bench.stop());

const BRIEFLY = { attempts: 2, timeout: 300 } as const;
const handleOf = ({ name, uuid }: ManagedDomain) => ({ name, uuid, id: -1 });
const reset = ({ connection }: Bench, domain: ManagedDomain) =>
  connection.call('DOMAIN_RESET', { dom: handleOf(domain), flags: 0 });
const has = async (domain: ManagedDomain, id: string) => {
  const device = (await domain.devices()).find((each) => each.id === id);
  return device?.in ?? 'neither';
};

/** Applies a detach that nobody answers; the error, and a promise of how the request ends. */
async function unanswered(
  domain: ManagedDomain,
  request: ChangeRequest,
  options: UnplugOptions = {},
  onFailure?: 'stop',
): Promise<{ error: ApplyError; late: Promise<LateUnplug> }> {
  let onLate!: (end: LateUnplug) => void;
  const late = new Promise<LateUnplug>((resolve) => {
    onLate = resolve;
  });
  const plan = await domain.plan(request);
  const unplug = { ...BRIEFLY, onLate, ...options };
  const apply = domain.apply(plan, { unplug, ...(onFailure && { onFailure }) });
  const error = await failure<ApplyError>(apply, 'APPLY_FAILED', 20_000);
  assert.is((error.cause as { code: string }).code, 'UNPLUG_UNCONFIRMED');
  return { error, late: within(late, 20_000, 'the late end') };
}

test('unconfirmed: nothing has changed; let go at the reset: the canonical document follows, in one call, and the plan is fulfilled', async () => {
  const b = await bench();
  const domain = await b.started();
  await change(domain, { attach: [{ disk: { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' } }] });
  const before = await documentsOf(domain);
  const request = { detach: [{ disk: 'data' }] };
  using wire = new Wire();
  const { late } = await unanswered(domain, request);
  assert.equal(await documentsOf(domain), before);
  assert.equal((await domain.pending()).changes, []);
  assert.equal(
    wire.mutators(domain.uuid).filter((name) => name !== 'DOMAIN_SET_METADATA'),
    ['DOMAIN_DETACH_DEVICE_ALIAS', 'DOMAIN_DETACH_DEVICE_ALIAS'],
  );
  await reset(b, domain);
  assert.equal(await late, { domain: domain.name, device: 'disk data', outcome: 'completed' });
  assert.is(await has(domain, 'data'), 'neither');
  assert.equal((await domain.pending()).changes, []);
  assert.ok((await domain.plan(request)).isEmpty, 'what was asked for has come about');
  assert.not.match(await domain.canonical(), /<lvc:device[^>]*ua-data/, 'and the intent knows');
  assert.is(wire.mutators(domain.uuid).filter((name) => name === 'DOMAIN_DETACH_DEVICE_FLAGS').length, 1);
  assert.equal(wire.defining(), []);
  const after = await documentsOf(domain);
  for (const side of ['canonical', 'live'] as const)
    stayedPut(before[side] ?? '', after[side] ?? '', new Set(['disk ua-data']), side);
});

test("late: 'leave': the canonical document keeps it, pending says that it comes back and what to do", async () => {
  const b = await bench();
  const domain = await b.started();
  const before = await documentsOf(domain);
  const { late } = await unanswered(domain, { detach: [{ interface: 'lan' }] }, { late: 'leave' });
  await reset(b, domain);
  assert.is((await late).outcome, 'left');
  const [pending, ...others] = (await domain.pending()).changes;
  assert.equal(others, []);
  assert.is(pending?.subject, 'interface lan');
  assert.is(pending?.action, 'attach');
  assert.match(pending?.reason ?? '', /late.*scope: 'config' to keep it away/);
  assert.is(await domain.canonical(), before.canonical);
  await change(domain, { detach: [{ interface: 'lan' }], scope: 'config' });
  assert.equal((await domain.pending()).changes, [], 'the advice helps');
});

test('a plan of which more is left or undone is not completed by half of it', async () => {
  const b = await bench();
  const title = { set: { title: 'new' } };
  const detachLan = { detach: [{ interface: 'lan' }] };
  // Detaches come first, so what else is asked for was not run.
  const domain = await b.started();
  const before = await documentsOf(domain);
  const { error, late } = await unanswered(domain, { ...detachLan, ...title });
  assert.is(error.rollback, 'undone');
  await reset(b, domain);
  assert.is((await late).outcome, 'left');
  assert.is((await documentsOf(domain)).canonical, before.canonical);
  assert.is((await domain.pending()).changes[0]?.subject, 'interface lan');

  // What was done before it and stands does not hinder.
  const other = await b.started();
  const iothread = { iothreads: { 3: {} } };
  const kept = await unanswered(other, { ...detachLan, set: iothread }, {}, 'stop');
  assert.is(kept.error.rollback, 'kept');
  assert.is(kept.error.applied.length, 1);
  await reset(b, other);
  assert.is((await kept.late).outcome, 'completed');
  assert.is(await has(other, 'lan'), 'neither');
  assert.match(await other.canonical(), /<iothread/);
});

test('the request lapses with the run of the domain, and when a later plan is about the device', async () => {
  const b = await bench();
  const domain = await b.started();
  const stopped = await unanswered(domain, { detach: [{ interface: 'lan' }] });
  await domain.reboot({ mode: 'hard' });
  assert.is((await stopped.late).outcome, 'lapsed');
  assert.is(await has(domain, 'lan'), 'both');

  const replaced = await unanswered(domain, { detach: [{ interface: 'lan' }] });
  await change(domain, { update: [{ interface: 'lan', set: { link: 'down' } }] });
  assert.is((await replaced.late).outcome, 'lapsed');
  const before = await domain.canonical();
  await reset(b, domain);
  for (const deadline = Date.now() + 5_000; (await has(domain, 'lan')) === 'both' && Date.now() < deadline; );
  assert.is(await has(domain, 'lan'), 'canonical', 'the guest has let go, but the newer plan wants the device');
  assert.is(await domain.canonical(), before);
});

test('the request ends with its connection, quietly, and what came late is then seen in pending', async () => {
  const b = await bench();
  const domain = await b.started();
  const { connect, DomainManager } = await import('../../src/index.js');
  const connection = await connect(b.host.uri);
  const same = await new DomainManager(connection).get(domain.uuid);
  const { late } = await unanswered(same, { detach: [{ interface: 'lan' }] });
  await connection.close();
  assert.is((await late).outcome, 'lapsed');
  await reset(b, domain);
  for (const deadline = Date.now() + 5_000; (await has(domain, 'lan')) === 'both' && Date.now() < deadline; );
  assert.equal(
    (await domain.pending()).changes.map(({ subject, action }) => [subject, action]),
    [['interface lan', 'attach']],
  );
});

test('the completion waits for its turn behind other work on the domain', async () => {
  const b = await bench();
  const domain = await b.started();
  const { late } = await unanswered(domain, { detach: [{ interface: 'lan' }] });
  const plan = await domain.plan({ set: { title: 'first' } });
  let done = false;
  const slow = domain.apply(plan, {
    // In the middle of another apply the device goes.
    onProgress: ({ state }) => {
      if (state === 'started') void reset(b, domain);
    },
  });
  slow.then(
    () => (done = true),
    () => (done = true),
  );
  const { outcome, error } = await late;
  assert.is(outcome, 'completed', String(error));
  assert.ok(done, 'the other apply was over');
  assert.equal(
    (await slow).operations.map(({ subject }) => subject)[0],
    'title',
    'a device that was asked for spoils no other apply',
  );
  assert.is(await has(domain, 'lan'), 'neither');
});

test('config-first by name: the canonical document at once, the guest when it lets go, and the apply tells which', async () => {
  const b = await bench();
  const domain = await b.started();
  const request = { detach: [{ interface: 'lan' }], detachOrder: 'config-first' } as const;
  const plan = await domain.plan(request);
  assert.equal(
    plan.operations.map(({ action, scope, takesEffect, ifKept }) => [action, scope, takesEffect, ifKept]),
    [
      ['detach', 'config', 'next-boot', undefined],
      ['detach', 'live', 'when-released', 'next-boot'],
      ['set', 'both', 'now', undefined],
    ],
  );
  assert.match(String(plan), /when the guest lets go, at the latest at the next boot/);
  assert.match(String(plan), /config-first: it is gone from the next cold boot on, whatever the guest does now/);
  const again = (await import('../../src/index.js')).Plan.fromJSON(JSON.stringify(plan));
  assert.is(String(again), String(plan));
  const { unplugs, operations } = await within(domain.apply(again, { unplug: BRIEFLY }), 20_000);
  assert.equal(unplugs, [{ device: 'interface lan', outcome: 'unconfirmed' }]);
  assert.is(operations.length, 3);
  assert.is(await has(domain, 'lan'), 'live');
  assert.equal(
    (await domain.pending()).changes.map(({ subject, action }) => [subject, action]),
    [['interface lan', 'detach']],
  );
  await domain.reboot({ mode: 'hard' });
  assert.is(await has(domain, 'lan'), 'neither');
});

test('config-first: when something else of the plan fails, the canonical document has the device again', async () => {
  const b = await bench();
  const domain = await b.started();
  const before = await documentsOf(domain);
  const nowhere = { disk: { id: 'bad', target: 'vdz', file: '/nonexistent/image.qcow2', format: 'qcow2' } } as const;
  const request = { detach: [{ interface: 'lan' }], attach: [nowhere], detachOrder: 'config-first' } as const;
  const apply = domain.apply(await domain.plan(request), { unplug: BRIEFLY });
  const error = await failure<ApplyError>(apply, 'APPLY_FAILED', 20_000);
  assert.is(error.operation.subject, 'disk bad');
  assert.is(error.rollback, 'undone', String(error.rollbackErrors));
  const after = await documentsOf(domain);
  assert.is(after.live, before.live);
  stayedPut(before.canonical, after.canonical, new Set(), 'canonical');
});

test('"already in the process of unplug" is waited for (PCIe hot-plug of older machine types)', async () => {
  const b = await bench();
  const domain = await b.started({ machine: 'pc-q35-6.0' });
  using wire = new Wire();
  await unanswered(domain, { detach: [{ interface: 'lan' }] }, { attempts: 3 });
  assert.is(wire.mutators(domain.uuid).filter((name) => name !== 'DOMAIN_SET_METADATA').length, 3);
  // What the second and the third request were answered with.
  const alias = { dom: handleOf(domain), alias: 'ua-lan', flags: 1 };
  const error = await failure<LibvirtError>(b.connection.call('DOMAIN_DETACH_DEVICE_ALIAS', alias), 'LIBVIRT');
  assert.match(error.libvirtMessage, /already in the process of unplug/);
});

test('missing on either side is done', async () => {
  const b = await bench();
  const domain = await b.started();
  const reader = new DomainAccess(b.connection, handleOf(domain));
  const [live, config] = (await domain.plan({ detach: [{ interface: 'lan' }] })).operations;
  assert.ok(live && config);
  await failure(detach(reader, live, BRIEFLY), 'UNPLUG_UNCONFIRMED');
  const stale = await reader.documents();
  await reset(b, domain);
  for (const deadline = Date.now() + 5_000; (await has(domain, 'lan')) === 'both' && Date.now() < deadline; );
  assert.equal(await detach(reader, live, {}), { device: 'interface lan', outcome: 'removed' }, 'before it is asked');
  // It goes between the look and the call.
  const late = new DomainAccess(b.connection, handleOf(domain));
  let looks = 0;
  late.documents = (options) =>
    looks++ === 0 ? Promise.resolve(stale) : DomainAccess.prototype.documents.call(late, options);
  assert.equal(await within(detach(late, live, {})), { device: 'interface lan', outcome: 'removed' }, 'by the call');
  assert.ok(looks > 1);
  await detach(reader, config, {});
  assert.is(await has(domain, 'lan'), 'neither');
  assert.is(await within(detach(reader, config, {})), undefined, 'in the canonical document');
});

test("what libvirt and QEMU refuse themselves is neither the guest's no nor waited for", async () => {
  const b = await bench();
  const port = "<controller type='pci' index='9' model='pcie-root-port'><target hotplug='off'/></controller>";
  const rng =
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='ua-rng'/><address type='pci' bus='9' slot='0'/></rng>";
  const serial = "<serial type='null'/>";
  const domain = await b.started({ devices: [port, rng, serial] });
  const reader = new DomainAccess(b.connection, handleOf(domain));
  const { live } = await reader.documents();
  for (const [element, name] of [
    ['rng', 'VIR_ERR_OPERATION_FAILED'],
    ['serial', 'VIR_ERR_INTERNAL_ERROR'],
  ] as const) {
    const device = live?.devices.find(({ kind }) => kind.element === element);
    assert.ok(device, element);
    const error = await failure(detach(reader, detachOperation(device, 'live'), {}), 'LIBVIRT', 10_000);
    assert.instance(error, LibvirtError);
    assert.is((error as LibvirtError).errorName, name);
  }
});

/** Somebody's way to detach a NIC of a running domain; says that it is gone or that it is not. */
type Detacher = (b: Bench, domain: ManagedDomain) => Promise<'removed' | 'not removed'>;

/** Holds a detacher to the truth: what it says of the device is what the running guest's document shows. */
async function tellsTheTruth(detacher: Detacher): Promise<void> {
  const b = await bench();
  const domain = await b.started();
  const said = await detacher(b, domain);
  const there = await has(domain, 'lan');
  assert.is(said, there === 'neither' ? 'removed' : 'not removed', `it said ${said}, and it is in ${there}`);
  assert.is(there, 'both', 'nobody answered: both documents still have it');
}

test('the library tells the truth of a device that nobody lets go of', () =>
  tellsTheTruth(async (_, domain) => {
    await unanswered(domain, { detach: [{ interface: 'lan' }] });
    return 'not removed';
  }));

test("control: a waiter that believes the call's success is caught", async () => {
  const believer: Detacher = async (b, domain) => {
    for (const { call } of (await domain.plan({ detach: [{ interface: 'lan' }] })).operations)
      await b.connection.call(
        call.procedure as 'DOMAIN_DETACH_DEVICE_ALIAS',
        { dom: handleOf(domain), ...call.args } as never,
      );
    return 'removed';
  };
  const caught = await tellsTheTruth(believer).then(
    () => undefined,
    (error: Error) => error,
  );
  assert.match(caught?.message ?? 'not caught', /it said removed, and it is in live/);
});

test('onProgress: told at each request; a guest that never answered gets less time, and the error says how much', async () => {
  const b = await bench();
  const domain = await b.started();
  await change(domain, { attach: [{ disk: { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' } }] });
  const told: UnplugProgress[] = [];
  const plan = await domain.plan({ detach: [{ disk: 'data' }] });
  const unplug = { ...BRIEFLY, late: 'leave', onProgress: (each: UnplugProgress) => told.push(each) } as const;
  await failure(domain.apply(plan, { unplug }), 'APPLY_FAILED', 20_000);
  assert.equal(
    [...new Set(told.map(({ device, attempt, attempts }) => `${device} ${attempt}/${attempts}`))],
    ['disk data 1/2', 'disk data 2/2'],
  );
  assert.ok(told.every(({ remaining }) => remaining >= 0 && remaining <= 600));

  const reader = new DomainAccess(b.connection, handleOf(domain));
  const { live } = await reader.documents();
  assert.equal(patienceWith(reader, live, {}), { attempts: 4, timeout: 10_000 });
  assert.equal(patienceWith(reader, live, { timeout: 5 }), { attempts: 8, timeout: 5 });
  assert.equal(patienceWith(reader, live, { attempts: 1 }), { attempts: 1, timeout: 10_000 });
  noteAnswer(reader, live);
  assert.equal(patienceWith(reader, live, {}), { attempts: 8, timeout: 20_000 });
  await domain.destroy();
  await domain.start({ paused: true });
  assert.is(patienceWith(reader, (await reader.documents()).live, {}).attempts, 4, 'of this run alone');
});

test('apply: vCPUs that QEMU does not let go of are refused before anything else of the plan is done', async () => {
  const b = await bench();
  const domain = await b.started({ vcpus: { current: 1, maximum: 4 } });
  await change(domain, { set: { vcpus: 3 } });
  const before = await documentsOf(domain);
  const plan = await domain.plan({ set: { title: 'x', vcpus: 1 }, detach: [{ interface: 'lan' }] });
  using wire = new Wire();
  const error = await failure<ApplyError>(domain.apply(plan, { unplug: BRIEFLY }), 'APPLY_FAILED', 60_000);
  assert.is((error.cause as { code: string }).code, 'UNPLUG_REFUSED');
  assert.is(error.rollback, 'undone', String(error.rollbackErrors));
  assert.match(error.message, /device_del/, "QEMU's own words");
  assert.is(
    wire.mutators(domain.uuid).filter((name) => name === 'DOMAIN_SET_VCPUS_FLAGS').length,
    1,
    'asked once, and not set back',
  );
  assert.is(await domain.state(), 'paused', 'the guest is there');
  assert.equal(await documentsOf(domain), before);
  const later = await domain.plan({ set: { vcpus: 1 }, detachOrder: 'config-first' });
  const { unplugs } = await within(domain.apply(later, { unplug: BRIEFLY }), 60_000);
  assert.equal(unplugs, [{ device: 'vcpus', outcome: 'refused' }]);
  assert.match(await domain.canonical(), "current='1'");
});

test.run();
