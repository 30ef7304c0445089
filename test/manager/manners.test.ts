import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, DomainManager } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';

const bench = benchOnDemand();
test.after(bench.stop);

test('a domain says which it is: as a text, to console.log and in a message, with what was seen of it last', async () => {
  const { define, manager, connection } = await bench();
  const made = await define({ name: 'said' });
  assert.is(String(made), `domain said (${made.uuid}): not read yet`);
  const domain = await manager.get('said');
  const count = (await domain.devices()).length;
  assert.is(`${domain}`, `domain said (${domain.uuid}): off when last read, ${count} devices`);
  assert.is(inspect(domain), String(domain));
  assert.is(inspect({ domain }), `{\n  domain: ${domain}\n}`);
  await domain.start({ paused: true });
  await domain.live();
  assert.match(String(domain), 'running when last read');
  await domain.destroy();
  await connection.call('DOMAIN_UNDEFINE_FLAGS', { dom: { name: 'said', uuid: domain.uuid, id: -1 }, flags: 0 });
  await failure(domain.canonical(), 'DOMAIN_NOT_FOUND');
});

test('all: every domain of the host at once, as list yields them', async () => {
  const { define, manager } = await bench();
  for (const name of ['one', 'two']) await define({ name });
  const listed: string[] = [];
  for await (const { name } of manager.list()) listed.push(name);
  const all = await manager.all();
  assert.equal(
    all.map(({ name }) => name),
    listed,
  );
  assert.ok(listed.includes('one') && listed.includes('two'));
  await failure(manager.all({ sgnal: undefined, timout: 3 } as never), 'ARGUMENT_INVALID');
});

test('a read-only connection reads domains, without their secrets', async () => {
  const { define, host } = await bench();
  await define({ name: 'looked-at', devices: [{ graphics: { type: 'vnc', passwd: 'hush' } }] });
  const looking = await connect(host.uri, { readonly: true });
  try {
    const domain = await new DomainManager(looking).get('looked-at');
    const xml = await domain.canonical();
    assert.match(xml, "type='vnc'");
    assert.not.match(xml, 'hush');
    assert.is((await domain.devices()).find(({ kind }) => kind === 'graphics')?.in, 'canonical');
  } finally {
    await looking.close();
  }
});

test.run();
