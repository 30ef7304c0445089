import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operation, SettingsRequest } from '../../src/domain/index.js';
import { LibvirtCanonicalError } from '../../src/errors.js';
import { type ChangeRequest, type Plan, planChanges } from '../../src/plan/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf, fixture } from '../support/fixtures.js';

const plan = (name: string, request: ChangeRequest): Plan => planChanges(request, contextOf(name));
const set = (name: string, settings: SettingsRequest) => plan(name, { set: settings });
const steps = (made: Plan) => {
  assert.equal(made.refusals, [], String(made));
  return made.operations.map(({ subject, scope, changes }) => [
    subject,
    scope,
    changes.map(({ from, to }) => `${from} → ${to}`).join(),
  ]);
};
const data = { disk: { id: 'data', target: 'vdc', file: '/img/data.qcow2', format: 'qcow2' } } as const;

test('an empty request is an empty plan', () => {
  for (const name of ['web', 'off', 'i440fx', 'foreign']) {
    const made = plan(name, {});
    assert.ok(made.isEmpty);
    assert.equal(made.operations, []);
    assert.equal(made.domain, { name: contextOf(name).canonical.name, uuid: contextOf(name).canonical.uuid });
  }
});

test('vcpus: within the maximum at once, the maximum at the next boot', () => {
  assert.equal(steps(set('web', { vcpus: 3 })), [['vcpus', 'both', '2 → 3']]);
  assert.equal(steps(set('off', { vcpus: 2 })), [['vcpus', 'config', '1 → 2']]);
  assert.equal(steps(set('web', { vcpus: 6 })), [
    ['vcpus', 'config', '4 → 6'],
    ['vcpus', 'config', '2 → 6'],
  ]);
  assert.equal(steps(set('web', { vcpus: { maximum: 8 } })), [['vcpus', 'config', '4 → 8']]);
  const [fewer] = set('web', { vcpus: 1 }).operations;
  assert.equal([fewer?.scope, fewer?.takesEffect], ['config', 'next-boot']);
  assert.match(fewer?.reason ?? '', /was started with 2 vCPUs/);
  assert.is(set('web', { vcpus: 3 }).operations[0]?.guestMustCooperate, false);
  assert.ok(set('web', { vcpus: 2 }).isEmpty);
  assert.ok(set('web', { vcpus: { current: 2, maximum: 4 } }).isEmpty);
});

test('lowering a maximum lowers the current amount first, so that the way back is whole', () => {
  assert.equal(steps(set('web', { vcpus: { maximum: 1 } })), [
    ['vcpus', 'config', '2 → 1'],
    ['vcpus', 'config', '4 → 1'],
  ]);
  assert.equal(steps(set('off', { memory: { maximum: '32 MiB' } })), [
    ['memory', 'config', '64 MiB → 32 MiB'],
    ['memory', 'config', '64 MiB → 32 MiB'],
  ]);
});

test('memory: the balloon at once, the maximum at the next boot', () => {
  assert.equal(steps(set('web', { memory: '96 MiB' })), [['memory', 'both', '64 MiB → 96 MiB']]);
  assert.equal(steps(set('web', { memory: { maximum: '1 GiB' } })), [['memory', 'config', '128 MiB → 1 GiB']]);
  assert.equal(steps(set('off', { memory: 96n << 20n })), [
    ['memory', 'config', '64 MiB → 96 MiB'],
    ['memory', 'config', '64 MiB → 96 MiB'],
  ]);
  assert.ok(set('web', { memory: '64 MiB' }).isEmpty);
});

test('what fixes an amount for good is a refusal with a way out', () => {
  const topology = set('foreign', { vcpus: 4 });
  assert.match(topology.refusals[0]?.reason ?? '', /topology fixes the maximum at 2/);
  assert.is(topology.refusals[0]?.path, 'set.vcpus');
  assert.match(set('foreign', { memory: '1 GiB' }).refusals[0]?.reason ?? '', /NUMA/);
  assert.equal(topology.operations, []);
});

test('title, description, metadata and autostart: both documents at once, null removes', () => {
  assert.equal(steps(set('web', { title: 'New' })), [['title', 'both', 'Web server → New']]);
  assert.equal(steps(set('web', { title: null })), [['title', 'both', 'Web server → undefined']]);
  assert.equal(steps(set('off', { description: 'a\n<b>&' })), [['description', 'config', 'undefined → a\n<b>&']]);
  assert.equal(steps(set('web', { autostart: true })), [['autostart', 'config', 'false → true']]);
  assert.ok(set('web', { title: 'Web server', description: 'Serves & <renders> "pages"', autostart: false }).isEmpty);
  const mine = { 'urn:mine': { prefix: 'm', xml: '<mine/>' } };
  assert.equal(steps(set('web', { metadata: mine })), [['metadata', 'both', 'undefined → set']]);
  assert.equal(steps(set('web', { metadata: { 'urn:example:owner': null } })), [
    ['metadata', 'both', 'set → undefined'],
  ]);
  assert.ok(set('web', { metadata: { 'urn:mine': null } }).isEmpty);
});

test('metadata that is there already, as it was given, is no operation', () => {
  const given = '<owner xmlns:in="urn:in"><in:name a="1">A &amp; B</in:name></owner>';
  const made = set('web', { metadata: { 'urn:example:owner': { prefix: 'own', xml: given } } });
  assert.ok(made.isEmpty, String(made));
});

test('the way back of metadata is the element that was there', () => {
  const made = set('web', { metadata: { 'urn:example:owner': null } });
  const [operation] = made.operations as readonly [Operation];
  const { metadata, key, uri } = (operation.inverse[0] as Operation).call.args as {
    metadata: string;
    key: string;
    uri: string;
  };
  assert.is(uri, 'urn:example:owner');
  assert.is(key, 'own');
  assert.match(metadata, /^<owner[^>]*>[\s\S]*<in:name a="1">A &amp; B<\/in:name>[\s\S]*<\/owner>$/);
});

test('settings that are wrong are refused with their path', () => {
  for (const [settings, path] of [
    [{ vcpus: 0 }, 'set.vcpus'],
    [{ vcpus: 1.5 }, 'set.vcpus'],
    [{ vcpus: '2' }, 'set.vcpus'],
    [{ vcpus: null }, 'set.vcpus'],
    [{ vcpus: { current: 0 } }, 'set.vcpus.current'],
    [{ vcpus: { maximum: -1 } }, 'set.vcpus.maximum'],
    [{ vcpus: { current: 5, maximum: 4 } }, 'set.vcpus'],
    [{ memory: 0 }, 'set.memory'],
    [{ memory: 1000 }, 'set.memory'],
    [{ memory: '1 XB' }, 'set.memory'],
    [{ memory: null }, 'set.memory'],
    [{ memory: { current: '2 GiB', maximum: '1 GiB' } }, 'set.memory'],
    [{ title: 'a\nb' }, 'set.title'],
    [{ title: 'a\u0000' }, 'set.title'],
    [{ title: 5 }, 'set.title'],
    [{ description: {} }, 'set.description'],
    [{ autostart: 1 }, 'set.autostart'],
    [{ metadata: 'x' }, 'set.metadata'],
    [{ metadata: { '': { prefix: 'a', xml: '<a/>' } } }, 'set.metadata[""]'],
    [{ metadata: { u: { prefix: '1', xml: '<a/>' } } }, 'set.metadata["u"].prefix'],
    [{ metadata: { u: { prefix: 'a b', xml: '<a/>' } } }, 'set.metadata["u"].prefix'],
    [{ metadata: { u: { prefix: 'p', xml: '<p:a xmlns:p="u"/>' } } }, 'set.metadata["u"].xml'],
    [{ metadata: { u: 5 } }, 'set.metadata["u"]'],
  ] as Array<[SettingsRequest, string]>) {
    const error = failureNow(() => set('web', settings), 'SPEC_INVALID');
    assert.ok((error.path ?? '').startsWith(path), `${JSON.stringify(settings)}: ${error.path} ${error.message}`);
  }
  failureNow(() => set('web', { metadata: { u: { prefix: 'a', xml: '<a>' } } }), 'XML_MALFORMED');
  assert.is(failureNow(() => set('web', { vcpu: 2 } as never), 'SPEC_UNKNOWN_FIELD').path, 'set.vcpu');
  assert.is(failureNow(() => set('web', { vcpus: { max: 2 } } as never), 'SPEC_UNKNOWN_FIELD').path, 'set.vcpus.max');
  assert.is(failureNow(() => set('web', { memory: { max: 2 } } as never), 'SPEC_UNKNOWN_FIELD').path, 'set.memory.max');
});

test('requests that are none, and unknown parts of one, are refused', () => {
  for (const request of [null, undefined, 7, 'x', []]) failureNow(() => plan('web', request as never), 'SPEC_INVALID');
  assert.is(failureNow(() => plan('web', { atach: [] } as never), 'SPEC_UNKNOWN_FIELD').path, 'atach');
  for (const part of ['attach', 'detach', 'update'])
    assert.is(failureNow(() => plan('web', { [part]: {} } as never), 'SPEC_INVALID').path, part);
  assert.is(failureNow(() => plan('web', { scope: 'current' } as never), 'SPEC_INVALID').path, 'scope');
  assert.is(failureNow(() => plan('web', { ifNotLive: 'maybe' } as never), 'SPEC_INVALID').path, 'ifNotLive');
});

test('a managed-save image is mentioned when there is something to do', () => {
  const saved = contextOf('off', { managedSave: true });
  assert.match(planChanges({ attach: [data] }, saved).notes.join(), /managed-save image/);
  assert.equal(planChanges({}, saved).notes, []);
});

test('settings of a transient domain are refused', () => {
  const { operations, refusals } = planChanges(
    { set: { vcpus: 3, title: 'x' } },
    contextOf('web', { persistent: false }),
  );
  assert.equal(operations, []);
  assert.equal(
    refusals.map(({ path }) => path),
    ['set.vcpus', 'set.title'],
  );
});

const story: ChangeRequest = {
  attach: [data, { interface: { id: 'wan', user: true } }],
  detach: [{ disk: 'log' }, { disk: 'gone' }],
  update: [
    { interface: 'lan', set: { link: 'down' } },
    { disk: 'root', set: { boot: 9 } },
  ],
  set: { vcpus: 3 },
};

test('the plan as an operator reads it', () => {
  assert.is(
    String(plan('web', { ...story, attach: [data] })),
    [
      'Plan for domain web (c0ffee00-0000-4000-8000-000000000001): 6 operations, 0 refusals',
      '  D disk log       live         when the guest lets go  at drive 0:0:0:1  DOMAIN_DETACH_DEVICE_ALIAS',
      '      the guest must cooperate',
      '  D disk log       config       next boot  at drive 0:0:0:1  DOMAIN_DETACH_DEVICE_FLAGS',
      '  U interface lan  live+config  now  at pci 0000:01:00.0  DOMAIN_UPDATE_DEVICE_FLAGS',
      '      link/@state: (none) → down',
      '  U disk root      config       next boot  at pci 0000:06:00.0  DOMAIN_UPDATE_DEVICE_FLAGS',
      '      boot/@order: 1 → 9',
      '      boot/@order: libvirt refuses to change it live (virDomainUpdateDeviceFlags)',
      '  A disk data      live+config  now  at pci 0000:0a:00.0  DOMAIN_ATTACH_DEVICE_FLAGS',
      '      source: file=/img/data.qcow2 format=qcow2',
      '  S vcpus          live+config  now  DOMAIN_SET_VCPUS_FLAGS',
      '      vcpu/@current: 2 → 3',
      '  · disk gone is not there',
      '  Hot-plug PCI slots: 6 of 15 free now, 5 after',
      '  Places on scsi: 14 of 15 free now, 15 after',
    ].join('\n'),
  );
  assert.match(
    String(plan('full', { attach: [data] })),
    /\n {2}! disk data \(attach\[0\]\): no hot-plug PCIe port.*pciePorts/,
  );
});

test('the plan as data: all of it, and never a secret', () => {
  const secret = "<graphics type='spice' passwd='s3cret'/>";
  const xml = `<disk type='network'><source protocol='iscsi' name='iqn:x/1'><cookies><cookie name='c'>s3cret</cookie></cookies></source><target dev='vdc'/></disk>`;
  const metadata = { 'urn:mine': { prefix: 'm', xml: '<token>s3cret</token>' } };
  const made = plan('web', { ...story, attach: [xml, secret], set: { metadata } });
  const json = JSON.stringify(made);
  for (const each of [json, String(made), JSON.stringify(made.notes), JSON.stringify(made.refusals)]) {
    assert.not.match(each, /s3cret|hunter2/);
  }
  const read = JSON.parse(json);
  assert.is(read.formatVersion, 1);
  assert.is(read.digest, made.digest);
  assert.is(read.operations.length, made.operations.length);
  assert.equal(read.domain, made.domain);
  assert.equal(read.operations[0].call, made.operations[0]?.call);
  assert.is(inspect(made), String(made), 'console.log shows no call');
});

test('an error never holds a secret of either document', () => {
  for (const request of [
    { detach: [{ graphics: 'vnc' }, { graphics: 'vnc' }] },
    { attach: ["<graphics type='vnc' passwd='other'/>"] },
    { update: [{ graphics: 'vnc', set: { nope: 1 } }] },
    { update: [{ graphics: 'vnc', set: { passwd: 'hunter3' } }] },
    { update: [{ graphics: 'vnc', set: { passwd: null } }], scope: 'live' },
  ] as never[]) {
    try {
      const made = plan('web', request);
      assert.not.match(String(made) + JSON.stringify(made), /hunter|other'/);
    } catch (error) {
      if (!(error instanceof LibvirtCanonicalError)) throw error;
      assert.not.match(JSON.stringify({ ...error, message: error.message }), /hunter/);
    }
  }
});

test('a plan is immutable, all the way down', () => {
  const made = plan('web', story);
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
  assert.ok(frozen(made));
  assert.throws(() => (made.operations as unknown[]).push(1));
  assert.throws(() => Object.assign(made.operations[0] as object, { scope: 'live' }));
});

test('planning is pure: the same plan each time, and neither the documents nor the request are touched', () => {
  const context = contextOf('web');
  const request = structuredClone(story) as ChangeRequest;
  const first = planChanges(request, context);
  assert.equal(JSON.stringify(planChanges(request, context)), JSON.stringify(first));
  assert.equal(planChanges(request, contextOf('web')).operations, first.operations);
  assert.equal(request, story);
  assert.is(context.canonical.toString(), contextOf('web').canonical.toString());
  assert.is(context.live?.toString(), contextOf('web').live?.toString());
});

test('the digest follows each document and autostart, and nothing that moves by itself', () => {
  const digest = (...more: Parameters<typeof contextOf>) => planChanges({}, contextOf(...more)).digest;
  const at = digest('web');
  const { live, canonical } = contextOf('web');
  const Doc = canonical.constructor as new (xml: string) => typeof canonical;
  const edited = (name: string, from: RegExp, to: string) => {
    const xml = fixture(name).replace(from, to);
    assert.is.not(xml, fixture(name), `${from} is there`);
    return new Doc(xml);
  };
  assert.ok(live);
  assert.is(digest('web'), at);
  assert.is.not(digest('web', { autostart: true }), at);
  assert.is.not(digest('web', { live: undefined }), at);
  assert.is.not(digest('web', { canonical: edited('web.xml', /<title>/, '<title>x') }), at);
  assert.is.not(digest('web', { canonical: edited('web.xml', /hunter2/, 'hunter3') }), at);
  assert.is.not(digest('web', { live: edited('web.live.xml', /bus='0x07'/, "bus='0x0f'") }), at);
  assert.is.not(digest('web', { live: edited('web.live.xml', /A &amp; B/, 'C') }), at);
  assert.is.not(digest('web', { live: edited('web.live.xml', /current='2'/, "current='3'") }), at);
  assert.is(digest('web', { live: edited('web.live.xml', /id='1'/, "id='7'") }), at);
  assert.is(
    digest('web', { live: edited('web.live.xml', /<currentMemory unit='KiB'>\d+/, "<currentMemory unit='KiB'>99") }),
    at,
  );
  assert.is(digest('web', { live: edited('web.live.xml', /port='5900'/, "port='5911'") }), at);
});

test.run();
