import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ManagedDomain } from '../../src/index.js';
import type { Guest, GuestReport } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { within } from '../support/deadline.js';
import { change, documentsOf } from '../support/scenario.js';
import { assertSameTokens } from '../support/tokens.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

let booted: Promise<{ guest: Guest; domain: ManagedDomain }> | undefined;
/** One guest that answers, for all tests of this file. */
function answering(): Promise<{ guest: Guest; domain: ManagedDomain }> {
  booted ??= (async () => {
    const b = await bench();
    const guest = await b.host.guest({ name: 'answers' });
    const disks = [{ file: await b.disk(), target: 'vda', serial: 'ROOT' }];
    const domain = await b.manager.define(
      guest.domainXml({ disks, interfaces: [{ mac: '52:54:00:00:00:01', id: 'lan' }], rootPorts: 10 }),
    );
    await domain.start();
    await guest.waitForReport();
    return { guest, domain };
  })();
  return booted;
}
const diskSerials = ({ disks }: GuestReport) => disks.map(({ serial }) => serial).sort();
const macs = ({ interfaces }: GuestReport) => interfaces.map(({ mac }) => mac).sort();

/** Without what the library remembers of the request, and the numbers that QEMU gives to the nodes of images. */
const settled = (xml = '') => xml.replace(/\s*<lvc:intent[\s\S]*<\/lvc:intent>/, '').replace(/ index='\d+'/g, '');

test('D1, D2: a disk and a NIC in and out again: both documents are what they were, and the guest saw both come and go', async () => {
  const b = await bench();
  const { guest, domain } = await answering();
  const before = await documentsOf(domain);
  const data = { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2', serial: 'DATA' } as const;
  const wan = { id: 'wan', user: true, mac: '52:54:00:00:00:02' } as const;
  await change(domain, { attach: [{ disk: data }, { interface: wan }] });
  const there = await within(guest.report());
  assert.equal(diskSerials(there), ['DATA', 'ROOT']);
  assert.equal(macs(there), ['52:54:00:00:00:01', '52:54:00:00:00:02']);
  await change(domain, { detach: [{ disk: 'data' }, { interface: 'wan' }] });
  const after = await documentsOf(domain);
  assertSameTokens(settled(after.canonical), settled(before.canonical), 'canonical');
  assertSameTokens(settled(after.live), settled(before.live), 'live');
  const gone = await within(guest.report());
  assert.equal(diskSerials(gone), ['ROOT']);
  assert.equal(macs(gone), ['52:54:00:00:00:01']);
});

test('S14: both: now and after a cold boot; live: now only; config: only then; and nothing moves on the way', async () => {
  const b = await bench();
  const { guest, domain } = await answering();
  for (const [scope, target] of [
    ['both', 'vdc'],
    ['live', 'vdd'],
    ['config', 'vde'],
  ] as const)
    await change(domain, {
      attach: [{ disk: { id: target, target, file: await b.disk(), format: 'qcow2', serial: scope } }],
      scope,
    });
  const now = await within(guest.report());
  assert.equal(diskSerials(now), ['ROOT', 'both', 'live']);
  const placeOf = (report: GuestReport) => new Map(report.disks.map(({ serial, pciAddress }) => [serial, pciAddress]));
  const abi = await domain.guestAbi();
  using wire = new Wire();
  await within(domain.reboot({ mode: 'cold' }), 90_000);
  const then = await guest.waitForReport({ after: now.bootId });
  assert.equal(diskSerials(then), ['ROOT', 'both', 'config']);
  for (const serial of ['ROOT', 'both']) assert.is(placeOf(then).get(serial), placeOf(now).get(serial), serial);
  assert.is(then.interfaces[0]?.pciAddress, now.interfaces[0]?.pciAddress);
  assert.equal(wire.defining(), []);
  await domain.verify(abi);
  assert.equal((await domain.pending()).changes, []);
});

test('a reboot by the guest and a hard one keep every place', async () => {
  const { guest, domain } = await answering();
  const places = ({ disks, interfaces }: GuestReport) =>
    [
      ...disks.map(({ serial, path }) => [serial, path.replace(/\/block.*/, '')]),
      ...interfaces.map(({ mac, pciAddress }) => [mac, pciAddress]),
    ].sort();
  let last = await within(guest.report());
  using wire = new Wire();
  for (const mode of ['guest', 'hard'] as const) {
    await within(domain.reboot({ mode }), 90_000);
    const report = await guest.waitForReport({ after: last.bootId });
    assert.equal(places(report), places(last), mode);
    last = report;
  }
  assert.equal(wire.defining(), []);
});

test('U1: a link that goes down is down in the guest', async () => {
  const { guest, domain } = await answering();
  await guest.exec('ip link set eth0 up');
  const carrier = async () => (await within(guest.report())).interfaces[0]?.carrier;
  for (const link of ['down', 'up'] as const) {
    await change(domain, { update: [{ interface: 'lan', set: { link } }] });
    for (let tries = 0; tries < 50 && (await carrier()) !== (link === 'up'); tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.is(await carrier(), link === 'up', link);
  }
});

test('rolling back a live attach really takes the device out of the guest again', async () => {
  const b = await bench();
  const { guest, domain } = await answering();
  const before = await documentsOf(domain);
  const good = { disk: { id: 'good', target: 'vdx', file: await b.disk(), format: 'qcow2', serial: 'GOOD' } } as const;
  const bad = { disk: { id: 'bad', target: 'vdy', file: '/nonexistent/image', format: 'raw' } } as const;
  const plan = await domain.plan({ attach: [good, bad] });
  const error = await within(
    domain.apply(plan).then(
      () => undefined,
      (thrown: { code: string; rollback: string }) => thrown,
    ),
    60_000,
  );
  assert.is(error?.code, 'APPLY_FAILED');
  assert.is(error?.rollback, 'undone');
  const after = await documentsOf(domain);
  assertSameTokens(after.canonical, before.canonical);
  assert.not.ok(diskSerials(await within(guest.report())).includes('GOOD'));
});

test('a shutdown by the power button, and the document stays', async () => {
  const { domain } = await answering();
  const before = await domain.canonical();
  await within(domain.shutdown({ timeout: 30_000 }), 40_000);
  assert.is(await domain.state(), 'shutoff');
  assert.is(await domain.canonical(), before);
});

test.run();
