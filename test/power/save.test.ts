import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { GuestAbiChangedError, ManagedDomain } from '../../src/index.js';
import type { Guest, GuestReport } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { change } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(bench.stop);

const LONG = 90_000;
let booted: Promise<{ guest: Guest; domain: ManagedDomain }> | undefined;
/** One guest with an agent, for all tests of this file. */
function running(): Promise<{ guest: Guest; domain: ManagedDomain }> {
  booted ??= (async () => {
    const b = await bench();
    const guest = await b.host.guest({ name: 'saved', agent: true });
    const disks = [{ file: await b.disk(), target: 'vda', serial: 'ROOT' }];
    const domain = await b.manager.define(
      guest.domainXml({ disks, interfaces: [{ mac: '52:54:00:00:00:01', id: 'lan' }] }),
    );
    await domain.start();
    await guest.waitForReport();
    return { guest, domain };
  })();
  return booted;
}

/** What the guest sees of its machine, and in which boot. */
const seen = ({ bootId, pci, disks, interfaces }: GuestReport) => ({
  bootId,
  pci,
  disks: disks.map(({ serial, path }) => [serial, path]),
  interfaces: interfaces.map(({ mac, path }) => [mac, path]),
});

test('a save that is given up leaves the guest running and no image', async () => {
  const { guest, domain } = await running();
  const before = seen(await within(guest.report()));
  using wire = new Wire();
  await failure(domain.save({ signal: AbortSignal.abort() }), 'ABORTED');
  assert.equal(wire.mutators(), [], 'given up before it began');
  await failure(domain.restore(), 'DOMAIN_STATE');
  // Memory that does not compress takes the save a while.
  await guest.exec('head -c 40000000 /dev/urandom >/tmp/ballast');
  const given = new AbortController();
  const saving = failure(domain.save({ signal: given.signal }), 'ABORTED', LONG);
  const { connection } = await bench();
  await eventually('the job', async () => {
    const { dom } = await connection.call('DOMAIN_LOOKUP_BY_NAME', { name: domain.name });
    return (await connection.call('DOMAIN_GET_JOB_INFO', { dom })).type !== 0;
  });
  given.abort();
  await saving;
  assert.ok(wire.mutators().includes('DOMAIN_ABORT_JOB'), 'the job was under way');
  assert.is(await domain.state(), 'running');
  assert.is((await domain.pending()).managedSave, undefined);
  assert.equal(seen(await within(guest.report())), before);
  await guest.exec('rm /tmp/ballast');
});

test('saved and restored it is the same boot with every device where it was; pending tells what the image lacks', async () => {
  const b = await bench();
  const { guest, domain } = await running();
  const before = seen(await within(guest.report()));
  using wire = new Wire();
  await within(domain.save(), LONG);
  assert.is(await domain.state(), 'shutoff');
  assert.equal(await domain.pending(), {
    changes: [],
    needsColdBoot: false,
    managedSave: { changes: [] },
    advice: 'nothing waits; restore() goes on with the saved guest',
  });
  await within(domain.restore({ verify: 'guest-abi' }), LONG);
  assert.equal(seen(await within(guest.report())), before, 'nobody in the guest noticed');
  await within(domain.save({ restoreAs: 'paused' }), LONG);

  const disk = { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2', serial: 'DATA' } as const;
  await change(domain, { attach: [{ disk }] });
  const stale = await domain.pending();
  assert.equal(
    stale.managedSave?.changes.map(({ subject, action }) => [subject, action]),
    [['disk data', 'attach']],
  );
  assert.equal([stale.changes, stale.needsColdBoot], [[], true]);
  assert.match(stale.advice, 'the saved guest is without 1 change');
  const error = await failure<GuestAbiChangedError>(domain.restore({ verify: 'guest-abi' }), 'GUEST_ABI_CHANGED');
  assert.ok(error.differences.some(({ subject }) => subject === 'disk data'));
  assert.is(await domain.state(), 'shutoff');
  assert.ok((await domain.pending()).managedSave, 'the image is kept');

  await within(domain.restore(), LONG);
  assert.is(await domain.state(), 'paused', 'as it was saved');
  await domain.resume();
  assert.equal(seen(await within(guest.report())), before);
  const { changes, managedSave } = await domain.pending();
  assert.equal(
    changes.map(({ subject, action }) => [subject, action]),
    [['disk data', 'attach']],
  );
  assert.is(managedSave, undefined);
  assert.equal(wire.defining(), []);
});

test('shut down by the power button when the agent is gone, and the next start has what waited', async () => {
  const { guest, domain } = await running();
  await eventually('the agent', async () => (await domain.agent.state()) === 'connected');
  await guest.exec('killall agent qemu-ga');
  await eventually('the end of the agent', async () => (await domain.agent.state()) === 'disconnected');
  const asked: string[] = [];
  await within(domain.shutdown({ by: 'agent-else-acpi', onProgress: ({ by }) => asked.push(by) }), LONG);
  assert.is(await domain.state(), 'shutoff');
  assert.is(asked[0], 'acpi');
  await domain.start({ verify: 'guest-abi' });
  const { disks } = await guest.waitForReport();
  assert.equal(disks.map(({ serial }) => serial).sort(), ['DATA', 'ROOT']);
  assert.equal((await domain.pending()).changes, []);
  await domain.destroy();
});

test.run();
