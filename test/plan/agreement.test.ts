/** A plan from JSON says what it does: an operation whose call does another thing is refused. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, OWN_METADATA } from '../../src/domain/index.js';
import { Plan, planChanges } from '../../src/plan/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf } from '../support/fixtures.js';

interface Step {
  action: string;
  subject: string;
  scope: string;
  address?: string;
  changes: Array<{ path: string; from?: string; to?: string }>;
  call: { procedure: string; args: Record<string, unknown> };
  inverse: Step[];
}

/** A running domain that holds an intent, so that a plan writes one. */
const web = contextOf('web');
const holding = ({ xml }: DomainDocument) =>
  new DomainDocument(xml.replace('<metadata>', `<metadata><lvc:intent xmlns:lvc="${OWN_METADATA.intent.uri}"/>`));
const context = { ...web, canonical: holding(web.canonical), live: web.live && holding(web.live) };

const plan = planChanges(
  {
    attach: [{ disk: { id: 'data', target: 'vdx', file: '/img/data' } }],
    detach: [{ disk: 'log' }],
    update: [{ interface: 'lan', set: { link: 'down' } }],
    set: { title: 'new', metadata: { 'urn:mine': { prefix: 'm', xml: '<a/>' } }, vcpus: 3 },
  },
  context,
);
const whole = () => JSON.parse(JSON.stringify(plan)) as { operations: Step[] };
const find = (operations: Step[], action: string, subject: RegExp) =>
  operations.find((each) => each.action === action && subject.test(each.subject)) as Step;
/** Sets parts of a step, or of its call's arguments. */
const put = (step: Step, parts: Partial<Step>) => void Object.assign(step, parts);
const puts = (step: Step, args: Record<string, unknown>) => void Object.assign(step.call.args, args);
const calls = (step: Step, procedure: string) => void Object.assign(step.call, { procedure });
const configDetach = (operations: Step[]) =>
  operations.find(({ action, scope }) => action === 'detach' && scope === 'config') as Step;
const inXml = (step: Step, from: RegExp | string, to: string) => {
  const { xml } = step.call.args as { xml: string };
  step.call.args.xml = xml.replace(from, to);
  assert.is.not(step.call.args.xml, xml, 'the document says so');
};

/** Each of them changes a call under the words of its operation. */
const TAMPERED: ReadonlyArray<readonly [what: string, tamper: (operations: Step[]) => void]> = [
  ['another disk is attached', (all) => inXml(find(all, 'attach', /data/), /ua-data/, 'ua-root')],
  ['a disk without its id, by another target', (all) => inXml(find(all, 'attach', /data/), /<alias[^>]*>/, '')],
  ['another kind of device is attached', (all) => puts(find(all, 'attach', /data/), { xml: '<hostdev/>' })],
  ['it is attached elsewhere', (all) => inXml(find(all, 'attach', /data/), /bus="0x[^"]*"/, 'bus="0x1f"')],
  ['it is attached wherever libvirt likes', (all) => inXml(find(all, 'attach', /data/), /<address[^>]*>/, '')],
  ['no element at all', (all) => puts(find(all, 'attach', /data/), { xml: '<disk' })],
  ['an attach that detaches', (all) => calls(find(all, 'attach', /data/), 'DOMAIN_DETACH_DEVICE_FLAGS')],
  ['a detach that attaches', (all) => put(find(all, 'detach', /log/), { call: find(all, 'attach', /data/).call })],
  ['an update that attaches', (all) => calls(find(all, 'update', /lan/), 'DOMAIN_ATTACH_DEVICE_FLAGS')],
  ['another document', (all) => puts(find(all, 'attach', /data/), { flags: 2 })],
  ['no document', (all) => puts(find(all, 'attach', /data/), { flags: 0 })],
  [
    'an update of more than it says',
    (all) => inXml(find(all, 'update', /lan/), /<model type="[^"]*"/, '<model type="e1000"'),
  ],
  ['an update to another value', (all) => inXml(find(all, 'update', /lan/), 'state="down"', 'state="up"')],
  ['words about another change', (all) => put(find(all, 'update', /lan/), { changes: [] })],
  [
    'an undo that attaches another',
    (all) => inXml(configDetach(all).inverse[0] as Step, /<disk /, '<disk snapshot="no" '),
  ],
  [
    'an undo of something else',
    (all) => put(find(all, 'set', /vcpus/), { inverse: find(all, 'detach', /log/).inverse }),
  ],
  [
    'an undo of another kind',
    (all) => put(find(all, 'detach', /log/), { inverse: find(all, 'update', /lan/).inverse }),
  ],
  ['a setting by the call of another', (all) => put(find(all, 'set', /vcpus/), { subject: 'memory' })],
  [
    'a device by the call of a setting',
    (all) => put(find(all, 'attach', /data/), { call: find(all, 'set', /vcpus/).call }),
  ],
  ['another title than it says', (all) => puts(find(all, 'set', /title/), { metadata: 'other' })],
  ['a title that is the description', (all) => puts(find(all, 'set', /title/), { type: 0 })],
  ['a title that is an element', (all) => puts(find(all, 'set', /title/), { type: 2, uri: 'urn:x' })],
  ['the element of another application', (all) => puts(find(all, 'set', /metadata/), { uri: 'urn:theirs' })],
  ...Object.values(OWN_METADATA).map(
    ({ uri }) =>
      [
        `an element of this library's own as an application's: ${uri}`,
        (all: Step[]) => {
          const step = find(all, 'set', /metadata/);
          step.call.args.uri = uri;
          for (const change of step.changes) change.path = `metadata ${uri}`;
        },
      ] as const,
  ),
  ['an intent that is a seal', (all) => puts(find(all, 'set', /intent/), { uri: OWN_METADATA.seal.uri })],
];

for (const [what, tamper] of TAMPERED)
  test(`Plan.fromJSON refuses ${what}`, () => {
    const json = whole();
    tamper(json.operations);
    const code = what === 'no element at all' ? 'XML_MALFORMED' : 'SPEC_INVALID';
    failureNow(() => Plan.fromJSON(json), code);
  });

const INVENTED: ReadonlyArray<readonly [what: string, tamper: (operations: Step[]) => void]> = [
  [
    'puts another image back into the guest',
    (all) => inXml(find(all, 'detach', /log/).inverse[0] as Step, /file="[^"]*"/, 'file="/x"'),
  ],
  ['detaches another device by its alias', (all) => puts(find(all, 'detach', /log/), { alias: 'virtio-disk0' })],
  [
    'puts other values back by an update',
    (all) => {
      const step = find(all, 'update', /lan/);
      for (const each of [step, step.inverse[0] as Step]) inXml(each, /<model type="[^"]*"/, '<model type="e1000"');
    },
  ],
  [
    'is about a device that is not there',
    (all) => {
      for (const each of all.filter(({ action }) => action === 'detach')) {
        each.subject = 'disk none';
        for (const step of [each, ...each.inverse]) if ('xml' in step.call.args) inXml(step, /ua-log/, 'ua-none');
        for (const step of each.inverse) step.subject = 'disk none';
      }
    },
  ],
];

for (const [what, tamper] of INVENTED)
  test(`Plan.completed refuses a plan from JSON that ${what}`, () => {
    const json = whole();
    tamper(json.operations);
    const read = Plan.fromJSON(json);
    failureNow(() => read.withSecretsFrom(context), 'PLAN_REFUSED');
  });

test('a plan as it was written is read', () => {
  const read = Plan.fromJSON(whole());
  assert.is(JSON.stringify(read), JSON.stringify(plan));
  const request = { detach: [{ disk: 'log' }], update: [{ interface: 'lan', set: { link: 'down' } }] } as const;
  const plain = planChanges(request, context);
  assert.equal(Plan.fromJSON(JSON.stringify(plain)).withSecretsFrom(context).operations, plain.operations);
});

test.run();
