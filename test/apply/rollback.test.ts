/**
 * Whatever a plan has done is taken back: after a failure at each of its steps, and of each kind of device, the documents
 * are what they were to the byte, but for what apply keeps in them for itself.
 */
import gte from 'semver/functions/gte.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { domainXml, kindOrUnknown, withoutBookkeeping } from '../../src/domain/index.js';
import {
  type ApplyError,
  type ApplyOptions,
  type ChangeRequest,
  LibvirtCanonicalError,
  type ManagedDomain,
  type Plan,
} from '../../src/index.js';
import { batchesOf, type Subject, subjectOf } from '../matrix/batches.js';
import { sameText } from '../matrix/box.js';
import { casesByKind } from '../matrix/cases.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { documentsOf, sorted } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** Both documents without what apply keeps in them for itself, and without the order of what came back. */
async function textsOf(domain: ManagedDomain): Promise<Array<string | undefined>> {
  const { canonical, live } = await documentsOf(domain);
  return [canonical, live].map((xml) => xml && sorted(withoutBookkeeping(xml)));
}

async function isAsBefore(domain: ManagedDomain, before: Array<string | undefined>, what: string): Promise<void> {
  for (const [at, text] of (await textsOf(domain)).entries()) sameText(text, before[at], what);
}

/** Applies a plan whose call number `at` fails, and returns the error. */
function failing(domain: ManagedDomain, plan: Plan, at: number, options: ApplyOptions = {}): Promise<ApplyError> {
  const given = new AbortController();
  const onProgress: ApplyOptions['onProgress'] = ({ state, done }) => {
    if (state === 'started' && done === at) given.abort();
  };
  return failure<ApplyError>(domain.apply(plan, { ...options, signal: given.signal, onProgress }), 'APPLY_FAILED');
}

const SECRET = '0d5b5e06-6f6f-4f7c-9c6c-7d2b6d4c7a11';

/** A domain with secrets and tuning in its document, and a request that changes much of it in many steps. */
async function longPlan(b: Bench): Promise<{ domain: ManagedDomain; request: ChangeRequest }> {
  const auth = { username: 'admin', type: 'ceph', secret: { uuid: SECRET } } as const;
  const network = (name: string) => ({ protocol: 'rbd', name, hosts: [{ name: 'ceph.example' }], auth }) as const;
  const domain = await b.define({
    disks: [
      { id: 'root', target: 'vda', file: await b.disk(), format: 'qcow2', boot: 1 },
      { id: 'data', target: 'vdb', network: network('pool/data'), serial: 'DATA' },
      { id: 'old', target: 'vdc', network: network('pool/old'), serial: 'OLD', boot: 3 },
    ],
    devices: [{ graphics: { type: 'vnc', autoport: true, passwd: 'zeroth', passwdValidTo: '2099-12-31T23:59:59' } }],
  });
  const set = { metadata: { 'urn:a': { prefix: 'a', xml: '<kept secret="s"/>' } } };
  await domain.apply(await domain.plan({ attach: [{ rng: { id: 'rng', random: '/dev/urandom' } }], set }));
  const request: ChangeRequest = {
    detach: [{ disk: 'old' }, { rng: 'rng' }],
    update: [
      { disk: 'data', set: { serial: 'NEW', driver: { cache: 'none' } } },
      { graphics: 'vnc', set: { passwd: 'first', passwdValidTo: null } },
      { interface: 'lan', set: { link: 'down' } },
    ],
    attach: [
      { disk: { id: 'new', target: 'vdd', network: network('pool/new'), boot: 3 } },
      { interface: { id: 'wan', user: true } },
      { input: { id: 'pen', type: 'tablet', bus: 'virtio' } },
    ],
    set: {
      title: 'after',
      description: 'after',
      vcpus: 2,
      memory: '80 MiB',
      autostart: true,
      iotune: { vda: { totalIopsSec: 100 } },
      metadata: { 'urn:a': null, 'urn:b': { prefix: 'b', xml: '<new/>' } },
    },
  };
  return { domain, request };
}

test('a failure at each step of a long plan: the documents are as before, secrets included', async () => {
  const { domain, request: most } = await longPlan(await bench());
  // libvirt adds a bridge for it.
  const watchdog = { watchdog: { model: 'i6300esb', action: 'reset' } } as const;
  const request = { ...most, attach: [...(most.attach ?? []), watchdog] };
  const before = await textsOf(domain);
  const plan = await domain.plan(request);
  assert.equal(plan.refusals, []);
  assert.ok(plan.operations.length >= 15, String(plan));
  assert.equal(new Set(plan.operations.map(({ action }) => action)), new Set(['attach', 'detach', 'update', 'set']));
  using wire = new Wire();
  for (let at = 0; at < plan.operations.length; at++) {
    const error = await failing(domain, await domain.plan(request), at);
    const where = `step ${at + 1}, ${error.operation.action} of ${error.operation.subject}`;
    assert.is(error.rollback, 'undone', `${where}: ${error.rollbackErrors.join('\n')}`);
    assert.is(error.applied.length, at);
    await isAsBefore(domain, before, where);
    assert.is((await domain.plan({ set: { autostart: false } })).isEmpty, true, where);
  }
  assert.equal(wire.defining(), []);
});

test('stopped at a step instead: what was done stands, and the same request goes on from there', async () => {
  const { domain, request } = await longPlan(await bench());
  const plan = await domain.plan(request);
  const error = await failing(domain, plan, 9, { onFailure: 'stop' });
  assert.is(error.rollback, 'kept');
  assert.is(error.applied.length, 9);
  assert.is(domain.interrupted, undefined, 'nothing is left to settle');
  const rest = await domain.plan(request);
  const again = error.applied.filter(({ action, subject }) =>
    rest.operations.some((each) => each.action === action && each.subject === subject && action !== 'set'),
  );
  assert.equal(again, [], 'nothing is done twice');
  await domain.apply(rest);
  assert.is((await domain.plan(request)).isEmpty, true);
});

test('rollback: devices of every kind that can come and go, attached and taken back, detached and put back', async () => {
  const b = await bench();
  const cases = [...(await casesByKind()).values()].flat().filter(({ host }) => host === 'session');
  const subjects = await Promise.all(cases.map((each) => subjectOf(each, b.host)));
  const proved = { attach: new Set<string>(), detach: new Set<string>() };
  for (const { needs, subjects: all } of batchesOf(subjects)) {
    const spec = {
      name: `every${++batches}`,
      type: 'qemu',
      memory: '64 MiB',
      hotplug: { pciePorts: all.length + 12 },
      disks: [{ id: 'root', target: 'vda', file: await b.disk(), format: 'qcow2', boot: 1 }],
      devices: [...(needs?.devices ?? [])],
    } as const;
    const xml = domainXml(spec, crypto.randomUUID());
    const domain = await b.manager.define(needs?.xml?.(xml) ?? xml);
    const attach: Subject[] = [];
    for (const subject of all) if (await planned(domain, { attach: [subject.xml] })) attach.push(subject);
    const plan = attach.length > 0 && (await planned(domain, { attach: attach.map(({ xml }) => xml) }));
    if (!plan) continue;
    const before = await textsOf(domain);
    const last = plan.operations.length - 1;
    const names = attach.map(({ case: { kind, title } }) => `${kind} ${title}`).join(', ');
    const error = await failing(domain, plan, last);
    assert.is(error.rollback, 'undone', `${names}: ${error.message} ${error.rollbackErrors.join('\n')}`);
    await isAsBefore(domain, before, names);
    for (const { case: each } of attach) proved.attach.add(each.kind);

    await domain.apply(plan);
    const there = (await domain.devices()).filter(({ identity }) =>
      plan.operations.some(({ action, subject }) => action === 'attach' && subject === identity),
    );
    const detach = there.map(({ kind, name }) => ({ [kind]: name })) as unknown as ChangeRequest['detach'];
    const back = await planned(domain, detach ? { detach } : {});
    if (!back) continue;
    const full = await textsOf(domain);
    const again = await failing(domain, back, back.operations.length - 1);
    assert.is(again.rollback, 'undone', `${names}: ${again.message} ${again.rollbackErrors.join('\n')}`);
    await isAsBefore(domain, full, names);
    for (const { kind } of there) proved.detach.add(kind);
  }
  const can = (action: 'attach' | 'detach') =>
    new Set(cases.filter(({ kind }) => canInConfig(kind, action, b.connection.libvirtVersion)).map(({ kind }) => kind));
  assert.equal(sortedOf(proved.attach), sortedOf(can('attach')), 'attached and taken back');
  assert.equal(sortedOf(proved.detach), sortedOf(can('detach')), 'detached and put back');
  assert.ok(proved.attach.size >= 16 && proved.detach.size >= 16);
});
const sortedOf = (kinds: ReadonlySet<string>) => [...kinds].sort();

/** True for a kind of which the connected libvirt attaches, or detaches, some device in the canonical document, by its table. */
function canInConfig(kind: string, action: 'attach' | 'detach', libvirt: string): boolean {
  return kindOrUnknown(kind).support.some(
    (row) =>
      row.action === action && row.scope === 'config' && row.supported && (!row.since || gte(libvirt, row.since)),
  );
}
let batches = 0;

/** The plan of a request for a domain that is off; undefined when it is refused, or nothing is to be done. */
async function planned(domain: ManagedDomain, request: ChangeRequest): Promise<Plan | undefined> {
  try {
    const plan = await within(domain.plan(request));
    return plan.refusals.length > 0 || plan.isEmpty ? undefined : plan;
  } catch (error) {
    if (error instanceof LibvirtCanonicalError) return undefined;
    throw error;
  }
}

test.run();
