import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainSpec, ObservedDomain, StorageRequest } from '../../src/domain/index.js';
import { type ChangeRequest, type DiskStorage, disksOf, Plan, planChanges, planTowards } from '../../src/plan/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf } from '../support/fixtures.js';
import { applyOnPaper } from '../support/paper.js';

const data = { id: 'data', target: 'vdz', block: '/dev/sdx' } as const;
const iscsi = {
  driver: 'iscsi',
  portal: '192.0.2.7:3260',
  lun: 1,
  attachedBy: 'compute-3',
  paths: ['a', 'ü\u0001<&>'],
};
const steps = ({ operations }: Plan) => operations.map(({ action, subject, scope }) => `${action} ${subject} ${scope}`);
const made = (context: ObservedDomain, request: ChangeRequest): Plan => {
  const plan = planChanges(request, context);
  assert.equal(plan.refusals, []);
  return plan;
};
const connection = (disks: readonly DiskStorage[], identity: string) =>
  disks.find((disk) => disk.identity === identity)?.connection;

/** A running domain with a disk that has a record. */
function recorded(): ObservedDomain {
  const context = contextOf('web');
  return applyOnPaper(context, made(context, { attach: [{ disk: data }], storage: { data: iscsi } }));
}

test('a record is written in the plan that attaches its disk, before it, and stands in both documents', () => {
  const context = contextOf('web');
  const plan = made(context, { attach: [{ disk: data }], storage: { data: iscsi } });
  assert.equal(steps(plan), ['set storage both', 'attach disk data both']);
  assert.match(String(plan), /S storage .*DOMAIN_SET_METADATA\n {6}disk data: \(none\) → recorded\n/);
  const after = recorded();
  for (const document of [after.canonical, after.live ?? after.canonical]) {
    const disk = disksOf(document).find(({ identity }) => identity === 'disk data');
    assert.equal(disk, { identity: 'disk data', target: 'vdz', source: { block: '/dev/sdx' }, connection: iscsi });
  }
  assert.ok(planChanges({ attach: [{ disk: data }], storage: { data: iscsi } }, after).isEmpty, 'asked again: nothing');
  const shuffled = Object.fromEntries(Object.entries(iscsi).reverse());
  assert.ok(planChanges({ storage: { vdz: shuffled } }, after).isEmpty, 'by target, with its keys in another order');
});

test('it goes with its disk, after it, and alone when asked', () => {
  const after = recorded();
  const plan = made(after, { detach: [{ disk: 'data' }] });
  assert.equal(steps(plan), ['detach disk data live', 'detach disk data config', 'set storage both']);
  const gone = applyOnPaper(after, plan);
  assert.not.match(gone.canonical.xml, /libvirt-canonical:storage/);
  assert.equal(steps(made(after, { storage: { data: null } })), ['set storage both']);
  assert.ok(planChanges({ storage: { nothing: null } }, after).isEmpty, 'what is not there need not go');
});

test('as long as one document has the disk its record stays', () => {
  const after = recorded();
  for (const scope of ['live', 'config'] as const) {
    const plan = made(after, { detach: [{ disk: 'data' }], scope });
    assert.equal(steps(plan), [`detach disk data ${scope}`]);
    const half = applyOnPaper(after, plan);
    const holder = scope === 'live' ? half.canonical : half.live;
    assert.equal(holder && connection(disksOf(holder), 'disk data'), iscsi, scope);
  }
});

test('a record that outlived its disk is not told, does not trouble a plan, and goes with the next write', () => {
  const after = recorded();
  const config = applyOnPaper(after, made(after, { detach: [{ disk: 'data' }], scope: 'config' }));
  const off: ObservedDomain = { ...config, live: undefined };
  assert.match(off.canonical.xml, 'compute-3');
  assert.equal(
    disksOf(off.canonical).filter((disk) => disk.connection !== undefined),
    [],
  );
  assert.ok(planChanges({}, off).isEmpty);
  const next = applyOnPaper(off, made(off, { storage: { root: { driver: 'file' } } }));
  assert.not.match(next.canonical.xml, 'compute-3');
  assert.equal(connection(disksOf(next.canonical), 'disk root'), { driver: 'file' });
});

test('a whole desired state: named records are written, others stay, and those of disks that go go along', () => {
  const context = contextOf('off');
  const disks = disksOf(context.canonical).map(({ target, source }) => ({ target, ...source }));
  const desired = (storage: StorageRequest, extra: DomainSpec['disks'] = [data]) =>
    ({ name: context.canonical.name, memory: '64 MiB', disks: [...disks, ...extra], storage }) as const;
  const only = ({ refusals: _, ...parts }: Plan) => new Plan({ ...parts, refusals: [] } as never);
  const plan = only(planTowards(desired({ data: iscsi }), context));
  assert.is(steps(plan)[0], 'set storage config');
  const there = applyOnPaper(context, plan);
  assert.equal(connection(disksOf(there.canonical), 'disk data'), iscsi);
  assert.not.ok(steps(only(planTowards(desired({}), there))).includes('set storage config'), 'not named: it stays');
  const without = only(planTowards(desired({}, []), there));
  assert.equal(
    steps(without).filter((step) => /data|storage/.test(step)),
    ['detach disk data config', 'set storage config'],
  );
});

test('a plan with a record goes through JSON whole, and its way back restores the record', () => {
  const after = recorded();
  const plan = made(after, { storage: { data: { driver: 'rbd' } } });
  const read = Plan.fromJSON(JSON.stringify(plan));
  assert.equal(read.operations, plan.operations);
  assert.equal(read.withSecretsFrom(after).operations, plan.operations);
  assert.match(String(plan), 'disk data: recorded → another record');
  const changed = applyOnPaper(after, plan);
  assert.equal(connection(disksOf(changed.canonical), 'disk data'), { driver: 'rbd' });
  const [operation] = plan.operations;
  const back = new Plan({ ...plan, operations: (operation?.inverse ?? []).map((step) => ({ ...step, inverse: [] })) });
  assert.is(applyOnPaper(changed, back).canonical.xml, after.canonical.xml);
});

test('what is no record, and what looks like a secret, is refused by its path', () => {
  const context = contextOf('web');
  const refused = (record: unknown, path: string, code: 'SPEC_INVALID' | 'DEVICE_NOT_FOUND' = 'SPEC_INVALID') => {
    const error = failureNow(() => planChanges({ storage: { root: record } as StorageRequest }, context), code);
    assert.is(error.path, path);
    assert.not.match(error.message, 's3cret');
  };
  for (const key of ['auth_password', 'passwd', 'chapSecret', 'apiToken', 'private_key', 'credentials'])
    refused({ connection: { [key]: 's3cret' } }, `storage.root.connection.${key}`);
  for (const record of ['text', 7, [iscsi], undefined]) refused(record, 'storage.root');
  refused({ at: new Date(0) }, 'storage.root.at');
  refused({ n: [1n] }, 'storage.root.n[0]');
  refused({ n: Number.NaN }, 'storage.root.n');
  refused({ long: 'x'.repeat(70_000) }, 'storage.root');
  const loop: Record<string, unknown> = {};
  loop.loop = loop;
  failureNow(() => planChanges({ storage: { root: loop } as unknown as StorageRequest }, context), 'SPEC_INVALID');
  assert.is(
    failureNow(() => planChanges({ storage: { vdy: iscsi } }, context), 'DEVICE_NOT_FOUND').path,
    'storage.vdy',
  );
  assert.is(made(context, { storage: { root: { secret_uuid: 'c0ffee', auth_method: 'CHAP' } } }).operations.length, 1);
});

test.run();
