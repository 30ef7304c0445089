/** One change of many domains: what is planned, and that each step finds its own work done. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ApplyInput, Fleet } from '../../src/fleet/index.js';
import { failure, scaled, within } from '../support/deadline.js';
import { Wire } from '../support/wire.js';
import { trioOnDemand } from './trio.js';

const trio = trioOnDemand();
test.after(trio.stop);
const fleetOf = async () => Fleet.open({ hosts: (await trio()).uris, timeout: scaled(3_000) });

test('planApply: what changes, what is so already, what cannot; carried out, and carried out again for nothing', async () => {
  const { clear, domain } = await trio();
  await clear();
  const lan = { id: 'lan', user: true, mac: '52:54:00:00:00:01' } as const;
  const uuids = await Promise.all(
    (['a', 'b', 'c'] as const).map(async (on) => (await domain(on, { name: `web-${on}`, interfaces: [lan] })).uuid),
  );
  await domain('b', { name: 'bare' }, 'off');
  await domain('c', { name: 'down', interfaces: [{ ...lan, link: 'down' }] }, 'off');
  await domain('c', { name: 'other', title: 'not this one' }, 'off');
  await using fleet = await fleetOf();
  const request = { update: [{ interface: 'lan', set: { link: 'down' } }] } as const;
  using reading = new Wire();
  const change = await fleet.planApply({ request, where: ({ title }) => title === undefined });
  assert.equal(reading.mutators(), [], 'it reads only');
  const does = Object.fromEntries(change.domains.map(({ name, does: what }) => [name, what]));
  assert.equal(
    does,
    { 'web-a': 'change', 'web-b': 'change', 'web-c': 'change', bare: 'refused', down: 'nothing' },
    String(change),
  );
  assert.equal([change.isPossible, change.refused.map(({ name }) => name)], [false, ['bare']]);
  assert.match(
    String(change),
    /^apply: 3 change, 1 are as asked already, 1 are refused\n {2}3 × update interface lan.*web-a on a, web-b on b, web-c on c/,
  );
  assert.match(String(change), /REFUSED bare on b, request: .*lan/);
  assert.is((await fleet.planApply({ request, where: ({ title }) => title === undefined })).digest, change.digest);

  const { applies } = JSON.parse(JSON.stringify(change.steps)) as typeof change.steps;
  const phases: string[] = [];
  for (const input of applies) {
    const onProgress = (each: object) => void phases.push((each as { phase: string }).phase);
    const { outcome, operations } = await fleet.steps.apply(input, { request, onProgress });
    assert.is(outcome, 'applied');
    assert.ok(operations > 0);
  }
  assert.ok(phases.includes('applying'));
  using wire = new Wire();
  for (const input of applies) assert.is((await fleet.steps.apply(input, { request })).outcome, 'already');
  assert.equal(wire.mutators(), []);
  const again = await fleet.planApply({ request, hosts: ['a', 'c'], where: uuids });
  assert.equal(
    again.domains.map(({ name, does: what }) => [name, what]),
    [
      ['web-a', 'nothing'],
      ['web-c', 'nothing'],
    ],
  );
});

test('apply: other documents, a domain that has gone, a silent host, and requests that are wrong', async () => {
  const { clear, domain, hosts } = await trio();
  await clear();
  const web = await domain('a', { name: 'web' }, 'off');
  await domain('c', { name: 'web', uuid: web.uuid }, 'off');
  await domain('b', { name: 'lone' }, 'off');
  await using fleet = await fleetOf();
  const request = { set: { title: 'changed' } };
  process.kill(hosts.b.pid as number, 'SIGSTOP');
  const change = await within(fleet.planApply({ request }), 60_000);
  process.kill(hosts.b.pid as number, 'SIGCONT');
  assert.equal([change.silent.map(({ host }) => host), change.domains.length], [['b'], 2]);
  assert.match(String(change), /web on a, domain: c has it too[\s\S]*silent: b, no answer/);
  const [planned] = (await fleet.planApply({ request, where: ['lone'] })).steps.applies as [ApplyInput];
  const lone = await (await fleet.manager('b')).get('lone');
  await lone.apply(await lone.plan({ set: { description: 'by somebody else' } }));
  using wire = new Wire();
  assert.match(
    (await failure(fleet.steps.apply(planned, { request }), 'FLEET_PLAN_STALE')).message,
    /documents are not those/,
  );
  await failure(fleet.steps.apply({ ...planned, from: 'a' }, { request }), 'FLEET_PLAN_STALE');
  await failure(fleet.steps.apply(planned, {} as never), 'ARGUMENT_INVALID');
  await failure(fleet.planApply({} as never), 'ARGUMENT_INVALID');
  await failure(fleet.planApply({ request, hosts: ['z'] }), 'ARGUMENT_INVALID');
  const wrong = await fleet.planApply({ request: { set: { titel: 'x' } } as never, hosts: ['b'] });
  assert.match(String(wrong), /REFUSED lone on b, request: .*titel.*title/);
  assert.equal(wire.mutators(), []);
});

test('apply: killed in between, the next process completes what was begun', async () => {
  const { clear, domain, uris } = await trio();
  await clear();
  await domain('a', { name: 'web' }, 'off');
  await using fleet = await fleetOf();
  const request = { set: { title: 'one', description: 'two', autostart: true } };
  const [input] = (await fleet.planApply({ request })).steps.applies as [ApplyInput];
  const script = fileURLToPath(new URL('apply-child.js', import.meta.url));
  const args = [uris, input, request].map((each) => JSON.stringify(each));
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  await within(new Promise((resolve) => child.once('close', resolve)), 60_000, 'the child');
  assert.is(child.signalCode, 'SIGKILL', 'it ended itself after the first operation');
  const web = await (await fleet.manager('a')).get('web');
  assert.ok(web.interrupted, 'it left an apply behind');
  await failure(fleet.steps.apply({ ...input, interrupted: 'refuse' }, { request }), 'FLEET_PLAN_STALE');
  assert.is((await within(fleet.steps.apply(input, { request }), 60_000)).outcome, 'applied');
  const after = await (await fleet.manager('a')).get('web');
  assert.is(after.interrupted, undefined);
  assert.ok((await after.plan(request)).isEmpty);
});

test.run();
