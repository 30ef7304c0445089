/** Claims: of two operations one has a domain, and nothing but claims shows them. */
import { randomUUID } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bundleDigest,
  type ClaimInput,
  type DomainClaimedError,
  type EvacuateInput,
  Fleet,
  type FleetOptions,
  type MoveInput,
  personConfirms,
} from '../../src/fleet/index.js';
import { freeUri } from '../migration/pair.js';
import { failure, scaled, within } from '../support/deadline.js';
import { Wire } from '../support/wire.js';
import { type Name, trioOnDemand } from './trio.js';

const trio = trioOnDemand();
test.after(trio.stop);
const MINUTE = 60_000;
const NAMESPACE = 'urn:libvirt-canonical:claim:1';

async function fleetOf(timeout = 20_000): Promise<Fleet> {
  const { uris } = await trio();
  const spec = async (name: Name) => [name, { uri: uris[name], migration: { uri: await freeUri() } }] as const;
  const hosts: FleetOptions['hosts'] = Object.fromEntries(await Promise.all([spec('a'), spec('b'), spec('c')]));
  return Fleet.open({ hosts, timeout: scaled(timeout) });
}
const named = ({ name, uuid }: { readonly name: string; readonly uuid: string }) => ({ name, uuid });

test('claim: one operation has it, asked again it is done already, another is refused with what it needs to know', async () => {
  const { clear, domain } = await trio();
  await clear();
  const web = await domain('a', { name: 'web' });
  await using fleet = await fleetOf();
  const mine: ClaimInput = { operation: 'drain-a <1> "ä"', domain: named(web), from: 'a' };
  const other: ClaimInput = { ...mine, operation: 'drain-a-2' };
  const before = Date.now();
  const first = await fleet.steps.claim(mine);
  assert.equal([first.outcome, first.host, first.claim.operation], ['claimed', 'a', mine.operation]);
  assert.ok(Date.parse(first.claim.since) >= before && Date.parse(first.claim.since) <= Date.now());
  assert.equal(JSON.parse(JSON.stringify(first)), first, 'it can be kept');
  assert.equal((await fleet.where('web')).found[0]?.claim, first.claim);
  assert.ok((await web.canonical()).includes(NAMESPACE) && !(await web.live())?.includes(NAMESPACE));

  using wire = new Wire();
  assert.equal(await fleet.steps.claim(mine), { ...first, outcome: 'already' });
  const refused = await failure<DomainClaimedError>(fleet.steps.claim(other), 'DOMAIN_CLAIMED');
  assert.equal(refused.claim, first.claim);
  assert.match(refused.message, `claimed by the operation ${mine.operation}, on a since ${first.claim.since}`);
  assert.match(refused.remedy as string, /fleet\.steps\.unclaim with operation/);
  assert.equal((await fleet.steps.unclaim(other)).outcome, 'already', 'one takes its own claim only');
  for (const wrong of [
    { ...mine, operation: '' },
    { ...mine, operation: 'x\ny' },
    { ...mine, operation: 'x'.repeat(201) },
    { ...mine, from: 'd' },
    { ...mine, host: 'a' },
    { domain: named(web), from: 'a' },
    undefined,
  ])
    await failure(fleet.steps.claim(wrong as never), 'ARGUMENT_INVALID');
  await failure(fleet.steps.claim(mine, { signal: AbortSignal.abort() }), 'ABORTED');
  assert.equal(wire.mutators(), [], 'none of them writes anything');

  assert.equal(await fleet.steps.unclaim(mine), { outcome: 'unclaimed', domain: named(web), hosts: ['a'] });
  assert.equal((await fleet.steps.unclaim(mine)).outcome, 'already');
  assert.not.match(await web.canonical(), NAMESPACE);
  assert.is((await fleet.steps.claim(other)).outcome, 'claimed', 'it is free again');
  await fleet.steps.unclaim(other);
  await failure(fleet.steps.claim({ ...mine, from: 'b' }), 'FLEET_PLAN_STALE');
  const nobody = { name: 'nobody', uuid: randomUUID() };
  await failure(fleet.steps.claim({ ...mine, domain: nobody }), 'FLEET_PLAN_STALE');
  assert.is((await fleet.steps.unclaim({ ...mine, domain: nobody })).outcome, 'already');
});

test('claim: of twelve operations that ask at once one gets it, each time, and no other leaves a trace', async () => {
  const { clear, domain } = await trio();
  await clear();
  const web = await domain('a', { name: 'web' });
  // A connection each: calls of one are sent one after the other.
  const fleets = await Promise.all(Array.from({ length: 12 }, () => fleetOf(60_000)));
  try {
    for (let round = 0; round < 5; round++) {
      const inputs = fleets.map(
        (_, at): ClaimInput => ({ operation: `${round}-${at}`, domain: named(web), from: 'a' }),
      );
      const answers = await Promise.allSettled(fleets.map((fleet, at) => fleet.steps.claim(inputs[at] as ClaimInput)));
      const won = answers.flatMap((each, at) => (each.status === 'fulfilled' ? at : []));
      assert.is(won.length, 1, `round ${round}: ${won} have it`);
      for (const each of answers)
        if (each.status === 'rejected') assert.is(each.reason.code, 'DOMAIN_CLAIMED', String(each.reason));
      const document = await web.canonical();
      assert.is(document.split(`${NAMESPACE}:`).length - 1, 1, document);
      await fleets[0]?.steps.unclaim(inputs[won[0] as number] as ClaimInput);
    }
  } finally {
    await Promise.all(fleets.map((fleet) => fleet.close()));
  }
});

test('claim: another one behind it, left by a process that was cut, has the domain once the first is gone, and not before', async () => {
  const { clear, domain, rival } = await trio();
  await clear();
  const web = await domain('a', { name: 'web' }, 'off');
  await using fleet = await fleetOf();
  const [first, second] = ['one', 'two'].map((operation): ClaimInput => ({ operation, domain: named(web), from: 'a' }));
  await fleet.steps.claim(second as ClaimInput);
  const cut = (await web.canonical()).match(/<lvcc:claim [^>]*\/>/)?.[0] as string;
  await fleet.steps.unclaim(second as ClaimInput);
  await fleet.steps.claim(first as ClaimInput);
  await using somebody = await rival('a');
  const uri = cut.match(/xmlns:lvcc="([^"]+)"/)?.[1] as string;
  const write = (metadata: string) =>
    somebody.call('DOMAIN_SET_METADATA', {
      dom: { ...named(web), id: -1 },
      type: 2,
      metadata: metadata.replace(/lvcc:|xmlns:lvcc="[^"]*"/g, ''),
      key: 'lvcc',
      uri,
      flags: 2,
    });
  await write(cut);
  assert.equal(
    (await fleet.where('web')).found[0]?.claims?.map(({ operation }) => operation),
    ['one', 'two'],
  );
  await failure(fleet.steps.claim(second as ClaimInput), 'DOMAIN_CLAIMED');
  await fleet.steps.unclaim(first as ClaimInput);
  assert.is((await fleet.steps.claim(second as ClaimInput)).outcome, 'already');
  await fleet.steps.unclaim(second as ClaimInput);
  // A claim of nobody's: of another domain, or without one, as a copied document carries it.
  for (const copied of [cut.replace(web.uuid, randomUUID()), cut.replace(/ domain="[^"]*"/, '')]) {
    await write(copied);
    assert.match(await web.canonical(), NAMESPACE);
    assert.is((await fleet.where('web')).found[0]?.claim, undefined);
    assert.is((await fleet.steps.claim(first as ClaimInput)).outcome, 'claimed');
    await fleet.steps.unclaim(first as ClaimInput);
  }
});

test('claim: no plan, drift, pending change or seal shows it, no caller writes it, and no copy or bundle carries it', async () => {
  const { clear, domain, hosts } = await trio();
  await clear();
  const file = await hosts.a.createDisk(`claimed-${Date.now()}.qcow2`, { size: '1 MiB' });
  const web = await domain('a', { name: 'web', disks: [{ id: 'root', target: 'vda', file, format: 'qcow2' }] });
  await using fleet = await fleetOf();
  await web.apply(await web.plan({ set: { title: 'sealed' } }));
  const planned = await web.plan({ set: { description: 'said before' } });
  const wanted = await web.canonical();
  const towards = String(await web.planTowards(wanted));
  await fleet.steps.claim({ operation: 'drain-a', domain: named(web), from: 'a' });
  assert.match(await web.canonical(), NAMESPACE);
  assert.equal((await web.drift()).changes, []);
  for (const xml of [wanted, await web.canonical()]) assert.is(String(await web.planTowards(xml)), towards);
  assert.is((await web.plan({ set: { title: 'sealed' } })).isEmpty, true);
  const { changes } = await web.pending();
  assert.equal(changes, []);
  await web.apply(planned);
  assert.match(await web.canonical(), NAMESPACE, 'what an apply leaves');
  assert.equal((await web.drift()).changes, []);
  await failure(web.plan({ set: { metadata: { [`${NAMESPACE}:x`]: null } } }), 'SPEC_INVALID');

  const bundle = await web.export();
  assert.not.match(JSON.stringify(bundle), NAMESPACE);
  const [uuid, name] = [randomUUID(), 'copy'];
  const copied = (await web.canonical()).replaceAll(web.uuid, uuid).replace('<name>web<', `<name>${name}<`);
  const copy = await (await fleet.manager('b')).define(copied.replace(/<disk [\s\S]*?<\/disk>/, ''));
  assert.not.match(await copy.canonical(), NAMESPACE);
});

test('steps refuse a domain that another operation claims, before anything is changed, and go on for the one that has it', async () => {
  const { clear, domain, managers } = await trio();
  await clear();
  const web = await domain('a', { name: 'web' }, 'awake');
  await using fleet = await fleetOf();
  const plan = await fleet.planDrain('a', { to: ['b'] });
  const [input] = plan.steps.moves as [MoveInput];
  const request = { set: { title: 'batch' } };
  const change = await fleet.planApply({ request });
  const apply = change.steps.applies[0] as (typeof change.steps.applies)[number];
  const operation = 'drain-a';
  await fleet.steps.claim({ operation, domain: named(web), from: 'a' });
  const shutdown = { domain: named(web), from: 'a', shutdown: { timeout: 10, onTimeout: 'destroy' } } as const;
  using wire = new Wire();
  for (const asks of [{}, { operation: 'another' }]) {
    await failure(fleet.steps.move({ ...input, ...asks }), 'DOMAIN_CLAIMED');
    await failure(fleet.steps.shutDown({ ...shutdown, ...asks }), 'DOMAIN_CLAIMED');
    await failure(fleet.steps.apply({ ...apply, ...asks }, { request }), 'DOMAIN_CLAIMED');
  }
  assert.equal(wire.mutators(), []);
  assert.is(
    (await fleet.steps.apply({ ...apply, operation }, { request })).outcome,
    'applied',
    'a claim makes no plan stale',
  );
  assert.is((await within(fleet.steps.move({ ...input, operation }), MINUTE)).outcome, 'moved');

  // It came along, live and cold.
  assert.equal(
    (await fleet.where('web')).found.map(({ host, claim }) => [host, claim?.operation]),
    [['b', operation]],
  );
  const back: MoveInput = { ...input, from: 'b', to: 'c' };
  await failure(fleet.steps.move(back), 'DOMAIN_CLAIMED');
  const cold: MoveInput = { ...back, way: 'cold', shutdown: { timeout: 10, onTimeout: 'destroy' }, operation };
  assert.is((await within(fleet.steps.move(cold), MINUTE)).state, 'running');
  const there = (await fleet.where('web')).found;
  assert.equal(
    there.map(({ host, claim }) => [host, claim?.operation, claim?.host]),
    [['c', operation, 'a']],
  );
  assert.equal((await (await managers.c.get(web.uuid)).drift()).changes, []);
  assert.equal(await fleet.steps.unclaim({ operation, domain: named(web), from: 'a' }), {
    outcome: 'unclaimed',
    domain: named(web),
    hosts: ['c'],
  });
  assert.is(
    (await fleet.steps.shutDown({ ...shutdown, from: 'c' })).outcome,
    'shut-down',
    'without one nobody is refused',
  );
});

test('claim of a transient domain is in the document of its run', async () => {
  const { clear, managers, rival } = await trio();
  await clear();
  await using somebody = await rival('a');
  const [uuid, name] = [randomUUID(), 'passing'];
  const xml = `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>32</memory><os><type>hvm</type></os></domain>`;
  await somebody.call('DOMAIN_CREATE_XML', { xml_desc: xml, flags: 1 });
  await using fleet = await fleetOf();
  const input: ClaimInput = { operation: 'x', domain: { name, uuid }, from: 'a' };
  assert.is((await fleet.steps.claim(input)).outcome, 'claimed');
  await failure(fleet.steps.shutDown({ domain: { name, uuid }, from: 'a' }), 'DOMAIN_CLAIMED');
  assert.is((await fleet.steps.unclaim(input)).outcome, 'unclaimed');
  await (await managers.a.get(uuid)).destroy();
});

test('evacuate: of a domain that another operation claimed at its new home nothing is started', async () => {
  const { clear, domain, hosts, managers } = await trio();
  await clear();
  const web = await domain('a', { name: 'web' });
  const bundle = await web.export();
  await hosts.a.cutPower();
  try {
    await using fleet = await fleetOf(3_000);
    const proof = await fleet.fence('a', personConfirms({ by: 'carol', host: 'a' }));
    const plan = await fleet.planEvacuate('a', { bundles: [bundle], to: ['b'] });
    assert.ok(plan.isPossible, String(plan));
    const [planned] = plan.steps.evacuations;
    const input: EvacuateInput = { ...(planned as NonNullable<typeof planned>), proof };
    const bundles = async ({ digest }: { digest: string }) => (digest === bundleDigest(bundle) ? bundle : '');
    await managers.b.import(bundle);
    await fleet.steps.claim({ operation: 'another', domain: named(web), from: 'b' });
    await failure(fleet.steps.evacuate({ ...input, operation: 'mine' }, { bundles }), 'DOMAIN_CLAIMED');
    assert.is((await fleet.where('web')).outcome, 'off');
    await fleet.steps.unclaim({ operation: 'another', domain: named(web), from: 'b' });
    assert.is((await fleet.steps.evacuate({ ...input, operation: 'mine' }, { bundles })).state, 'running');
  } finally {
    await hosts.a.startDaemon();
  }
});

test.run();
