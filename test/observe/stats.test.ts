import { setTimeout } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { statsRates } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, failureNow } from '../support/deadline.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

test('stats: the figures of a running domain, typed, from one call', async () => {
  const { started } = await bench();
  const domain = await started();
  const seen = await domain.stats();
  assert.is(seen.name, domain.name);
  assert.is(seen.uuid, domain.uuid);
  assert.is(seen.state, 'paused');
  assert.ok((seen.cpu?.time ?? 0n) > 0n);
  assert.is(seen.memory?.maximum, 64n << 20n);
  assert.ok((seen.memory?.rss ?? 0n) > 1n << 20n);
  assert.equal(
    seen.vcpus.map(({ index }) => index),
    [0],
  );
  assert.is(seen.interfaces.length, 1);
  const [disk] = seen.disks;
  assert.is(disk?.target, 'vda');
  assert.ok(disk?.path?.endsWith('.qcow2'));
  assert.is(disk?.capacity, 1n << 20n);
  assert.is(typeof disk?.read?.bytes, 'bigint');
  assert.is(seen.fields['block.0.name'], 'vda');
  await domain.destroy();
});

test('stats: a domain that is off has no CPU time and no requests, and its disks tell their size', async () => {
  const { define } = await bench();
  const seen = await (await define()).stats();
  assert.is(seen.state, 'shutoff');
  assert.is(seen.cpu, undefined);
  assert.equal(seen.vcpus, []);
  assert.is(seen.disks[0]?.read, undefined);
  assert.is(seen.disks[0]?.capacity, 1n << 20n);
});

test('stats: groups limits what is read', async () => {
  const { started } = await bench();
  const domain = await started();
  const seen = await domain.stats({ groups: ['disks'], nowait: true });
  assert.is(seen.state, 'paused');
  assert.is(seen.disks.length, 1);
  assert.is(seen.memory, undefined);
  assert.is(seen.cpu, undefined);
  assert.ok(Object.keys(seen.fields).every((field) => /^(state|block)\./.test(field)));
  await failure(domain.stats({ groups: ['disk' as never] }), 'ARGUMENT_INVALID');
  await domain.destroy();
});

test('stats: of a manager tells of all domains, and of a domain that is gone it is DOMAIN_NOT_FOUND', async () => {
  const { define, manager } = await bench();
  const [one, other] = [await define(), await define()];
  const names = (await manager.stats()).map(({ name }) => name);
  assert.ok(names.includes(one.name) && names.includes(other.name));
  await one.undefine();
  await failure(one.stats(), 'DOMAIN_NOT_FOUND');
});

test('statsRates: what a domain did between two readings', async () => {
  const { started } = await bench();
  const domain = await started();
  const before = await domain.stats();
  await domain.resume();
  await setTimeout(1500);
  const after = await domain.stats();
  const rates = statsRates(before, after);
  assert.ok(rates.interval >= 1500);
  assert.ok((rates.cpu ?? 0) > 0);
  assert.is(rates.disks[0]?.target, 'vda');
  const read = Number((after.disks[0]?.read?.bytes ?? 0n) - (before.disks[0]?.read?.bytes ?? 0n));
  assert.ok(Math.abs((rates.disks[0]?.read?.bytes ?? -1) * (rates.interval / 1000) - read) < 1);
  const wrong = failureNow(() => statsRates(after, before), 'ARGUMENT_INVALID');
  assert.match(wrong.message, /Give the earlier reading first/);
  failureNow(() => statsRates(before, { ...after, uuid: 'another' }), 'ARGUMENT_INVALID');
  const restarted = statsRates(after, { ...before, takenAt: after.takenAt + 1000 });
  assert.is(restarted.cpu, undefined);
  await domain.destroy();
});

test.run();
