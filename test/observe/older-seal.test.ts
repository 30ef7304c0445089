import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, DomainManager } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const lan = (link: 'up' | 'down') => ({ update: [{ interface: 'lan', set: { link } } as const] });

test('drift: an old dump that is defined again brings its seal along, and is told by who saw a later one', async () => {
  const b = await bench();
  const domain = await b.define();
  const old = await domain.canonical();
  await domain.apply(await domain.plan(lan('down')));
  assert.is((await domain.drift()).seal, 'intact');
  const rival = await b.rival();
  await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml: old, flags: 0 });
  const { seal, changes } = await domain.drift();
  assert.is(seal, 'older');
  assert.equal(
    changes.map(({ subject, changes: values }) => [subject, ...values.map(({ path, to }) => `${path} ${to}`)]),
    [['interface lan', 'link/@state undefined']],
  );
  const back = await domain.planUndoDrift();
  assert.equal(back.operations.map(({ action, subject }) => `${action} ${subject}`).slice(0, 1), [
    'update interface lan',
  ]);
  await domain.acceptDrift();
  assert.is((await domain.drift()).seal, 'intact');
});

test('drift: what this process does and undoes is intact, though the seal is an earlier one again', async () => {
  const b = await bench();
  const domain = await b.define();
  await domain.apply(await domain.plan({ set: { title: 'a' } }));
  await domain.apply(await domain.plan({ set: { title: 'b' } }));
  await domain.apply(await domain.plan({ set: { title: 'a' } }));
  const { seal, changes } = await domain.drift();
  assert.equal([seal, changes], ['intact', []]);
});

test('drift: another manager of the process knows what one has seen', async () => {
  const b = await bench();
  const domain = await b.define();
  const old = await domain.canonical();
  await domain.apply(await domain.plan(lan('down')));
  const rival = await b.rival();
  await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml: old, flags: 0 });
  await using connection = await connect(b.host.uri);
  const again = await new DomainManager(connection).get(domain.uuid);
  assert.is((await again.drift()).seal, 'older');
  await again.acceptDrift();
  assert.is((await domain.drift()).seal, 'intact');
});

test('drift: a snapshot that another client reverts to brings its seal along', async () => {
  const b = await bench();
  const domain = await b.define();
  const rival = await b.rival();
  const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
  const snapshot = { dom, xml_desc: '<domainsnapshot><name>s</name></domainsnapshot>', flags: 0 };
  const { snap } = await rival.call('DOMAIN_SNAPSHOT_CREATE_XML', snapshot);
  try {
    await domain.apply(await domain.plan(lan('down')));
    assert.is((await domain.drift()).seal, 'intact');
    await rival.call('DOMAIN_REVERT_TO_SNAPSHOT', { snap, flags: 0 });
    const { seal, changes } = await domain.drift();
    assert.equal([seal, changes.map(({ subject }) => subject)], ['older', ['interface lan']]);
    const { refusals } = await domain.planUndoDrift();
    assert.equal(refusals, []);
  } finally {
    await rival.call('DOMAIN_SNAPSHOT_DELETE', { snap, flags: 0 });
  }
});

test.run();
