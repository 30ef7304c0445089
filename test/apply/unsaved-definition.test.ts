/** What a failed transient start leaves in libvirt's memory is written over the canonical document by nobody, and run by nobody. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ManagedDomain } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { writeEntry } from '../support/entry.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** Leaves a document without NIC in libvirt's memory: it takes two addresses to listen on, and refuses them early in a start. */
async function leaveBehind(b: Bench, domain: ManagedDomain): Promise<void> {
  const listens = "<listen type='address' address='127.0.0.1'/>".repeat(2);
  const xml_desc = (await domain.canonical())
    .replace('</devices>', `<graphics type='vnc' autoport='yes'>${listens}</graphics></devices>`)
    .replace(/<interface[\s\S]*?<\/interface>/, '');
  const rival = await b.rival();
  await failure(rival.call('DOMAIN_CREATE_XML', { xml_desc, flags: 0 }), 'LIBVIRT');
  const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
  const { xml } = await rival.call('DOMAIN_GET_XML_DESC', { dom, flags: 0 });
  assert.not.match(xml, '<interface');
  await rival.close();
}

/** What is asked of the domain before the document is left behind, and what is then to be refused. */
const WRITERS: Readonly<Record<string, (domain: ManagedDomain, b: Bench) => Promise<() => Promise<unknown>>>> = {
  'apply of one call': async (domain) => {
    const plan = await domain.plan({ set: { title: 'x' } });
    return () => domain.apply(plan);
  },
  'apply of several calls': async (domain) => {
    const plan = await domain.plan({ set: { title: 'x', description: 'y' } });
    return () => domain.apply(plan);
  },
  resize: async (domain) => () => domain.resize({ vcpus: 2 }),
  acceptDrift: async (domain) => () => domain.acceptDrift(),
  'acceptDrift of drift': async (domain, b) => {
    const args = { type: 1, metadata: 'theirs', key: null, uri: null, flags: 2 };
    await b.connection.call('DOMAIN_SET_METADATA', { dom: { name: domain.name, uuid: domain.uuid, id: -1 }, ...args });
    assert.is((await domain.drift()).changes.length, 1);
    return () => domain.acceptDrift();
  },
  recover: async (domain, b) => {
    const plan = await domain.plan({ set: { title: 'x', description: 'y' } });
    await writeEntry(b.connection, domain, {}, { plan: JSON.stringify(plan) });
    return () => domain.recover({ mode: 'complete' });
  },
  'recover that keeps': async (domain, b) => {
    await writeEntry(b.connection, domain);
    return () => domain.recover({ mode: 'keep' });
  },
  'recover of a claim': async (domain, b) => {
    await writeEntry(b.connection, domain, { host: 'elsewhere' }, { phase: 'claim' });
    return () => domain.recover({ mode: 'keep', owner: 'gone' });
  },
  snapshot: async (domain) => () => domain.snapshot({ name: 's', disks: { root: {} } }),
  resizeDisk: async (domain) => () => domain.resizeDisk('root', { capacity: '2 MiB' }),
  abiUpgrade: async (domain) => {
    const proposal = await domain.proposeAbiUpgrade({ cpu: 'Nehalem' });
    assert.not(proposal.isEmpty);
    const keep = () => assert.unreachable('nothing is changed, so nothing is kept');
    return () => domain.abiUpgrade(proposal, { confirm: proposal.token, keep });
  },
  undefine: async (domain) => () => domain.undefine(),
  start: async (domain) => () => domain.start(),
  'start that verifies': async (domain) => () => domain.start({ verify: 'guest-abi', managedSave: 'discard' }),
  'reboot of one that is off': async (domain) => () => domain.reboot({ mode: 'hard' }),
};

for (const [what, prepare] of Object.entries(WRITERS))
  test(`${what}: refused before anything is written, and done once unrescue() has cleared it`, async () => {
    const b = await bench();
    const domain = await b.define();
    const attempt = await prepare(domain, b);
    const before = await domain.canonical();
    await leaveBehind(b, domain);
    using wire = new Wire();
    const error = await failure(attempt(), 'DOMAIN_STATE');
    assert.match(error.message, 'failed transient start');
    const expected = what.startsWith('reboot') ? ['DOMAIN_DESTROY_FLAGS'] : [];
    assert.equal(wire.mutators(domain.uuid), expected);
    assert.is(await domain.canonical(), before);
    assert.is(await domain.state(), 'shutoff');
    await domain.unrescue({ after: 'stay-off' });
    assert.is(await domain.canonical(), before);
  });

test('left behind while an apply waits for its turn: its claim stays, since taking it out would write the other document', async () => {
  const b = await bench();
  const domain = await b.define();
  await writeEntry(b.connection, domain, { host: 'elsewhere' }, { phase: 'claim' });
  const plan = await domain.plan({ set: { title: 'x' } });
  const waiting = domain.apply(plan, { wait: 3_000 });
  const rival = await b.manager.get(domain.uuid);
  while ((await rival.canonical()).match(/<lvcj:entry/g)?.length !== 2)
    await new Promise((done) => setTimeout(done, 20));
  await leaveBehind(b, domain);
  const error = await waiting.then(
    () => assert.unreachable('applied'),
    (caught: unknown) => caught as { code?: string },
  );
  assert.ok(error?.code === 'APPLY_IN_PROGRESS' || error?.code === 'DOMAIN_STATE', String(error));
  const after = await domain.canonical();
  assert.match(after, '<interface');
  assert.not.match(after, '<title>');
  await domain.unrescue({ after: 'stay-off' });
  assert.is(await domain.canonical(), after);
  await domain.recover({ mode: 'keep', owner: 'gone' });
  await domain.apply(await domain.plan({ set: { title: 'x' } }), { wait: 0 });
  assert.not.match(await domain.canonical(), /<lvcj:entry/);
});

test.run();
