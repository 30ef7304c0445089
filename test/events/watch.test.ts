import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainManager, type EventStream, type Finding } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failureNow, within } from '../support/deadline.js';
import { tellsOfChanges } from '../support/versions.js';
import { Wire } from '../support/wire.js';
import { emptyDomain, virsh, virshWith } from '../testing/virsh.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** So short that a look comes soon, and so long that the events come first. */
const INTERVAL = 800;

async function next<T extends Finding['type']>(
  findings: EventStream<Finding>,
  type: T,
): Promise<Extract<Finding, { type: T }>> {
  const { done, value } = await within(findings.next(), 30_000, type);
  assert.ok(!done && value.type === type, `${type}, not ${JSON.stringify(value)}`);
  return value as Extract<Finding, { type: T }>;
}

/** `interval + interface x`: why it looked, and what it found. */
function inShort({ occasion, drift }: Extract<Finding, { type: 'drift' }>): string {
  const sign = { added: '+', removed: '-', changed: '~' };
  return [occasion, ...drift.changes.map(({ action, subject }) => `${sign[action]} ${subject}`)].join(' ');
}

test('what this library does itself is no drift, also while it goes on', async () => {
  const b = await bench();
  const domain = await b.started();
  // As often as it can.
  await using findings = domain.watch({ interval: 1 });
  await within(findings.ready);
  const first = next(findings, 'drift');
  for (const title of ['a', 'b', 'c']) {
    const disk = { id: title, target: `vd${title}a`, file: await b.disk(), format: 'qcow2' } as const;
    await domain.apply(await domain.plan({ attach: [{ disk }], set: { title } }));
    await domain.snapshot({ name: title, disks: { root: {} } });
  }
  const quiet = await Promise.race([first, sleep(500, 'quiet')]);
  assert.is(quiet, 'quiet', JSON.stringify(quiet));
  await virsh(b.host, 'desc', domain.uuid, '--config', '--title', 'theirs');
  await within(first);
  await domain.acceptDrift();
});

test('drift: by definition and metadata at once, by a device in time or where libvirt tells of it at once; accepted or taken back', async () => {
  const b = await bench();
  const domain = await b.started({ title: 'ours' });
  await using findings = domain.watch({ interval: INTERVAL });
  await within(findings.ready);
  using wire = new Wire();
  const first = next(findings, 'drift');
  await virsh(b.host, 'desc', domain.uuid, '--config', '--title', 'theirs');
  assert.is(inShort(await within(first)), 'metadata ~ domain');
  await domain.acceptDrift();
  assert.is(inShort(await next(findings, 'drift')), 'interval', 'accepted');

  const occasion = tellsOfChanges(b.connection) ? 'defined' : 'interval';
  await virsh(b.host, 'domif-setlink', '--config', domain.uuid, '52:54:00:00:00:01', 'down');
  assert.is(inShort(await next(findings, 'drift')), `${occasion} ~ interface lan`);
  await domain.apply(await domain.planUndoDrift());
  // The event comes while the apply is under way, or once it is over.
  assert.match(inShort(await next(findings, 'drift')), new RegExp(`^(interval|${occasion})$`));

  const xml = await virsh(b.host, 'dumpxml', '--inactive', '--security-info', domain.uuid);
  await virshWith(b.host, xml.replace('<apic/>', ''), 'define');
  const redefined = await next(findings, 'drift');
  assert.is(inShort(redefined), 'defined ~ domain');
  assert.is(redefined.drift.redefined, 'yes');
  assert.equal(wire.defining(), []);
});

test('all domains of a host: what was there before, what comes later; a domain without a seal is no news', async () => {
  const b = await bench();
  const before = await b.define();
  await virsh(b.host, 'desc', before.uuid, '--config', '--title', 'theirs');
  await virshWith(b.host, emptyDomain('nobodys'), 'define');
  await using findings = b.manager.watch({ interval: INTERVAL });
  // The one of the test before, and this one; in libvirt's order.
  const drifted = [await next(findings, 'drift'), await next(findings, 'drift')];
  const mine = drifted.find(({ domain }) => domain.uuid === before.uuid);
  assert.is(mine && inShort(mine), 'start ~ domain');
  const later = await b.define();
  await virsh(b.host, 'metadata', later.uuid, 'urn:x', '--key', 'x', '--set', '<x/>', '--config');
  const found = await next(findings, 'drift');
  assert.is(found.domain.uuid, later.uuid);
  assert.match(inShort(found), /\+ metadata urn:x$/);
});

test('a device that the guest lets go of, and whether it is back at the next boot', async () => {
  const b = await bench();
  const domain = await b.started();
  await using findings = domain.watch();
  await within(findings.ready);
  const pens = ['one', 'two'].map((id) => ({ input: { id, type: 'tablet' } }) as const);
  await domain.apply(await domain.plan({ attach: pens }));
  // Somebody else takes one out of the running guest only.
  await virsh(b.host, 'detach-device-alias', domain.uuid, 'ua-one', '--live');
  const one = await next(findings, 'device-removed');
  assert.equal([one.device, one.nextBoot], [{ alias: 'ua-one', id: 'one', identity: 'input one' }, 'back']);
  await virsh(b.host, 'detach-device-alias', domain.uuid, 'ua-two', '--config');
  await virsh(b.host, 'detach-device-alias', domain.uuid, 'ua-two', '--live');
  const two = await next(findings, 'device-removed');
  assert.equal([two.device.identity, two.nextBoot], ['input two', 'gone']);
});

test('a detach of this library never shows as one that comes back, by whichever connection; one that does is told', async () => {
  const b = await bench();
  const domain = await b.started();
  const pens = ['one', 'two'].map((id) => ({ input: { id, type: 'tablet' } }) as const);
  await domain.apply(await domain.plan({ attach: pens }));
  await using other = await b.rival();
  await using findings = (await new DomainManager(other).get(domain.uuid)).watch();
  await within(findings.ready);
  const [one, two] = [next(findings, 'device-removed'), next(findings, 'device-removed')];
  await domain.apply(await domain.plan({ detach: [{ input: 'one' }], set: { title: 'a', description: 'b' } }));
  await domain.apply(await domain.plan({ detach: [{ input: 'two' }], scope: 'live' }));
  const found = [await one, await two].map(({ device, nextBoot }) => `${device.identity} ${nextBoot}`);
  assert.equal(found.sort(), ['input one gone', 'input two back']);
});

test('QEMU killed: a crash with the end of the log; undefined, the watch ends', async () => {
  const b = await bench();
  await using other = await b.rival({ logDirectory: b.host.logDirectory });
  const domain = await new DomainManager(other).get((await b.started()).uuid);
  await using findings = domain.watch();
  await within(findings.ready);
  const pid = Number(readFileSync(join(b.host.directory, `run/libvirt/qemu/run/${domain.name}.pid`), 'utf8'));
  process.kill(pid, 'SIGKILL');
  const { detail, log } = await next(findings, 'crash');
  assert.is(detail, 'failed');
  assert.match(log.tail ?? '', 'shutting down, reason=crashed');
  await domain.undefine();
  assert.is((await within(findings.next())).done, true);
});

test('a gap is told, and everything looked at again; it ends with its signal and refuses no interval', async () => {
  const b = await bench();
  const domain = await b.define();
  const given = new AbortController();
  const findings = domain.watch({ signal: given.signal });
  await within(findings.ready);
  const gap = next(findings, 'gap');
  await b.host.restartDaemon();
  assert.is((await gap).reason, 'connection');
  const waiting = findings.next();
  given.abort();
  assert.is((await within(waiting)).done, true);
  assert.is(failureNow(() => domain.watch({ interval: 0 }), 'ARGUMENT_INVALID').path, 'interval');
});

test.run();
