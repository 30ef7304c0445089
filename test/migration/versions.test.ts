/** From libvirt 9.0 and QEMU 7.2 to libvirt 11.3 and QEMU 10.0 and back, the guest running all the time. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HostSetupError, prepareHostRoot } from '../../src/testing/index.js';
import { within } from '../support/deadline.js';
import { identityMap } from '../support/identity-map.js';
import { pairOnDemand } from './pair.js';

const newer = await prepareHostRoot().catch((error: unknown) => {
  if (error instanceof HostSetupError) return error;
  throw error;
});
if (newer instanceof Error) console.log(`  skipped: ${newer.message}`);
const upgrade = newer instanceof Error ? test.skip : test;
const pair = pairOnDemand([{}, newer instanceof Error ? {} : { root: newer }]);
test.after(pair.stop);
const MINUTES = 240_000;
const withoutWatchdog = (xml: string) => xml.replace(/ *<watchdog model='itco' action='\w+'\/>\n/, '');

upgrade('migrate: to a newer libvirt and back, the same guest and the same machine', async () => {
  const { a, b, guest } = await pair();
  assert.not.equal(a.connection.libvirtVersion, b.connection.libvirtVersion);
  const t = await guest('versions');
  const { bootId } = await t.here.report();
  const before = { places: identityMap(await t.domain.canonical()), xml: await t.domain.canonical() };
  const [from, to] = [a, b].map(({ host }) => join(host.directory, 'images')) as [string, string];
  // The newer release of this machine has no storage pools: the caller makes the target, and says which disk is copied.
  const going = {
    ...t.options,
    mode: 'block',
    disks: ['vda'],
    targets: 'given',
    paths: { ...t.options.paths, [from]: to },
  } as const;
  const without = await t.domain.planMigration(b.manager, { ...going, targets: 'create' });
  assert.ok(
    without.blocking.some(({ problem }) => /no storage pools/.test(problem)),
    String(without),
  );
  await b.host.createDisk('versions-0.qcow2', { size: '8 MiB' });
  const plan = await t.domain.planMigration(b.manager, going);
  assert.ok(plan.isPossible, String(plan));
  const there = await within(t.domain.migrate(b.manager, going).done, MINUTES, 'going').then(() =>
    b.manager.get(t.uuid),
  );
  assert.is((await t.there.report()).bootId, bootId);
  assert.equal(identityMap(withoutWatchdog(await there.canonical())), before.places);
  assert.equal(
    (await there.drift()).changes.filter(({ by }) => by === 'somebody'),
    [],
  );

  const back = { ...t.back, mode: 'block', disks: ['vda'], paths: { ...t.back.paths, [to]: `${from}/back` } } as const;
  mkdirSync(`${from}/back`);
  chmodSync(`${from}/back`, 0o777);
  const planned = await there.planMigration(a.connection, back);
  assert.ok(
    planned.findings.some(({ severity, problem }) => severity === 'warns' && /goes back from libvirt/.test(problem)),
    String(planned),
  );
  await within(there.migrate(a.connection, back).done, MINUTES, 'the way back');
  assert.is((await t.here.report()).bootId, bootId);
  const home = await a.manager.get(t.uuid);
  assert.equal(identityMap(await home.canonical()), before.places);
  await home.destroy();
});

test.run();
