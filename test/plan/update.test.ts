import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DiskSpec, DomainDocument, type Operation } from '../../src/domain/index.js';
import { type ChangeRequest, type DeviceUpdate, type Plan, planChanges } from '../../src/plan/index.js';
import { leaves, parseElement } from '../../src/xml/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf, fixture } from '../support/fixtures.js';

const plan = (name: string, request: ChangeRequest): Plan => planChanges(request, contextOf(name));
const update = (name: string, one: DeviceUpdate, more: ChangeRequest = {}) => plan(name, { update: [one], ...more });
const sent = ({ call }: Operation) => leaves(parseElement((call.args as { xml: string }).xml));

/** The operations of a plan that refuses nothing, as scope and changed values. */
function steps(made: Plan): Array<[scope: string, changes: string[]]> {
  assert.equal(made.refusals, [], String(made));
  return made.operations.map(({ scope, changes }) => [
    scope,
    changes.map(({ path, from, to }) => `${path}: ${from ?? '-'} → ${to ?? '-'}`),
  ]);
}

test('what update-device really makes live is one call for both documents', () => {
  assert.equal(steps(update('web', { interface: 'lan', set: { link: 'down' } })), [
    ['both', ['link/@state: - → down']],
  ]);
  assert.equal(steps(update('off', { interface: 'lan', set: { link: 'down' } })), [
    ['config', ['link/@state: - → down']],
  ]);
  assert.equal(steps(update('web', { interface: '52:54:00:00:00:0b', set: { link: null } })), [
    ['both', ['link/@state: down → -']],
  ]);
});

test('planChanges: one call serves both documents only when the rest of the element is the same in both', () => {
  const context = contextOf('web');
  const canonical = new DomainDocument(context.canonical.xml.replace("<boot order='2'/>", "<mtu size='9000'/>$&"));
  const made = planChanges({ update: [{ interface: 'lan', set: { link: 'down' } }] }, { ...context, canonical });
  assert.equal(
    steps(made).map(([scope]) => scope),
    ['live', 'config'],
  );
  assert.equal(
    made.operations.map((each) => sent(each).get('mtu/@size')),
    [undefined, '9000'],
    'each document gets its own element back',
  );
});

test('the canonical document gets its own full element with only the asked change', () => {
  const made = update('web', { disk: 'root', set: { serial: 'NEW' } });
  assert.equal(steps(made), [['config', ['serial: ROOT-1 → NEW']]]);
  const [operation] = made.operations as readonly [Operation];
  assert.is(operation.takesEffect, 'next-boot');
  assert.match(operation.reason ?? '', /serial: libvirt refuses to change it live/);
  const was = contextOf('web').canonical.find('disk', 'root')[0]?.leaves ?? new Map();
  assert.equal(new Map([...sent(operation)]), new Map([...was, ['serial', 'NEW']]));
  assert.equal(sent(operation.inverse[0] as Operation), was);
  assert.equal(operation.inverse[0]?.changes, [{ path: 'serial', from: 'NEW', to: 'ROOT-1' }]);
});

test('what no table lists as live waits for the next boot, and scope live refuses it (U3, U9)', () => {
  for (const [one, path] of [
    [{ interface: 'lan', set: { mtu: 9000 } }, 'mtu/@size'],
    [{ interface: 'lan', set: { model: 'e1000e' } }, 'model/@type'],
    [{ interface: 'lan', set: { boot: 3 } }, 'boot/@order'],
    [{ interface: 'lan', set: { boot: null } }, 'boot/@order'],
    [{ disk: 'root', set: { boot: 4 } }, 'boot/@order'],
    [{ disk: 'vdb', set: { serial: 'X' } }, 'serial'],
    [{ disk: 'root', set: { serial: null } }, 'serial'],
    [{ disk: 'vdb', set: { file: '/img/other.qcow2' } }, 'source/@file'],
    [{ disk: 'vdb', set: { readonly: true } }, 'readonly'],
  ] as Array<[DeviceUpdate, string]>) {
    const made = update('web', one);
    assert.equal(
      steps(made).map(([scope, changes]) => [scope, changes.map((change) => change.split(':', 1)[0])]),
      [['config', [path]]],
      path,
    );
    assert.is(made.operations[0]?.takesEffect, 'next-boot');
    const live = update('web', one, { scope: 'live' });
    assert.equal(live.operations, [], path);
    assert.match(live.refusals[0]?.reason ?? '', new RegExp(path.replace(/[/@]/g, '.')));
    assert.match(live.refusals[0]?.remedy ?? '', /next cold boot/);
  }
});

test('a change of which half can be live is two calls, the live one first', () => {
  const made = update('web', { interface: 'lan', set: { link: 'down', mtu: 1400 } });
  assert.equal(steps(made), [
    ['live', ['link/@state: - → down']],
    ['config', ['link/@state: - → down', 'mtu/@size: - → 1400']],
  ]);
  assert.is(sent(made.operations[0] as Operation).get('alias/@name'), 'ua-lan');
  assert.not.ok(sent(made.operations[0] as Operation).has('mtu/@size'));
});

test('each scope changes its own document', () => {
  const link = { interface: 'lan', set: { link: 'down' } } as const;
  for (const scope of ['live', 'config', 'both'] as const)
    assert.is(steps(update('web', link, { scope }))[0]?.[0], scope, scope);
  for (const scope of ['live', 'both'] as const)
    assert.match(update('off', link, { scope }).refusals[0]?.reason ?? '', /not running/);
});

test('media of a CD-ROM: changed, ejected, and put back in one call each (U11)', () => {
  assert.equal(steps(update('web', { disk: 'cd', set: { file: '/img/b.iso' } })), [
    ['both', ['source/@file: /host/images/a.iso → /img/b.iso']],
  ]);
  const eject = update('web', { disk: 'cd', set: { file: null } });
  assert.equal(steps(eject), [['both', ['source/@file: /host/images/a.iso → -']]]);
  assert.not.ok(sent(eject.operations[0] as Operation).has('source/@file'));
  const empty = (name: string) =>
    new DomainDocument(fixture(name).replace(/<source file='\/host\/images\/a\.iso'[^>]*>/, ''));
  const context = contextOf('web', { canonical: empty('web.xml'), live: empty('web.live.xml') });
  const insert = planChanges({ update: [{ disk: 'cd', set: { file: '/img/c.iso' } }] }, context);
  assert.equal(steps(insert), [['both', ['source/@file: - → /img/c.iso']]]);
});

test('what is as asked already is no operation but a note', () => {
  for (const one of [
    { interface: '52:54:00:00:00:0b', set: { link: 'down', model: 'e1000e' } },
    { disk: 'root', set: { serial: 'ROOT-1', boot: 1 } },
    { disk: 'root', set: {} },
    { disk: 'vdb', set: { serial: null } },
    { disk: 'cd', set: { file: '/host/images/a.iso' } },
  ] as DeviceUpdate[]) {
    const made = update('web', one);
    assert.ok(made.isEmpty, `${JSON.stringify(one)}\n${made}`);
    assert.match(made.notes[0] ?? '', /as asked already/);
  }
});

test('what a device is known by cannot be updated (U8)', () => {
  for (const [one, path] of [
    [{ disk: 'cd', set: { id: 'other' } }, 'alias/@name'],
    [{ disk: 'vdb', set: { id: 'new' } }, 'alias/@name'],
    [{ disk: 'root', set: { target: 'vdx' } }, 'target/@dev'],
    [{ interface: 'lan', set: { mac: '52:54:00:00:00:ee' } }, 'mac/@address'],
  ] as Array<[DeviceUpdate, string]>) {
    for (const scope of ['persistent', 'config', 'live'] as const) {
      const { operations, refusals } = update('web', one, { scope });
      assert.equal(operations, [], path);
      assert.ok(refusals[0]?.reason.startsWith(path), refusals[0]?.reason);
      assert.match(refusals[0]?.remedy ?? '', /Detach/);
    }
  }
});

test('boot orders: taken, the last one, and where <os> has it', () => {
  const taken = failureNow(() => update('web', { interface: 'lan', set: { boot: 1 } }), 'DEVICE_DUPLICATE');
  assert.is(taken.device, 'disk root');
  assert.is(taken.path, 'update[0].set.boot');
  assert.match(update('off', { disk: 'root', set: { boot: null } }).refusals[0]?.reason ?? '', /last boot order/);
  assert.match(update('foreign', { disk: 'vda', set: { boot: 1 } }).refusals[0]?.reason ?? '', /<os>/);
});

test('two updates cannot leave the domain without a boot order, or with one twice', () => {
  const both = plan('web', {
    update: [
      { disk: 'root', set: { boot: null } },
      { interface: 'lan', set: { boot: null } },
    ],
  });
  assert.match(both.refusals[0]?.reason ?? '', /last boot order/);
  assert.is(both.refusals[0]?.path, 'update[1]');
  const twice = failureNow(
    () =>
      plan('web', {
        update: [
          { disk: 'vdb', set: { boot: 7 } },
          { disk: 'log', set: { boot: 7 } },
        ],
      }),
    'DEVICE_DUPLICATE',
  );
  assert.is(twice.path, 'update[1].set.boot');
  const detached = plan('web', { detach: [{ interface: 'lan' }], update: [{ disk: 'root', set: { boot: null } }] });
  assert.match(detached.refusals[0]?.reason ?? '', /last boot order/);
  assert.equal(
    plan('web', { detach: [{ interface: 'lan' }], update: [{ disk: 'vdb', set: { boot: 2 } }] }).refusals,
    [],
    'one that goes is free',
  );
  const attached = failureNow(
    () =>
      plan('web', {
        update: [{ disk: 'vdb', set: { boot: 7 } }],
        attach: [{ disk: { target: 'vdc', file: '/x', boot: 7 } }],
      }),
    'DEVICE_DUPLICATE',
  );
  assert.is(attached.path, 'attach[0]');
});

test('a device that is not there is an error that names it', () => {
  const error = failureNow(() => update('web', { disk: 'nope', set: { serial: 'A' } }), 'DEVICE_NOT_FOUND');
  assert.match(error.message, /disk nope/);
  assert.is(error.path, 'update[0]');
  assert.is(error.domain, 'web');
  const elsewhere = update('diverged', { interface: 'only-live', set: { link: 'down' } }, { scope: 'config' });
  assert.equal(elsewhere.operations, [], 'only the running guest has it');
});

test('a kind without update is refused, saying what to do instead', () => {
  const { operations, refusals } = update('web', { controller: 'usb0', set: { ports: 9 } } as never);
  assert.equal(operations, []);
  assert.match(refusals[0]?.remedy ?? '', /Detach/);
});

test('bad values and unknown fields are refused with their path', () => {
  const unknown = failureNow(
    () => update('web', { disk: 'root', set: { seriall: 'A' } as never }),
    'SPEC_UNKNOWN_FIELD',
  );
  assert.is(unknown.path, 'update[0].set.seriall');
  const removed = failureNow(
    () => update('web', { disk: 'root', set: { seriall: null } as never }),
    'SPEC_UNKNOWN_FIELD',
  );
  assert.is(removed.path, 'update[0].set.seriall');
  for (const set of [
    { serial: '' },
    { serial: 7 },
    { boot: 0 },
    { boot: -1 },
    { boot: '1' },
    { readonly: 'yes' },
    { wwn: 'x' },
  ])
    assert.match(
      failureNow(() => update('web', { disk: 'root', set } as never), 'SPEC_INVALID').path ?? '',
      /^update\[0\]\.set\./,
    );
  for (const set of [undefined, null, 7, 'x', []])
    assert.is(failureNow(() => update('web', { disk: 'root', set } as never), 'SPEC_INVALID').path, 'update[0].set');
  failureNow(
    () => update('web', { disk: 'root', set: { file: null } as { file: null } & Partial<DiskSpec> }),
    'SPEC_INVALID',
  );
});

test('file and block exclude each other: setting one removes the other', () => {
  const made = update('web', { disk: 'vdb', set: { block: '/dev/sdz' } });
  const found = sent(made.operations.at(-1) as Operation);
  assert.is(found.get('source/@dev'), '/dev/sdz');
  assert.is(found.get('@type'), 'block');
  assert.not.ok(found.has('source/@file'));
});

test.run();
