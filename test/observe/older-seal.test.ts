import { test } from 'uvu';
import * as assert from 'uvu/assert';
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

test.run();
