/** What anybody who may write a domain's metadata can write there, and what this library must never write. */
import { deflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OWN_METADATA } from '../../src/domain/index.js';
import { type Connection, DomainManager, type ManagedDomain } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { writeEntry } from '../support/entry.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const ENTRY = /<lvcj:entry/g;
const bytes = (xml: string) => Buffer.byteLength(xml);
/** The longest text that libvirt's wire carries. */
const LONGEST = 4 * 1024 * 1024;

const setElement = (b: Bench, { name, uuid }: ManagedDomain, uri: string, metadata: string) =>
  b.connection.call('DOMAIN_SET_METADATA', { dom: { name, uuid, id: -1 }, type: 2, metadata, key: 'm', uri, flags: 2 });

/** The longest time for which nothing else could run, in milliseconds. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const look = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const timer = setInterval(look, 5);
  await work();
  await new Promise((resolve) => setTimeout(resolve, 10));
  look();
  clearInterval(timer);
  return longest;
}

test('entries that hold much in little: reading the domain and listing all of the host unpacks none of them', async () => {
  const b = await bench();
  const domain = await b.define();
  const bomb = (domain: string) =>
    deflateSync(`<domain><uuid>${domain}</uuid><devices/>${'<a b="1"/>'.repeat(49_000)}</domain>`).toString('base64');
  const more = { seal: bomb(domain.uuid), drifted: bomb(domain.uuid), libvirt: '9.0.0' };
  for (let n = 0; n < 40; n++)
    await writeEntry(b.connection, domain, { host: `h${n}` }, { phase: n % 2 ? 'claim' : 'apply', more });
  const pause = await longestPause(async () => {
    const found = await b.manager.get(domain.uuid);
    assert.is(found.interrupted?.by.host, 'h0');
    await found.drift();
    for await (const each of b.manager.list()) await each.canonical();
  });
  console.log(`40 entries of ${JSON.stringify(more).length} bytes stop the program for ${Math.round(pause)} ms`);
  // One of them alone takes some 300 ms, and there are 80.
  assert.ok(pause < 1_500, `${pause} ms`);
  await domain.recover({ mode: 'keep', owner: 'gone' });
  assert.equal((await domain.canonical()).match(ENTRY), null);
});

test('a seal that holds much in little is not compared, and one of some size once, however often it is asked for', async () => {
  const b = await bench();
  const domain = await b.define();
  const sealWith = async (parts: number) => {
    const document = `<domain><uuid>${domain.uuid}</uuid><devices/>${'<a b="1"/>'.repeat(parts)}</domain>`;
    const text = deflateSync(document).toString('base64');
    await setElement(b, domain, OWN_METADATA.seal.uri, `<seal libvirt='9.0.0'>${text}</seal>`);
  };
  await sealWith(49_000);
  const refused = await longestPause(async () => assert.is((await domain.drift()).seal, 'unreadable'));
  await sealWith(15_000);
  const first = await longestPause(async () => assert.is((await domain.drift()).changes.length > 0, true));
  const again = await longestPause(async () => {
    for (let n = 0; n < 5; n++) await domain.drift();
  });
  console.log(`pauses: ${[refused, first, again].map(Math.round).join(' ms, ')} ms`);
  assert.ok(refused < 500, `${refused} ms`);
  assert.ok(again < first / 2, `${again} ms, and ${first} ms the first time`);
  await domain.acceptDrift();
  assert.equal((await domain.drift()).changes, []);
});

test('very many entries: the domain is read, waits its turn, and is freed', async () => {
  const b = await bench();
  const domain = await b.define();
  const { prefix, uri } = OWN_METADATA.journal;
  const entries = Array.from(
    { length: 1_500 },
    (_, n) => `<${prefix}:entry xmlns:${prefix}='${uri}:${n}' format='1' phase='claim' host='h' pid='${n}'/>`,
  );
  const xml = (await domain.canonical()).replace('</metadata>', () => `${entries.join('')}</metadata>`);
  await (await b.rival()).call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
  const plan = await domain.plan({ set: { title: 'x' } });
  await failure(domain.apply(plan, { wait: 0 }), 'APPLY_IN_PROGRESS');
  assert.is((await domain.canonical()).match(ENTRY)?.length, 1_500, 'its own claim is out again');
});

test('a plan whose journal would make the domain unreadable is refused before anything is written', async () => {
  const b = await bench();
  for (const [what, words] of [
    ['beyond ASCII', '漢'.repeat(250_000)],
    ['of pairs of units', '😀'.repeat(150_000)],
    ['of markup', '<&>"'.repeat(60_000)],
  ] as const) {
    const domain = await b.define();
    const before = await domain.canonical();
    const plan = await domain.plan({ set: { title: 'x', description: words } });
    assert.ok(JSON.stringify(plan).length < 1024 * 1024, 'in UTF-16 units it is short enough');
    await failure(domain.apply(plan), 'PLAN_REFUSED');
    assert.is(await domain.canonical(), before, what);
    await domain.apply(await domain.plan({ set: { description: words } }));
    assert.ok(bytes(await domain.canonical()) < LONGEST, what);
  }
});

test('a document that is nearly too long: no journal, seal or request makes it unreadable, and what shortens it is possible', async () => {
  const b = await bench();
  const domain = await b.define();
  await domain.apply(await domain.plan({ set: { description: 'd'.repeat(10_000) } }));
  const room = LONGEST - bytes(await domain.canonical()) - 20_000;
  await setElement(b, domain, 'urn:theirs', `<f>${'f'.repeat(room)}</f>`);
  const several = await domain.plan({ set: { vcpus: 2, autostart: true } });
  await failure(domain.apply(several), 'DOMAIN_STATE');
  await failure(domain.plan({ set: { description: 'e'.repeat(20_000) } }), 'SPEC_INVALID');
  const mine = { 'urn:mine': { prefix: 'm', xml: '<a/>' } };
  await failure(domain.plan({ set: { metadata: mine } }), 'SPEC_INVALID');
  assert.ok(bytes(await domain.canonical()) < LONGEST);
  await domain.apply(await domain.plan({ set: { description: null } }));
  await domain.apply(await domain.plan({ set: { metadata: { 'urn:theirs': null } } }));
  await domain.apply(await domain.plan({ set: { vcpus: 2, autostart: true } }));
  assert.equal((await domain.drift()).changes, []);
});

/** A connection over which somebody else writes just before a call that `isIt` accepts. */
function interrupted(real: Connection, isIt: (args: object) => boolean, write: () => Promise<unknown>): Connection {
  const call = async (procedure: string, args: object, ...rest: never[]) => {
    if (isIt(args)) await write();
    return real.call(procedure as never, args as never, ...rest);
  };
  return new Proxy(real, {
    get(target, name) {
      const member: unknown = name === 'call' ? call : Reflect.get(target, name, target);
      return typeof member === 'function' && name !== 'call' ? member.bind(target) : member;
    },
  });
}

for (const phase of ['claim', 'apply'] as const)
  test(`the entry of ${phase} with which the domain cannot be read any more is taken out without reading, and nothing is done`, async () => {
    const b = await bench();
    const domain = await b.define();
    const plan = await domain.plan({ set: { title: 'x', description: 'd'.repeat(100_000) } });
    const before = await domain.canonical();
    const theirs = `<f>${'f'.repeat(LONGEST - bytes(before) - 400)}</f>`;
    const isIt = (args: object) => 'metadata' in args && String(args.metadata).includes(`phase="${phase}"`);
    let written = 0;
    const connection = interrupted(b.connection, isIt, async () => {
      written++;
      await setElement(b, domain, 'urn:theirs', theirs);
    });
    const found = await new DomainManager(connection).get(domain.uuid);
    await failure(found.apply(plan), 'LIBVIRT');
    assert.is(written, 1);
    const after = await domain.canonical();
    assert.equal(after.match(ENTRY), null);
    assert.not.match(after, '<title>');
    await setElement(b, domain, 'urn:theirs', '<f/>');
    await domain.apply(await domain.plan({ set: { title: 'x' } }));
  });

test('one domain that cannot be read stops neither a list nor a watch of all of the host, and says why', async () => {
  const b = await bench();
  const [before, bad, after] = [await b.define(), await b.define(), await b.define()];
  // Each element fits the wire, and both together do not.
  for (const n of [1, 2]) await setElement(b, bad, `urn:theirs:${n}`, `<f>${'f'.repeat(LONGEST / 2)}</f>`);
  await using connection = await b.rival();
  const manager = new DomainManager(connection);
  const listed = new Map<string, ManagedDomain>();
  for await (const domain of manager.list()) listed.set(domain.name, domain);
  assert.is(listed.get(before.name)?.unreadable, undefined);
  assert.is(listed.get(after.name)?.unreadable, undefined);
  const { unreadable } = listed.get(bad.name) as ManagedDomain;
  assert.is(unreadable?.code, 'LIBVIRT');
  assert.match(unreadable?.message ?? '', 'message payload');
  await failure(manager.get(bad.uuid), 'LIBVIRT');
  await using findings = manager.watch({ interval: 200 });
  /** The next that is told of one of the three. */
  const next = async () => {
    for (;;) {
      const { value: finding } = await within(findings.next(), 60_000, 'a finding');
      if (!finding) return 'the end';
      if (finding.type !== 'gap' && [before, bad, after].some(({ uuid }) => uuid === finding.domain.uuid))
        return `${finding.type} ${finding.domain.name}`;
    }
  };
  assert.is(await next(), `unreadable ${bad.name}`);
  // What it says next is of another domain.
  await b.connection.call('DOMAIN_SET_METADATA', {
    ...{ dom: { name: after.name, uuid: after.uuid, id: -1 }, type: 1, metadata: 'theirs' },
    ...{ key: null, uri: null, flags: 2 },
  });
  assert.is(await next(), `drift ${after.name}`);
  for (const n of [1, 2])
    await b.connection.call('DOMAIN_SET_METADATA', {
      ...{ dom: { name: bad.name, uuid: bad.uuid, id: -1 }, type: 2, metadata: null },
      ...{ key: null, uri: `urn:theirs:${n}`, flags: 2 },
    });
  const there = listed.get(bad.name) as ManagedDomain;
  await there.canonical();
  assert.is(there.unreadable, undefined);
});

test.run();
