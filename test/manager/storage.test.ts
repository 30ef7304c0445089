import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withoutBookkeeping } from '../../src/domain/index.js';
import { type DiskStorage, DomainManager, type HookContext, type ManagedDomain } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { change, documentsOf } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const san = { driver: 'iscsi', portal: '192.0.2.7:3260', lun: 1, attachedBy: 'compute-3 <&> "ü"' };
const root = { driver: 'file', path: ['a', { b: null }] };
const connections = (disks: readonly DiskStorage[]) =>
  Object.fromEntries(disks.map(({ identity, connection }) => [identity, connection]));
const both = async (domain: ManagedDomain) => [
  connections(await domain.storage()),
  connections(await domain.storage({ document: 'live' })),
];

test('a plan that fails leaves the record as it was', async () => {
  const b = await bench();
  const domain = await b.started({ storage: { root } });
  const before = await documentsOf(domain);
  const plan = await domain.plan({
    attach: [{ disk: { id: 'bad', target: 'vdb', file: '/nonexistent/image', format: 'raw' } }],
    storage: { bad: san, root: san },
  });
  const error = await failure(domain.apply(plan), 'APPLY_FAILED');
  assert.match(error.message, 'the domain is as it was');
  const settled = (xml = '') => withoutBookkeeping(xml).replace(/ index='\d+'/g, '');
  const after = await documentsOf(domain);
  assert.is(after.canonical, before.canonical);
  assert.is(settled(after.live), settled(before.live));
});

test('hooks are handed each disk with its record; after a stop also that of a disk that is gone by then', async () => {
  const b = await bench();
  const { uuid } = await b.define({ storage: { root } });
  const calls: Array<[string, Record<string, unknown>]> = [];
  const note =
    (hook: string) =>
    (_: ManagedDomain, { disks }: HookContext) => {
      calls.push([hook, connections(disks)]);
    };
  const hooks = { beforeStart: note('beforeStart'), afterStop: note('afterStop') };
  const domain = await new DomainManager(b.connection, { hooks }).get(uuid);
  await domain.start({ paused: true });
  const disk = { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' } as const;
  await domain.apply(await domain.plan({ attach: [{ disk }], storage: { data: san } }));
  await domain.apply(await domain.plan({ detach: [{ disk: 'data' }], scope: 'config' }));
  await domain.destroy();
  assert.equal(calls, [
    ['beforeStart', { 'disk root': root }],
    ['afterStop', { 'disk root': root, 'disk data': san }],
  ]);
});

test('a record is there from the one definition on, comes and goes with its disk, and libvirt keeps every character', async () => {
  const b = await bench();
  using wire = new Wire();
  const domain = await b.define({ storage: { root } });
  assert.equal(wire.defining(), ['DOMAIN_DEFINE_XML_FLAGS']);
  assert.equal(connections(await domain.storage()), { 'disk root': root });
  await domain.start({ paused: true });
  const file = await b.disk();
  const { plan } = await change(domain, {
    attach: [{ disk: { id: 'data', target: 'vdb', file, format: 'qcow2' } }],
    storage: { data: san },
  });
  assert.is(plan.operations[0]?.subject, 'storage');
  for (const side of await both(domain)) assert.equal(side, { 'disk root': root, 'disk data': san });
  assert.equal((await domain.storage()).at(-1)?.source, { file });
  // Another process, after a restart of the daemon, reads the same.
  // The bench's own connection ends here, so this test is the last.
  await b.host.restartDaemon();
  await using other = await b.rival();
  const again = await new DomainManager(other).get(domain.name);
  for (const side of await both(again)) assert.equal(side, { 'disk root': root, 'disk data': san });
  await again.destroy();
  await within(again.apply(await again.plan({ detach: [{ disk: 'data' }] })));
  assert.equal(connections(await again.storage()), { 'disk root': root });
});

test.run();
