import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, type Operation } from '../../src/domain/index.js';
import { type ChangeRequest, type Plan, planChanges } from '../../src/plan/index.js';
import { leaves, parseElement } from '../../src/xml/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf, fixture } from '../support/fixtures.js';

const plan = (name: string, request: ChangeRequest): Plan => planChanges(request, contextOf(name));
const steps = ({ operations }: Plan) => operations.map(({ action, subject, scope }) => [action, subject, scope]);

test('running: the guest first, the canonical document after it let go, each with its way back', () => {
  const made = plan('web', { detach: [{ disk: 'log' }] });
  assert.equal(made.refusals, []);
  assert.equal(steps(made), [
    ['detach', 'disk log', 'live'],
    ['detach', 'disk log', 'config'],
  ]);
  const [live, config] = made.operations as readonly [Operation, Operation];
  assert.is(live.call.procedure, 'DOMAIN_DETACH_DEVICE_ALIAS');
  assert.equal(live.call.args, { alias: 'ua-log', flags: 1 });
  assert.is(live.takesEffect, 'when-released');
  assert.is(live.guestMustCooperate, true);
  assert.is(config.call.procedure, 'DOMAIN_DETACH_DEVICE_FLAGS');
  assert.is((config.call.args as { flags: number }).flags, 2);
  assert.is(config.guestMustCooperate, false);
  for (const operation of made.operations) {
    assert.equal(
      operation.inverse.map(({ action, scope }) => [action, scope]),
      [['attach', operation.scope]],
    );
    const { call } = operation.inverse[0] as Operation;
    const back = leaves(parseElement((call.args as { xml: string }).xml));
    assert.is(back.get('address/@unit'), '1', 'back to where it was');
    assert.is(back.get('source/@file'), '/host/images/log.qcow2');
    assert.not.ok(back.has('source/@index'), 'without what only a running guest has');
  }
});

test('by id, alias, target and MAC it is the same device', () => {
  for (const selector of [
    { interface: 'lan' },
    { alias: 'ua-lan' },
    { interface: 'ua-lan' },
    { interface: '52:54:00:00:00:0A' },
  ]) {
    const made = plan('web', { detach: [selector] });
    assert.equal(steps(made)[0], ['detach', 'interface lan', 'live'], JSON.stringify(selector));
  }
  assert.equal(steps(plan('web', { detach: [{ disk: 'vdb' }] }))[0], ['detach', 'disk vdb', 'live']);
  assert.equal(plan('web', { detach: [{ disk: 'vdb' }] }).operations[0]?.call.args, {
    alias: 'virtio-disk1',
    flags: 1,
  });
});

test('each document is searched by itself', () => {
  assert.equal(steps(plan('diverged', { detach: [{ interface: 'only-live' }] })), [
    ['detach', 'interface only-live', 'live'],
  ]);
  assert.equal(steps(plan('web', { detach: [{ disk: 'log' }], scope: 'config' })), [['detach', 'disk log', 'config']]);
  assert.equal(steps(plan('web', { detach: [{ disk: 'log' }], scope: 'live' })), [['detach', 'disk log', 'live']]);
  assert.equal(steps(plan('off', { detach: [{ interface: 'lan' }] })), [['detach', 'interface lan', 'config']]);
});

test('what is not there is no operation but a note', () => {
  const made = plan('web', { detach: [{ disk: 'nope' }, { alias: 'ua-nope' }, { interface: 'vdb' }] });
  assert.ok(made.isEmpty);
  assert.is(made.notes.length, 3);
  assert.match(made.notes[0] ?? '', /disk nope is not there/);
});

test('a name that means two devices is ambiguous, and the error lists them', () => {
  const canonical = new DomainDocument(fixture('web.xml').replace('ua-log', 'ua-vdb'));
  const context = contextOf('web', { canonical, live: undefined });
  const error = failureNow(() => planChanges({ detach: [{ disk: 'vdb' }] }, context), 'DEVICE_AMBIGUOUS');
  assert.is(error.path, 'detach[0]');
  assert.match(error.message, /names 2 devices: disk vdb, disk vdb #2/);
  assert.is(planChanges({ detach: [{ alias: 'ua-vdb' }] }, context).operations[0]?.subject, 'disk vdb #2');
});

test('a device can be named once only', () => {
  for (const request of [
    { detach: [{ disk: 'log' }, { disk: 'log' }] },
    { detach: [{ disk: 'log' }, { disk: 'sdb' }] },
    { detach: [{ disk: 'log' }], update: [{ disk: 'log', set: { serial: 'A' } }] },
    {
      update: [
        { disk: 'log', set: { serial: 'A' } },
        { disk: 'sdb', set: { wwn: '0123456789abcdef' } },
      ],
    },
  ] as ChangeRequest[]) {
    for (const name of ['web']) {
      const error = failureNow(() => plan(name, request), 'SPEC_INVALID');
      assert.is(error.device, 'disk log');
      assert.match(error.path ?? '', /^(detach|update)\[[01]\]$/);
    }
  }
});

test('detach and attach of one name in one request contradict each other, unless the one is said to replace the other', () => {
  for (const [request, identity] of [
    [
      {
        detach: [{ interface: 'lan' }],
        attach: [{ interface: { id: 'lan', user: true, mac: '52:54:00:00:00:77', model: 'e1000e' } }],
      },
      'interface lan',
    ],
    [
      {
        detach: [{ alias: 'ua-log' }],
        attach: [{ disk: { id: 'log', target: 'sdx', bus: 'scsi', file: '/img/new.qcow2' } }],
      },
      'disk log',
    ],
  ] as const) {
    const error = failureNow(() => plan('web', request), 'SPEC_INVALID');
    assert.equal([error.path, error.device], ['attach[0]', identity]);
    assert.match(error.message, /by detach\[0\]/);
    const made = plan('web', { ...request, replace: 'allow' });
    assert.equal(steps(made), [
      ['detach', identity, 'live'],
      ['detach', identity, 'config'],
      ['attach', identity, 'both'],
    ]);
    assert.is(made.operations[2]?.address, made.operations[0]?.address, 'at the old address');
  }
  failureNow(() => plan('web', { replace: 'yes' as never }), 'SPEC_INVALID');
});

test('a place that goes free may be asked for; without asking, another is taken while there is one', () => {
  const rng = (address: string) => `<rng model='virtio'><backend model='random'>/dev/urandom</backend>${address}</rng>`;
  const asked = plan('web', {
    detach: [{ interface: 'lan' }],
    attach: [rng("<address type='pci' bus='0x01' slot='0'/>")],
  });
  assert.is(asked.operations.at(-1)?.address, 'pci 0000:01:00.0');
  const free = plan('web', { detach: [{ interface: 'lan' }], attach: [rng('')] });
  assert.is(free.operations.at(-1)?.address, 'pci 0000:0a:00.0');
  const full = plan('full', { detach: [{ interface: 'lan' }], attach: [rng('')] });
  assert.is(full.operations.at(-1)?.address, 'pci 0000:01:00.0');
});

test('devices that libvirt puts back or cannot let go of are refused with the reason', () => {
  for (const [name, selector, reason] of [
    ['web', { controller: 'pci0' }, /only scsi/],
    ['web', { controller: 'sata0' }, /only scsi/],
    ['off', { controller: 'usb0' }, /puts this controller back/],
    ['web', { disk: 'cd' }, /cannot be hot-unplugged/],
  ] as const) {
    const { operations, refusals } = plan(name, { detach: [selector] });
    assert.equal(operations, [], JSON.stringify(selector));
    assert.is(refusals.length, 1);
    assert.match(refusals[0]?.reason ?? '', reason);
  }
});

test('the last boot order may not go: libvirt would lock per-device order out for good', () => {
  const { operations, refusals } = plan('off', { detach: [{ disk: 'root' }] });
  assert.equal(operations, []);
  assert.match(refusals[0]?.reason ?? '', /last boot order/);
  assert.match(refusals[0]?.remedy ?? '', /boot order first/);
  assert.equal(plan('web', { detach: [{ interface: 'lan' }] }).refusals, [], 'another one has an order');
  assert.is(plan('web', { detach: [{ interface: 'lan' }, { disk: 'root' }] }).refusals.length, 1, 'both at once');
});

test("a device behind a port with hotplug='off' cannot be unplugged live, but for the next boot (A7)", () => {
  const selector = { rng: 'pci 0000:06:00.0' } as const;
  const { operations, refusals } = plan('ports', { detach: [selector] });
  assert.equal(operations, []);
  assert.match(refusals[0]?.reason ?? '', /PCI bus 6 does not support hot-plug/);
  assert.equal(steps(plan('ports', { detach: [selector], ifNotLive: 'next-boot' })), [
    ['detach', 'rng pci 0000:06:00.0', 'config'],
  ]);
  assert.equal(steps(plan('ports', { detach: [selector], scope: 'config' })), [
    ['detach', 'rng pci 0000:06:00.0', 'config'],
  ]);
});

test('left to the next boot when the caller says so', () => {
  assert.equal(steps(plan('web', { detach: [{ disk: 'cd' }], ifNotLive: 'next-boot' })), [
    ['detach', 'disk cd', 'config'],
  ]);
});

test('selectors that say nothing or too much are refused with their path', () => {
  for (const [selector, path] of [
    [{}, 'detach[0]'],
    [{ disk: 'a', interface: 'b' }, 'detach[0]'],
    [{ disk: '' }, 'detach[0].disk'],
    [{ disk: 7 }, 'detach[0].disk'],
    [{ disk: null }, 'detach[0].disk'],
    [null, 'detach[0]'],
    ['vdb', 'detach[0]'],
    [[], 'detach[0]'],
  ] as const) {
    const error = failureNow(() => plan('web', { detach: [selector as never] }), 'SPEC_INVALID');
    assert.is(error.path, path, error.message);
  }
  const unknown = failureNow(() => plan('web', { detach: [{ dsik: 'vda' } as never] }), 'DEVICE_KIND_UNKNOWN');
  assert.match(unknown.message, /"dsik".*Known: .*disk/);
  assert.is(unknown.path, 'detach[0]');
});

test.run();
