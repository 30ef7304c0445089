import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ApplyError, type ApplyProgress, type DiskSpec, LibvirtError } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { change, documentsOf, untouched } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

async function disk({ disk }: Bench, target: string): Promise<{ disk: DiskSpec }> {
  return { disk: { id: target, target, file: await disk(), format: 'qcow2' } };
}
const nowhere = { disk: { id: 'bad', target: 'vdz', file: '/nonexistent/image.qcow2', format: 'qcow2' } } as const;

test('R11: a plan made before somebody else changed the domain is refused, and nothing runs', async () => {
  const b = await bench();
  const domain = await b.started();
  const plan = await domain.plan({ attach: [await disk(b, 'vdb')] });
  const rival = await b.rival();
  const xml = (await domain.canonical()).replace('<os>', '<title>redefined</title><os>');
  await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
  const stale = await untouched(domain, () => domain.apply(plan));
  assert.is(stale.code, 'PLAN_STALE');
  assert.is(stale.domain, domain.name);
  assert.match(stale.remedy ?? '', /Plan again/);
  await change(domain, { attach: [await disk(b, 'vdb')] });
});

test('a plan is stale after a change of the live document, of autostart, and after its own run', async () => {
  const b = await bench();
  const domain = await b.started();
  const request = { attach: [await disk(b, 'vdb')] };
  for (const other of [
    { update: [{ interface: 'lan', set: { link: 'down' } } as const], scope: 'live' as const },
    { set: { autostart: true } },
    { set: { metadata: { 'urn:x': { prefix: 'x', xml: '<x/>' } } } },
  ]) {
    const plan = await domain.plan(request);
    await change(domain, other);
    assert.is((await untouched(domain, () => domain.apply(plan))).code, 'PLAN_STALE', JSON.stringify(other));
  }
  const plan = await domain.plan(request);
  await domain.apply(plan);
  assert.is((await untouched(domain, () => domain.apply(plan))).code, 'PLAN_STALE');
});

test('a plan for another domain is refused', async () => {
  const b = await bench();
  const [one, two] = [await b.define(), await b.define()];
  const plan = await one.plan({ attach: [await disk(b, 'vdb')] });
  assert.is((await untouched(two, () => two.apply(plan))).code, 'PLAN_REFUSED');
});

test('an empty plan does nothing', async () => {
  const domain = await (await bench()).define();
  using wire = new Wire();
  assert.equal((await domain.apply(await domain.plan({}))).operations, []);
  assert.equal(wire.mutators(), []);
});

for (const running of [true, false]) {
  test(`a third operation that fails: the two before it are undone, ${running ? 'running' : 'shut off'}`, async () => {
    const b = await bench();
    const domain = await (running ? b.started() : b.define());
    const broken = "<hostdev mode='subsystem' type='usb'><source><vendor id='0xffff'/></source></hostdev>";
    const request = {
      update: [{ interface: 'lan', set: { link: 'down' } } as const],
      attach: [await disk(b, 'vdb'), broken],
      set: { title: 'never' },
      // Without a guest nothing is unplugged, so a disk that is undone live would not go.
      scope: 'config' as const,
    };
    const before = await documentsOf(domain);
    using wire = new Wire();
    const plan = await domain.plan(request);
    assert.equal(plan.refusals, [], String(plan));
    const seen: Array<[string, string]> = [];
    const onProgress = ({ state, operation }: ApplyProgress) => seen.push([state, operation.subject]);
    const error = await failure<ApplyError>(domain.apply(plan, { onProgress }), 'APPLY_FAILED');
    assert.instance(error, ApplyError);
    assert.is(error.rollback, 'undone', error.message);
    assert.equal(
      error.applied.map(({ subject }) => subject),
      ['interface lan', 'disk vdb'],
    );
    assert.equal(
      error.notRun.map(({ subject }) => subject),
      ['title', 'intent'],
    );
    assert.equal(error.rollbackErrors, []);
    assert.is(error.domain, domain.name);
    assert.instance(error.cause, LibvirtError);
    assert.ok(error.message.includes((error.cause as LibvirtError).libvirtMessage), error.message);
    const after = await documentsOf(domain);
    assert.is(after.canonical, before.canonical, 'the canonical document is byte-equal');
    assert.is(after.live, before.live);
    assert.equal(wire.defining(), []);
    assert.equal(
      seen.map(([state]) => state),
      ['started', 'done', 'started', 'done', 'started', 'undone', 'undone'],
    );
  });
}

test('onFailure stop leaves what was done and says so', async () => {
  const b = await bench();
  const domain = await b.started();
  const request = { attach: [await disk(b, 'vdb'), nowhere] };
  const error = await failure<ApplyError>(
    domain.apply(await domain.plan(request), { onFailure: 'stop' }),
    'APPLY_FAILED',
  );
  assert.is(error.rollback, 'kept');
  assert.equal(
    error.applied.map(({ subject }) => subject),
    ['disk vdb'],
  );
  assert.ok((await domain.canonical()).includes('ua-vdb'));
  assert.not.ok((await domain.canonical()).includes('ua-bad'));
});

test('a failure that libvirt reports before anything changed leaves both documents byte-equal', async () => {
  const domain = await (await bench()).started();
  const before = await documentsOf(domain);
  const error = await failure<ApplyError>(domain.apply(await domain.plan({ attach: [nowhere] })), 'APPLY_FAILED');
  assert.match(error.message, /disk bad/);
  assert.match(error.message, /nonexistent/);
  assert.is(error.device, 'disk bad');
  assert.equal(await documentsOf(domain), before);
});

test('D6: a guest that does not answer: requested, not confirmed, never removed; the config keeps the device', async () => {
  const b = await bench();
  const domain = await b.started();
  const before = await documentsOf(domain);
  const plan = await domain.plan({ detach: [{ interface: 'lan' }] });
  const started = performance.now();
  const error = await failure<ApplyError>(
    domain.apply(plan, { unplug: { attempts: 2, timeout: 300 } }),
    'APPLY_FAILED',
    20_000,
  );
  assert.ok(performance.now() - started >= 600, 'it waited for each request');
  const cause = error.cause as { code: string; device: string; remedy: string };
  assert.is(cause.code, 'UNPLUG_UNCONFIRMED');
  assert.is(cause.device, 'interface lan');
  assert.match(cause.remedy, /canonical document still has the device/);
  assert.equal(await documentsOf(domain), before);
  assert.equal((await domain.pending()).changes, []);
});

test('a signal ends the wait for the guest at once', async () => {
  const domain = await (await bench()).started();
  const before = await documentsOf(domain);
  const plan = await domain.plan({ detach: [{ interface: 'lan' }] });
  const started = performance.now();
  const error = await failure<ApplyError>(
    domain.apply(plan, { signal: AbortSignal.timeout(400) }),
    'APPLY_FAILED',
    10_000,
  );
  assert.ok(performance.now() - started < 5_000);
  assert.is((error.cause as { code: string }).code, 'ABORTED');
  assert.equal(await documentsOf(domain), before);
});

test('two applies to one domain take turns: the second finds its plan stale', async () => {
  const b = await bench();
  const domain = await b.started();
  const plans = [
    await domain.plan({ attach: [await disk(b, 'vdb')] }),
    await domain.plan({ attach: [await disk(b, 'vdc')] }),
  ] as const;
  const [first, second] = await Promise.allSettled([domain.apply(plans[0]), domain.apply(plans[1])]);
  assert.is(first.status, 'fulfilled');
  assert.is(second.status === 'rejected' && second.reason.code, 'PLAN_STALE');
});

test('R2: after a restart of the daemon the connection, and a new one, find the domain as it was', async () => {
  const b = await bench();
  const domain = await b.started();
  await change(domain, { attach: [await disk(b, 'vdb')] });
  const before = await documentsOf(domain);
  await b.host.restartDaemon();
  assert.equal(await documentsOf(domain), before);
  const { connect, DomainManager } = await import('../../src/index.js');
  await using connection = await connect(b.host.uri);
  const again = await new DomainManager(connection).get(domain.uuid);
  const after = await documentsOf(again);
  assert.is(after.canonical, before.canonical);
  await change(again, { update: [{ interface: 'lan', set: { link: 'down' } }] });
  await change(again, { detach: [{ disk: 'vdb' }], scope: 'config' });
});

test.run();
