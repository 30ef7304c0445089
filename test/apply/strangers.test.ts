/** A document that was copied carries journal, seal and intent along: they are the original's, and nobody's in the copy. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OWN_METADATA } from '../../src/domain/index.js';
import { DomainManager, type ManagedDomain, type Plan } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { writeEntry } from '../support/entry.js';
import { Wire } from '../support/wire.js';
import { virsh, virshWith } from '../testing/virsh.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** The canonical document, metadata left out. */
const machineOf = (xml: string) => xml.replace(/<metadata>[\s\S]*<\/metadata>/, '');
const ENTRY = /<lvcj:entry/;

interface Original {
  readonly domain: ManagedDomain;
  readonly plan: Plan;
  /** Its document in the middle of an apply of `plan`, after the data disk was detached. */
  readonly document: string;
}

/** A domain with a data disk, and its document as it is while the disk is detached by a plan of several calls. */
async function original(b: Bench): Promise<Original> {
  const data = { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' } as const;
  const root = { id: 'root', target: 'vda', file: await b.disk(), format: 'qcow2', boot: 1 } as const;
  const domain = await b.define({ disks: [root, data] });
  const plan = await domain.plan({ detach: [{ disk: 'data' }], set: { title: 't', description: 'd' } });
  const rival = await b.rival();
  const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
  const seen: Array<Promise<string>> = [];
  const look = () => rival.call('DOMAIN_GET_XML_DESC', { dom, flags: 3 }).then(({ xml }) => xml);
  await domain.apply(plan, { onProgress: () => void seen.push(look()) });
  const document = (await Promise.all(seen)).findLast((xml) => ENTRY.test(xml) && !machineOf(xml).includes('ua-data'));
  assert.ok(document, 'seen in the middle');
  return { domain, plan, document };
}

let copies = 0;
/** The document of a copy: another name, UUID and MAC, everything else as it was. */
function asCopy(document: string): { readonly name: string; readonly uuid: string; readonly xml: string } {
  const n = String(++copies).padStart(2, '0');
  const uuid = `11111111-2222-4333-8444-0000000000${n}`;
  const xml = document
    .replace(/<name>[^<]+/, `<name>copy${n}`)
    .replace(/<uuid>[^<]+/, `<uuid>${uuid}`)
    .replaceAll('52:54:00:00:00:01', `52:54:00:00:01:${n}`);
  return { name: `copy${n}`, uuid, xml };
}

async function copied(b: Bench, document: string): Promise<ManagedDomain> {
  const { uuid, xml } = asCopy(document);
  await virshWith(b.host, xml, 'define');
  return b.manager.get(uuid);
}

for (const mode of ['undo', 'complete', 'keep'] as const)
  test(`recover({ mode: '${mode}' }) of a copy takes the journal out, and makes no call of the original's plan`, async () => {
    const b = await bench();
    const { document } = await original(b);
    const copy = await copied(b, document);
    const before = await copy.canonical();
    assert.match(before, ENTRY);
    using wire = new Wire();
    assert.equal(await copy.recover({ mode }), { operations: [], differences: [] });
    // The claim, the entry of the original, and the claim again.
    assert.equal(wire.mutators(copy.uuid), Array(3).fill('DOMAIN_SET_METADATA'));
    const after = await copy.canonical();
    assert.is(machineOf(after), machineOf(before));
    assert.not.match(after, ENTRY);
  });

test('nothing of the original counts in a copy: not interrupted, not barred, no seal, no intent', async () => {
  const b = await bench();
  const { document } = await original(b);
  const copy = await copied(b, document);
  assert.is(copy.interrupted, undefined);
  const { seal, changes, apply } = await copy.drift();
  assert.equal([seal, changes, apply], ['missing', [], 'none']);
  await failure(copy.planUndoDrift(), 'DOMAIN_STATE');
  const file = /source file='([^']+)'/.exec(await copy.canonical())?.[1] as string;
  const towards = await copy.planTowards({
    name: copy.name,
    memory: '64 MiB',
    disks: [{ id: 'root', target: 'vda', file, format: 'qcow2' }],
  });
  assert.equal(
    towards.operations.map(({ subject }) => subject),
    ['intent'],
    'what the original’s callers asked for is not detached',
  );
  assert.match(String(towards), 'the journal of another domain');
  await copy.apply(await copy.plan({ set: { title: 'mine' } }), { wait: 0 });
  await copy.apply(await copy.plan({ set: { title: 'ours', description: 'mine' } }), { wait: 0 });
  assert.is((await copy.drift()).seal, 'intact', 'sealed as its own');
  await copy.acceptDrift();
  await copy.apply(await copy.planTowards((await copy.canonical()).replace('>ours<', '>by document<')));
  assert.match(await copy.canonical(), `<lvc:intent xmlns:lvc="${OWN_METADATA.intent.uri}" domain="${copy.uuid}">`);
});

test('an entry as releases wrote it that named the domain in its plan alone', async () => {
  const b = await bench();
  const { plan, domain } = await original(b);
  const copy = await b.define();
  await writeEntry(b.connection, copy, {}, { plan: JSON.stringify(plan), domain: null });
  const found = await b.manager.get(copy.uuid);
  assert.is(found.interrupted, undefined);
  await found.apply(await found.plan({ set: { title: 'x' } }), { wait: 0 });
  await writeEntry(b.connection, domain, {}, { plan: JSON.stringify(plan), domain: null });
  assert.is((await b.manager.get(domain.uuid)).interrupted?.operations.length, plan.operations.length);
});

test('an entry that names this domain and holds the plan of another is carried out by nobody', async () => {
  const b = await bench();
  const { plan } = await original(b);
  const domain = await b.define();
  await writeEntry(b.connection, domain, {}, { plan: JSON.stringify(plan) });
  const before = machineOf(await domain.canonical());
  for (const mode of ['undo', 'complete'] as const)
    assert.match((await failure(domain.recover({ mode }), 'PLAN_REFUSED')).message, "mode: 'keep'");
  assert.is(machineOf(await domain.canonical()), before);
  await domain.recover({ mode: 'keep' });
  assert.not.match(await domain.canonical(), ENTRY);
});

test('define drops it: journal and seal, and the intent unless it is of the domain that is defined', async () => {
  const b = await bench();
  const { domain, document } = await original(b);
  const { xml, uuid } = asCopy(document);
  const copy = await b.manager.define(xml);
  const made = await copy.canonical();
  assert.not.match(made, ENTRY);
  assert.equal(
    [...made.matchAll(/<lvc:intent[^>]* domain="([^"]+)"/g)].map(([, of]) => of),
    [uuid],
  );
  assert.is((await copy.drift()).seal, 'intact');
  // The same domain again, of which something was others'.
  const rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>";
  await virshWith(b.host, rng, 'attach-device', domain.uuid, '--config');
  const last = await domain.canonical();
  await domain.undefine();
  const again = await new DomainManager(await b.rival()).define(last);
  const intent = /<lvc:intent[\s\S]*<\/lvc:intent>/;
  assert.is(intent.exec(await again.canonical())?.[0], intent.exec(last)?.[0], 'remembered, not guessed anew');
});

test('import drops it, whatever somebody put into the bundle', async () => {
  const b = await bench();
  const { document } = await original(b);
  const { xml } = asCopy(document);
  const source = await b.manager.define(xml);
  const bundle = await source.export();
  await source.undefine();
  const metadata = /<metadata>[\s\S]*<\/metadata>/;
  const mark = `<lvcr:rescue xmlns:lvcr='${OWN_METADATA.rescue.uri}' disk='disk x' target='vdx'/>`;
  const theirs = `${metadata.exec(document)}`.replace('</metadata>', `${mark}</metadata>`);
  const imported = await b.manager.import({ ...bundle, document: bundle.document.replace(metadata, () => theirs) });
  const made = await imported.canonical();
  assert.not.match(made, /lvcj:entry|lvcr:rescue|lvc:intent/);
  assert.is((await imported.drift()).seal, 'intact');
});

test('a domain that was renamed while it was interrupted is the same domain', async () => {
  const b = await bench();
  const domain = await b.define();
  const plan = await domain.plan({ set: { title: 'a', description: 'b' } });
  await writeEntry(b.connection, domain, {}, { plan: JSON.stringify(plan) });
  await virsh(b.host, 'domrename', domain.name, `${domain.name}-new`);
  const renamed = await new DomainManager(b.connection).get(`${domain.name}-new`);
  assert.is(renamed.interrupted?.operations.length, 2);
  await renamed.recover({ mode: 'complete' });
  assert.match(await renamed.canonical(), '<title>a</title>');
});

test('a claim of another domain waits for nothing here', async () => {
  const b = await bench();
  const domain = await b.define();
  await writeEntry(b.connection, domain, { host: 'elsewhere' }, { phase: 'claim', domain: asCopy('').uuid });
  assert.is((await b.manager.get(domain.uuid)).interrupted, undefined);
  await domain.apply(await domain.plan({ set: { title: 'x' } }), { wait: 0 });
  await domain.recover({ mode: 'keep' });
  assert.not.match(await domain.canonical(), ENTRY);
});

test.run();
