import gte from 'semver/functions/gte.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainManager } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failureNow, within } from '../support/deadline.js';
import { tellsOfChanges } from '../support/versions.js';
import { Wire } from '../support/wire.js';
import { virsh } from '../testing/virsh.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** What a stream yields until `last` accepts one. */
async function until<T>(stream: AsyncIterator<T>, last: (item: T) => boolean): Promise<T[]> {
  const items: T[] = [];
  for (;;) {
    const { done, value } = await within(stream.next(), 30_000, `an event after ${JSON.stringify(items)}`);
    if (done) return assert.unreachable(`ended after ${JSON.stringify(items)}`) as never;
    items.push(value);
    if (last(value)) return items;
  }
}

test('a life in events: in order, in libvirt’s words, and of this domain only', async () => {
  const b = await bench();
  const domain = await b.define();
  const other = await b.define();
  await using events = domain.events();
  await within(events.ready);
  using wire = new Wire();
  await other.start({ paused: true });
  await domain.start();
  await domain.suspend();
  await domain.resume();
  const data = { disk: { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' } } as const;
  await domain.apply(await domain.plan({ attach: [data], set: { title: 'T' } }));
  await virsh(b.host, 'metadata', domain.uuid, 'urn:x', '--key', 'x', '--set', '<x/>', '--config');
  await domain.destroy();
  const told = await until(events, (each) => each.type === 'lifecycle' && each.event === 'stopped');
  // Newer ones tell of each change of the canonical document but its metadata: here of the disk.
  const changed = tellsOfChanges(b.connection) ? ['defined updated'] : [];
  assert.equal(
    told.flatMap((each) => (each.type === 'lifecycle' ? [`${each.event} ${each.detail}`] : [])),
    [
      'resumed unpaused',
      'started booted',
      'suspended paused',
      'resumed unpaused',
      ...changed,
      'shutdown host',
      'stopped destroyed',
    ],
  );
  assert.equal(
    told.filter(({ type }) => type === 'device-added'),
    [
      {
        type: 'device-added',
        domain: { name: domain.name, uuid: domain.uuid },
        device: { alias: 'ua-data', id: 'data', identity: 'disk data' },
      },
    ],
  );
  const metadata = told.flatMap((each) => (each.type === 'metadata-change' ? [`${each.part} ${each.uri}`] : []));
  for (const part of ['title undefined', 'element urn:libvirt-canonical:seal:1', 'element urn:x'])
    assert.ok(metadata.includes(part), `${part} in ${metadata}`);
  for (const each of told) assert.is(each.type === 'gap' ? '' : each.domain.uuid, domain.uuid);
  assert.equal(wire.defining(), []);
});

test('manager.events tells of all domains; types are chosen; an alias is an identity where a document was read', async () => {
  const b = await bench();
  await using all = b.manager.events({ only: ['lifecycle'] });
  await within(all.ready);
  const domain = await b.started({ type: 'qemu' });
  await until(all, (each) => each.type === 'lifecycle' && each.domain.uuid === domain.uuid && each.event === 'defined');
  await until(all, (each) => each.type === 'lifecycle' && each.event === 'suspended');
  const tablet = { input: { id: 'pen', type: 'tablet' } } as const;
  await domain.apply(await domain.plan({ attach: [tablet] }));
  await domain.live();
  await using events = domain.events({ only: ['device-removed'] });
  await within(events.ready);
  await domain.apply(await domain.plan({ detach: [{ input: 'pen' }] }));
  const [removed] = await until(events, () => true);
  assert.equal(removed?.type === 'device-removed' && removed.device, {
    alias: 'ua-pen',
    id: 'pen',
    identity: 'input pen',
  });
});

test('it ends with its signal, with close, with its loop; what libvirt has not is said', async () => {
  const b = await bench();
  const domain = await b.define();
  const given = new AbortController();
  const events = domain.events({ signal: given.signal });
  const next = events.next();
  await within(events.ready);
  given.abort();
  assert.equal(await within(next), { done: true, value: undefined });
  const before = domain.events({ signal: given.signal });
  assert.equal(await within(before.next()), { done: true, value: undefined }, 'aborted before it was registered');
  const closed = domain.events();
  const waiting = closed.next();
  await within(closed.close());
  assert.is((await within(waiting)).done, true);
  const looped = domain.events();
  await within(looped.ready);
  await domain.start({ paused: true });
  for await (const _ of looped) break;
  assert.is((await within(looped.next())).done, true);
  const asked = () => domain.events({ only: ['nic-mac-change'] });
  if (gte(b.connection.libvirtVersion, '11.2.0')) {
    await using macs = asked();
    await within(macs.ready);
  } else assert.match(failureNow(asked, 'UNSUPPORTED').message, 'it came with 11.2.0');
});

test('a full buffer and a lost connection are gaps, and it goes on after them', async () => {
  const b = await bench();
  await using other = await b.rival();
  const domain = await new DomainManager(other).get((await b.define()).uuid);
  await using events = domain.events({ queue: 2, only: ['metadata-change'] });
  await within(events.ready);
  for (const title of ['a', 'b', 'c', 'd', 'e']) await virsh(b.host, 'desc', domain.uuid, '--config', '--title', title);
  await domain.state();
  const told = await until(events, ({ type }) => type === 'gap');
  assert.equal(
    told.map(({ type }) => type),
    ['metadata-change', 'metadata-change', 'gap'],
  );
  assert.equal(told[2], { type: 'gap', reason: 'overflow', lost: 3 });
  await b.host.restartDaemon();
  const gap = (await until(events, ({ type }) => type === 'gap')).at(-1);
  assert.equal(gap, { type: 'gap', reason: 'connection', lost: undefined });
  await virsh(b.host, 'desc', domain.uuid, '--config', '--title', 'after');
  await until(events, ({ type }) => type === 'metadata-change');
});

test.run();
