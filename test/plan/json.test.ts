import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, type DomainSpec } from '../../src/domain/index.js';
import { LibvirtCanonicalError } from '../../src/errors.js';
import { type ChangeRequest, Plan, planChanges, planTowards } from '../../src/plan/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf, fixture } from '../support/fixtures.js';

const text = (plan: Plan) => JSON.stringify(plan);
const again = (plan: Plan) => Plan.fromJSON(text(plan));
const SECRETS = /hunter|s3cret/;

test('a plan read back is the same plan, and makes the same calls', () => {
  const plan = planChanges(
    {
      attach: [{ disk: { id: 'data', target: 'vdc', file: '/img/data' } }],
      detach: [{ disk: 'log' }],
      update: [{ interface: 'lan', set: { link: 'down' } }],
      set: { vcpus: 3, title: 'New & <old>', memory: { maximum: '1 GiB' } },
    },
    contextOf('web'),
  );
  const read = again(plan);
  assert.is(text(read), text(plan));
  assert.is(String(read), String(plan));
  assert.equal(read.withSecretsFrom(contextOf('web')).operations, plan.operations);
  assert.equal(Plan.fromJSON(JSON.parse(text(plan))).operations, read.operations, 'from a value too');
  assert.ok(Object.isFrozen(read.operations[0]?.call.args));
});

test('a secret that stays is filled in from the documents when the plan is applied', () => {
  const context = contextOf('web');
  const plan = planChanges({ update: [{ graphics: 'vnc', set: { keymap: 'de' } }] }, context);
  assert.match(JSON.stringify(plan.operations), SECRETS);
  assert.not.match(text(plan), SECRETS);
  const read = again(plan);
  assert.not.match(JSON.stringify(read.operations), SECRETS);
  assert.equal(read.operations[0]?.withheld, [{ path: '@passwd', from: 'canonical', device: 'graphics vnc' }]);
  assert.equal(read.withSecretsFrom(context).operations, plan.operations);
});

test('a secret that the request gave is in no JSON: such a plan can be looked at, and is refused when it is applied', () => {
  const context = contextOf('web');
  const metadata = { 'urn:mine': { prefix: 'm', xml: '<token>s3cret</token>' } };
  const cookies =
    "<disk type='network'><source protocol='https' name='x'><cookies><cookie name='c'>s3cret</cookie></cookies></source><target dev='vdc'/></disk>";
  for (const [request, subject] of [
    [{ update: [{ graphics: 'vnc', set: { passwd: 's3cret' } }] }, 'graphics vnc'],
    [{ set: { metadata } }, 'metadata'],
    [{ attach: [cookies] }, 'disk vdc'],
  ] as Array<[ChangeRequest, string]>) {
    const plan = planChanges(request, context);
    assert.not.match(text(plan) + String(plan), SECRETS);
    const read = again(plan);
    assert.is(text(read), text(plan));
    const error = failureNow(() => read.withSecretsFrom(context), 'PLAN_REFUSED');
    assert.is(error.device, subject);
    assert.match(error.message, /Plan the request again/);
  }
});

test("metadata of others' that a plan puts back comes from the document", () => {
  const context = contextOf('web');
  const plan = planChanges({ set: { metadata: { 'urn:example:owner': null } } }, context);
  assert.not.match(text(plan), /<in:name/);
  assert.equal(again(plan).withSecretsFrom(context).operations, plan.operations);
});

test('numbers beyond JSON come back as they were', () => {
  const value = { type: 'ullong', value: 2n ** 63n } as const;
  const call = {
    procedure: 'DOMAIN_SET_MEMORY_PARAMETERS',
    args: { params: [{ field: 'hard_limit', value }], flags: 2 },
  } as const;
  const [base] = planChanges({ set: { title: 'x' } }, contextOf('off')).operations;
  assert.ok(base);
  const plan = planChanges({}, contextOf('off'));
  const big = new Plan({ ...plan, operations: [{ ...base, subject: 'memtune', changes: [], call, inverse: [] }] });
  assert.equal(again(big).operations[0]?.call, call);
});

test('another format is refused, and so is what no plan says', () => {
  const json = JSON.parse(text(planChanges({ set: { title: 'x' } }, contextOf('off'))));
  for (const formatVersion of [0, 2, '1', null, undefined])
    assert.is(failureNow(() => Plan.fromJSON({ ...json, formatVersion }), 'UNSUPPORTED').path, 'plan.formatVersion');
  const call = { procedure: 'DOMAIN_DEFINE_XML_FLAGS', args: { xml: '<domain/>', flags: 0 } };
  const operation = json.operations[0];
  const cases: Array<[unknown, string]> = [
    ['{', 'plan'],
    [7, 'plan'],
    [[], 'plan'],
    [{ ...json, operations: {} }, 'plan.operations'],
    [{ ...json, operations: [{ ...operation, call }] }, 'plan.operations[0].call.procedure'],
    [
      { ...json, operations: [{ ...operation, call: { ...call, procedure: 'toString' } }] },
      'plan.operations[0].call.procedure',
    ],
    [{ ...json, operations: [{ ...operation, scope: 'current' }] }, 'plan.operations[0].scope'],
    [
      { ...json, operations: [{ ...operation, call: { ...operation.call, args: {} } }] },
      'plan.operations[0].call.args.type',
    ],
    [{ ...json, operations: [{ ...operation, inverse: undefined }] }, 'plan.operations[0].inverse'],
    [{ ...json, digest: 1 }, 'plan.digest'],
    [{ ...json, domain: { name: 'x' } }, 'plan.domain.uuid'],
    [{ ...json, capacity: { pci: {} } }, 'plan.capacity.pci.total'],
    [{ ...json, notes: [1] }, 'plan.notes[0].note'],
  ];
  for (const [value, path] of cases) assert.is(failureNow(() => Plan.fromJSON(value), 'SPEC_INVALID').path, path);
});

const edits: Record<string, (xml: string) => string> = {
  'another source': (xml) => xml.replace(/root\.qcow2/g, 'other.qcow2'),
  'orders traded': (xml) =>
    xml
      .replace("<boot order='1'/>", "<boot order='x'/>")
      .replace("<boot order='2'/>", "<boot order='1'/>")
      .replace("'x'", "'2'"),
  'without NICs': (xml) => xml.replace(/<interface[\s\S]*?<\/interface>/g, ''),
  'another password': (xml) => xml.replace('hunter2', 'hunter3'),
  'another title': (xml) => xml.replace('Web server', 'Anders'),
  'link down': (xml) => xml.replace(/(<mac address='52:54:00:00:00:0a'\/>)/, "$1<link state='down'/>"),
  'another target': (xml) => xml.replace("dev='vdb'", "dev='vdq'"),
  nothing: (xml) => xml,
};
const request = fc.record(
  {
    attach: fc.subarray<NonNullable<ChangeRequest['attach']>[number]>([
      { disk: { id: 'x', target: 'vdx', file: '/x', boot: 7 } },
      { interface: { id: 'wan', user: true } },
      "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
      "<graphics type='spice' passwd='s3cret'/>",
    ]),
    detach: fc.subarray<NonNullable<ChangeRequest['detach']>[number]>([
      { disk: 'log' },
      { disk: 'vdb' },
      { graphics: 'vnc' },
      { alias: 'ua-cd' },
    ]),
    update: fc.subarray<NonNullable<ChangeRequest['update']>[number]>([
      { disk: 'root', set: { boot: 9 } },
      { interface: 'lan', set: { link: 'down' } },
      { graphics: 'vnc', set: { keymap: 'de' } },
    ]),
    set: fc.record(
      {
        vcpus: fc.integer({ min: 1, max: 6 }),
        title: fc.string().filter((each) => /^[^\p{C}]*$/u.test(each)),
        memory: fc.constantFrom('96 MiB', '1 GiB'),
        autostart: fc.boolean(),
        emulatorPin: fc.constantFrom('0', '0-1'),
        memtune: fc.record({ hardLimit: fc.constantFrom('1 GiB', 2 ** 40) }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<ChangeRequest>;

test('whatever is planned comes back from JSON as it was: the same text, the same calls, and never a secret on the way', () => {
  const contexts = new Map(['web', 'off', 'ports'].map((name) => [name, contextOf(name)]));
  let operations = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...contexts.keys()),
      fc.oneof(request, fc.constantFrom(...Object.keys(edits))),
      fc.constantFrom('refuse' as const, 'allow' as const),
      (name, asked, replace) => {
        const context = contexts.get(name) ?? contextOf(name);
        let plan: Plan;
        try {
          plan =
            typeof asked === 'string'
              ? planTowards((edits[asked] as (xml: string) => string)(fixture(`${name}.xml`)), context, { replace })
              : planChanges(asked, context);
        } catch (error) {
          if (error instanceof LibvirtCanonicalError) return;
          throw error;
        }
        operations += plan.operations.length;
        const json = text(plan);
        assert.not.match(json, SECRETS);
        const read = Plan.fromJSON(json);
        assert.is(text(read), json);
        assert.is(String(read), String(plan));
        const setsSecret = read.operations.some(({ withheld }) => withheld?.some(({ from }) => from === undefined));
        if (setsSecret) {
          refused++;
          failureNow(() => read.withSecretsFrom(context), 'PLAN_REFUSED');
        } else assert.equal(read.withSecretsFrom(context).operations, plan.operations);
      },
    ),
    { numRuns: 400, seed: 4 },
  );
  assert.ok(operations > 400 && refused > 5, `worth trying: ${operations} operations, ${refused} with new secrets`);
});

test('a plan from JSON is for the documents it was made from, so its secrets are those', () => {
  const context = contextOf('web');
  const plan = planChanges({ update: [{ graphics: 'vnc', set: { keymap: 'de' } }] }, context);
  const gone = {
    ...context,
    canonical: new DomainDocument(context.canonical.xml.replace(" passwd='hunter2'", '')),
    live: undefined,
  };
  assert.is(failureNow(() => again(plan).withSecretsFrom(gone), 'PLAN_REFUSED').device, 'graphics vnc');
  const spec: DomainSpec = { name: 'web', memory: { current: '64 MiB', maximum: '128 MiB' } };
  assert.is(text(again(planTowards(spec, context))), text(planTowards(spec, context)));
});

test.run();
