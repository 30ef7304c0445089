import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { documentsOf } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(bench.stop);

test('freeze, thaw and shutdown by an agent; frozen guests do not write, and the documents stay', async () => {
  const b = await bench();
  const guest = await b.host.guest({ name: 'agent', agent: true });
  const domain = await b.manager.define(
    guest.domainXml({ disks: [{ file: await b.host.createDisk('a.raw', { size: '16 MiB' }), target: 'vda' }] }),
  );
  const before = await domain.canonical();
  assert.is(await domain.agent.state(), 'absent');
  await domain.start();
  await guest.waitForReport();
  await eventually('the agent', async () => (await domain.agent.state()) === 'connected');
  await within(domain.agent.ping());
  const made = await guest.exec('mke2fs /dev/vda >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/vda /mnt');
  assert.is(made.status, 0, made.output);
  assert.is(await within(domain.agent.freeze()), 1);
  let written = false;
  const writing = guest.exec('echo late >/mnt/file; echo written').then((result) => {
    written = true;
    return result;
  });
  await sleep(500);
  assert.is(written, false, 'the writer waits');
  assert.is(await within(domain.agent.thaw()), 1);
  assert.is((await writing).output, 'written\n');
  assert.is(await within(domain.agent.thaw()), 0, 'thawing what is not frozen does nothing');
  using wire = new Wire();
  await within(domain.shutdown({ by: 'agent' }));
  await eventually('the shutdown', async () => (await domain.state()) === 'shutoff');
  assert.equal(wire.mutators(), ['DOMAIN_SHUTDOWN_FLAGS']);
  assert.is(await domain.canonical(), before);
});

test('no agent, and one that does not answer, are errors that say what is needed', async () => {
  const b = await bench();
  const without = await b.define();
  await failure(without.agent.ping(), 'DOMAIN_STATE');
  await without.start();
  const error = await failure(without.agent.freeze(), 'AGENT_UNAVAILABLE');
  assert.match(error.message, 'org.qemu.guest_agent.0');
  assert.is(await without.agent.state(), 'absent');
  await without.destroy();
  const silent = await b.define({
    devices: [{ channel: { unix: {}, name: 'org.qemu.guest_agent.0' } }],
  });
  await silent.start();
  const before = await documentsOf(silent);
  assert.is(await silent.agent.state(), 'disconnected');
  await failure(silent.agent.ping(), 'AGENT_UNAVAILABLE');
  await failure(silent.shutdown({ by: 'agent' }), 'AGENT_UNAVAILABLE');
  assert.equal(await documentsOf(silent), before);
});

test.run();
