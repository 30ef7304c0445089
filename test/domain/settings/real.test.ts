import gte from 'semver/functions/gte.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SETTINGS } from '../../../src/domain/index.js';
import { cases, refusals } from '../../matrix/cases/settings.js';
import { benchOnDemand } from '../../support/bench.js';
import { failure } from '../../support/deadline.js';
import { prove, proveAllowed, proveRefusal, SettingBench } from './prove.js';

const test = suite('settings on a real domain');
const get = benchOnDemand();
test.after(() => get.stop());

for (const each of cases) {
  if (each.host !== 'session') continue;
  for (const way of ['off', 'together', 'apart'] as const) {
    if (each.states && !each.states.includes(way === 'off' ? 'off' : 'running')) continue;
    test(`${each.setting}: ${each.title} (${way})`, async () => {
      const bench = await get();
      const domain = await (way === 'off' ? bench.define(each.domain) : bench.started(each.domain));
      const subject = new SettingBench(bench.connection, domain, true);
      if (gte(bench.connection.libvirtVersion, each.since ?? '0.0.0')) await prove(subject, each, way);
      else {
        const { message } = await failure(subject.plan(each.setting, each.values[0]?.value), 'UNSUPPORTED');
        assert.match(message, `${each.since}`);
      }
      await domain.destroy();
    });
  }
}

for (const each of refusals) {
  if (each.host !== 'session') continue;
  test(`${each.setting}: refused, ${each.title}`, async () => {
    const bench = await get();
    const domain = await (each.state === 'off' ? bench.define(each.domain) : bench.started(each.domain));
    const subject = new SettingBench(bench.connection, domain, true);
    if (each.until && gte(bench.connection.libvirtVersion, each.until)) await proveAllowed(subject, each);
    else await proveRefusal(subject, each);
    await domain.destroy();
  });
}

test('a renamed domain answers to its new name, by the same object and the same UUID', async () => {
  const { define, manager } = await get();
  const domain = await define();
  const { name, uuid } = domain;
  await domain.apply(await domain.plan({ set: { name: 'renamed' } }));
  assert.is(domain.name, 'renamed');
  assert.is(domain.uuid, uuid);
  assert.is((await domain.plan({ set: { name: 'renamed' } })).isEmpty, true);
  assert.is((await manager.get('renamed')).uuid, uuid);
  await failure(manager.get(name), 'DOMAIN_NOT_FOUND');
  await domain.start({ paused: true });
  await domain.destroy();
});

test('every setting has a case', () => {
  for (const setting of Object.keys(SETTINGS))
    assert.ok(
      cases.some((each) => each.setting === setting && each.values.length > 0),
      `a case for ${setting}`,
    );
});

test.run();
