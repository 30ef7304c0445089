import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, type DomainSpec, domainXml, type ObservedDomain } from '../../src/domain/index.js';
import { Intent, type Plan, planChanges, planTowards, type TowardsOptions } from '../../src/plan/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf, fixture } from '../support/fixtures.js';
import { applyOnPaper, rebootOnPaper, running } from '../support/paper.js';

const UUID = 'c0ffee00-0000-4000-8000-0000000000aa';
const base: DomainSpec = { name: 'paper', memory: '128 MiB', type: 'qemu' };
const root = { id: 'root', target: 'vda', file: '/img/root', boot: 1 } as const;
const data = { id: 'data', target: 'vdb', file: '/img/data' } as const;
const lan = { id: 'lan', user: true, mac: '52:54:00:00:00:01' } as const;

/** A domain as a definition of ours would leave it: every port and device placed, the intent written. */
function defined(more: Partial<DomainSpec>, live = true): ObservedDomain {
  const bare = { canonical: new DomainDocument(domainXml({ ...base }, UUID)), live: undefined };
  let ports = 0;
  const xml = bare.canonical.xml.replaceAll(/model=['"]pcie-root-port['"]\/>/g, () => {
    ports++;
    return `index="${ports}" model="pcie-root-port"><address type="pci" domain="0x0000" bus="0x00" slot="0x0${1 + (ports >> 3)}" function="0x${ports & 7}"/></controller>`;
  });
  const placed: ObservedDomain = {
    canonical: new DomainDocument(xml),
    live: undefined,
    persistent: true,
    autostart: false,
    managedSave: false,
    versions: { libvirt: '9.0.0', qemu: '7.2.0' },
  };
  const off = applyOnPaper(placed, planTowards({ ...base, ...more }, placed));
  return live ? { ...off, live: running(off.canonical.xml) } : off;
}

const towards = (context: ObservedDomain, more: Partial<DomainSpec>, options?: TowardsOptions): Plan =>
  planTowards({ ...base, ...more }, context, options);
const letters = ({ operations, refusals }: Plan) => {
  assert.equal(refusals, []);
  return operations.map(({ action, subject, scope }) => `${action} ${subject} ${scope}`);
};
const INTENT = 'set intent both';
/** Applies a plan on paper and holds it to having led there: the same desired state is an empty plan, also after a boot. */
function reach(context: ObservedDomain, more: Partial<DomainSpec>, options?: TowardsOptions): ObservedDomain {
  const after = applyOnPaper(context, towards(context, more, options));
  for (const now of [after, rebootOnPaper(after)]) {
    const again = towards(now, more, options);
    assert.ok(again.isEmpty, `converged:\n${again}`);
  }
  return after;
}
const placeOf = ({ canonical }: ObservedDomain, name: string) => canonical.find(undefined, name)[0]?.address;

test('its own canonical document asks for nothing of any domain, and neither does its live one', () => {
  for (const name of ['web', 'off', 'i440fx', 'ports', 'full', 'foreign']) {
    const plan = planTowards(fixture(`${name}.xml`), contextOf(name));
    assert.equal(plan.refusals, [], name);
    assert.equal(
      plan.operations.map(({ subject }) => subject),
      ['intent'],
      `${name}: adoption writes the intent alone`,
    );
    assert.equal(plan.notes, [], name);
  }
});

test('a domain never touched before is adopted: nothing is detached, and the first plan writes the intent for all to see', () => {
  const plan = planTowards(
    {
      ...base,
      name: 'web',
      memory: { current: '64 MiB', maximum: '128 MiB' },
      disks: [{ id: 'root', target: 'vda', file: '/host/images/root.qcow2' }],
    },
    contextOf('web'),
  );
  assert.equal(letters(plan), [INTENT]);
  const intent = plan.operations.at(-1);
  assert.is(intent?.subject, 'intent');
  assert.is(intent?.call.procedure, 'DOMAIN_SET_METADATA');
  assert.match(String(plan), /S intent .*DOMAIN_SET_METADATA\n {6}which devices callers asked for/);
});

test('three ways: what is not asked any more goes, what somebody else added stays, what is not mentioned stays as it is', () => {
  let context = defined({ disks: [root, { ...data, driver: { cache: 'none' }, serial: 'D1' }], interfaces: [lan] });
  const other = planChanges(
    { attach: [{ disk: { id: 'foreign', target: 'vdx', file: '/x' } }] },
    { ...context, canonical: withoutIntent(context) },
  );
  context = applyOnPaper(context, other);
  const plan = towards(context, { disks: [root, { ...data, serial: 'D2' }], interfaces: [] });
  assert.equal(letters(plan), [
    'detach interface lan live',
    'detach interface lan config',
    'update disk data config',
    INTENT,
  ]);
  assert.equal(
    plan.operations[2]?.changes.map(({ path }) => path),
    ['serial'],
    'cache is not mentioned',
  );
  assert.is(plan.operations[0]?.reason, 'it was asked for before and is not any more');
  const after = reach(context, { disks: [root, { ...data, serial: 'D2' }], interfaces: [] });
  assert.ok(after.canonical.find('disk', 'vdx').length === 1 && after.live?.find('disk', 'vdx').length === 1);
  assert.is(after.canonical.find('disk', 'vdb')[0]?.leaves.get('driver/@cache'), 'none');
});

function withoutIntent({ canonical }: ObservedDomain): DomainDocument {
  return new DomainDocument(canonical.xml.replace(/<lvc:intent[\s\S]*<\/lvc:intent>/, ''));
}

test('what was there and is asked for now is ours from then on', () => {
  let context = defined({ disks: [root] });
  context = applyOnPaper(
    context,
    planChanges({ attach: [{ disk: data }] }, { ...context, canonical: withoutIntent(context) }),
  );
  assert.not.ok(Intent.read(context.canonical)?.owns(context.canonical.find('disk', 'vdb')[0] as never));
  context = reach(context, { disks: [root, data] });
  assert.equal(letters(towards(context, { disks: [root] })), [
    'detach disk data live',
    'detach disk data config',
    INTENT,
  ]);
});

test('what somebody else took away is forgotten, and theirs when they put it back', () => {
  let context = defined({ disks: [root, data] });
  const before = context;
  context = applyOnPaper(
    context,
    planChanges({ detach: [{ disk: 'vdb' }] }, { ...context, canonical: withoutIntent(context) }),
  );
  context = reach(context, { disks: [root] });
  const back = planChanges(
    { attach: [{ disk: { ...data, file: '/theirs' } }] },
    { ...context, canonical: withoutIntent(context) },
  );
  context = applyOnPaper(context, back);
  assert.ok(towards(context, { disks: [root] }).isEmpty);
  assert.ok(before.canonical.find('disk', 'vdb').length === 1);
});

test('defaults that the caller did not write are no wish for a device that is there', () => {
  const context = defined({
    interfaces: [{ ...lan, model: 'e1000e' }],
    disks: [{ ...root, bus: 'scsi', target: 'sda' }],
    devices: [{ controller: { type: 'scsi', model: 'virtio-scsi', index: 0 } }],
  });
  const plan = towards(context, {
    interfaces: [lan],
    disks: [{ ...root, target: 'sda' }],
    devices: [{ controller: { type: 'scsi', index: 0 } }],
  });
  assert.ok(plan.isEmpty, String(plan));
});

test('a source of another sort takes the place of the one before', () => {
  const context = defined({ disks: [root, data] }, false);
  const { file: _, ...bare } = data;
  const after = reach(context, { disks: [root, { ...bare, block: '/dev/sdx' }] });
  const leaves = after.canonical.find('disk', 'vdb')[0]?.leaves;
  assert.equal(
    [leaves?.get('@type'), leaves?.get('source/@dev'), leaves?.get('source/@file')],
    ['block', '/dev/sdx', undefined],
  );
});

test('a device whose change no update reaches is refused by default and replaced at its address when asked by name', () => {
  const context = defined({ disks: [root, data], interfaces: [lan] });
  const wish = { disks: [root, { ...data, target: 'vdq' }], interfaces: [lan] };
  const no = towards(context, wish);
  assert.equal(no.operations, []);
  assert.is(no.refusals[0]?.path, 'disks[1]');
  assert.match(no.refusals[0]?.remedy ?? '', /replace: 'allow'/);
  const half = towards(context, { ...wish, disks: [...wish.disks, { id: 'more', target: 'vdc', file: '/img/more' }] });
  assert.equal(
    half.operations.map(({ subject }) => subject),
    ['disk more'],
    'nothing is written down that is not done',
  );
  const plan = towards(context, wish, { replace: 'allow' });
  assert.equal(letters(plan), ['detach disk data live', 'detach disk data config', 'attach disk data both', INTENT]);
  const after = reach(context, wish, { replace: 'allow' });
  assert.equal(placeOf(after, 'data'), placeOf(context, 'data'));
  assert.is(failureNow(() => towards(context, wish, { replace: 'yes' } as never), 'SPEC_INVALID').path, 'replace');
});

test('on another bus it gets another address', () => {
  const context = defined({
    disks: [root, data],
    devices: [{ controller: { type: 'scsi', model: 'virtio-scsi', index: 0 } }],
  });
  const wish = {
    disks: [root, { ...data, target: 'sdb', bus: 'scsi' as const }],
    devices: [{ controller: { type: 'scsi' as const, model: 'virtio-scsi', index: 0 } }],
  };
  assert.match(towards(context, wish).refusals[0]?.reason ?? '', /target\/@dev/);
  assert.is(placeOf(reach(context, wish, { replace: 'allow' }), 'data')?.type, 'drive');
});

test('a NIC of the other sort of PCI cannot stay in a PCIe slot', () => {
  const context = contextOf('ports');
  const wish = fixture('ports.xml').replace(/(<interface[\s\S]*?<model type=')virtio'/, "$1rtl8139'");
  assert.match(planTowards(wish, context).refusals[0]?.reason ?? '', /the bus it is on/);
});

test('two replaced devices trade their targets: both are gone before one comes back', () => {
  const context = defined({ disks: [root, data, { id: 'more', target: 'vdc', file: '/img/more' }] });
  const wish = { disks: [root, { ...data, target: 'vdc' }, { id: 'more', target: 'vdb', file: '/img/more' }] };
  const after = reach(context, wish, { replace: 'allow' });
  assert.equal([placeOf(after, 'data'), placeOf(after, 'more')], [placeOf(context, 'data'), placeOf(context, 'more')]);
});

test('a target, MAC and boot order that go may be asked for again in the same desired state', () => {
  const context = defined({ disks: [root, { ...data, boot: 2 }], interfaces: [lan] });
  const wish = {
    disks: [root, { id: 'new', target: 'vdb', file: '/img/new', boot: 2 }],
    interfaces: [{ id: 'wan', user: true, mac: lan.mac }],
  } as const;
  // The MAC is the card: another id for it is a replacement, which has to be asked for.
  assert.is(towards(context, wish).refusals.length, 1);
  reach(context, wish, { replace: 'allow' });
});

test('boot orders are traded through a free number and never down to none, in rings of any length', () => {
  for (const count of [2, 3, 4, 5]) {
    const disks = Array.from({ length: count }, (_, n) => ({
      id: `d${n}`,
      target: `vd${'abcde'[n]}`,
      file: `/img/${n}`,
      boot: n + 1,
    }));
    const context = defined({ disks });
    const turned = disks.map((disk, n) => ({ ...disk, boot: ((n + 1) % count) + 1 }));
    const plan = towards(context, { disks: turned });
    const orders = new Map(disks.map(({ id, boot }) => [`disk ${id}`, String(boot)]));
    for (const { subject, changes, action } of plan.operations) {
      if (action !== 'update') continue;
      orders.set(subject, changes[0]?.to as string);
      assert.is(new Set(orders.values()).size, count, 'never two alike');
    }
    assert.is(plan.operations.filter(({ action }) => action === 'update').length, count + 1, 'one device moves twice');
    reach(context, { disks: turned });
  }
});

test('the only boot disk is replaced, or gives way to another, without the domain ever being without a boot order', () => {
  const context = defined({ disks: [root, data], interfaces: [lan] });
  const replaced = { disks: [{ ...root, target: 'vdr' }, data], interfaces: [lan] };
  const plan = towards(context, replaced, { replace: 'allow' });
  assert.equal(
    letters(plan).filter((each) => !each.includes('intent')),
    [
      'update disk data config',
      'detach disk root live',
      'detach disk root config',
      'attach disk root both',
      'update disk data config',
    ],
  );
  const after = reach(context, replaced, { replace: 'allow' });
  assert.is(after.canonical.find('disk', 'data')[0]?.leaves.get('boot/@order'), undefined);
  reach(context, { disks: [{ ...data, boot: 1 }], interfaces: [lan] });
  reach(context, { disks: [{ id: 'other', target: 'vda', file: '/img/other', boot: 1 }, data], interfaces: [lan] });
  assert.match(towards(context, { disks: [data], interfaces: [lan] }).refusals[0]?.reason ?? '', /last boot order/);
  const alone = defined({ disks: [root] });
  const holders = alone.canonical.devices.filter(({ kind }) => kind.updateConfig).length;
  assert.is(holders, 1);
  const none = towards(alone, { disks: [{ ...root, target: 'vdr' }] }, { replace: 'allow' });
  assert.match(none.refusals[0]?.reason ?? '', /last boot order/);
});

test('controllers come before what sits on them, and go after it', () => {
  const context = defined({ disks: [root] });
  const wish = {
    disks: [root, { id: 's', target: 'sda', bus: 'scsi' as const, file: '/img/s' }],
    devices: [{ controller: { type: 'scsi' as const, model: 'virtio-scsi', id: 'hba' } }],
  };
  const plan = towards(context, wish);
  assert.equal(letters(plan), ['attach controller hba both', 'attach disk s both', INTENT]);
  assert.is(plan.operations[1]?.address, 'drive 0:0:0:0');
  const after = reach(context, wish);
  assert.equal(letters(towards(after, { disks: [root] })), [
    'detach disk s live',
    'detach disk s config',
    'detach controller hba live',
    'detach controller hba config',
    INTENT,
  ]);
  reach(after, { disks: [root] });
});

test('the same order in a change request', () => {
  const context = defined({ disks: [root] });
  const plan = planChanges(
    {
      attach: [
        { disk: { id: 's', target: 'sda', bus: 'scsi', file: '/img/s' } },
        "<controller type='scsi' model='virtio-scsi'/>",
      ],
    },
    context,
  );
  assert.equal(letters(plan), ['attach controller scsi0 both', 'attach disk s both', INTENT]);
  assert.equal(plan.capacity.scsi, { total: 0, free: 0, freeAfter: 14 });
});

test('a channel waits with the controller that it needs, when the guest cannot have that now', () => {
  const context = defined({ disks: [root] });
  const wish = {
    disks: [root],
    devices: [
      { channel: { unix: {}, name: 'org.qemu.guest_agent.0' } },
      { controller: { type: 'virtio-serial' as const } },
    ],
  };
  assert.match(towards(context, wish as never).refusals[0]?.reason ?? '', /hot-plugged/);
  const plan = towards(context, wish as never, { ifNotLive: 'next-boot' });
  assert.equal(letters(plan), [
    'attach controller virtio-serial0 config',
    'attach channel org.qemu.guest_agent.0 config',
    INTENT,
  ]);
  assert.is(plan.operations[1]?.address, 'virtio-serial 0:0:1');
  reach(context, wish as never, { ifNotLive: 'next-boot' });
});

test('a controller without an index is the one that is there', () => {
  const wish = { disks: [root], devices: ["<controller type='scsi' model='virtio-scsi'/>"] };
  reach(defined(wish), wish);
});

test('a controller that was asked for without an id stays when it is not asked for any more: others may stand on it', () => {
  const context = defined({ disks: [root], devices: [{ controller: { type: 'scsi', model: 'virtio-scsi' } }] });
  assert.equal(letters(towards(context, { disks: [root] })), []);
});

test('a device comes back to its old address, which nobody else got meanwhile', () => {
  let context = defined({ disks: [root, data], interfaces: [lan] });
  const place = placeOf(context, 'data');
  context = reach(context, { disks: [root], interfaces: [lan] });
  context = reach(context, { disks: [root, { id: 'third', target: 'vdc', file: '/img/third' }], interfaces: [lan] });
  assert.not.equal(placeOf(context, 'third'), place);
  context = reach(context, {
    disks: [root, { id: 'third', target: 'vdc', file: '/img/third' }, data],
    interfaces: [lan],
  });
  assert.equal(placeOf(context, 'data'), place);
  assert.equal(
    Intent.read(context.canonical)?.freedAddresses,
    [],
    'it is back, and its place nobody else is kept from',
  );
});

test('a freed address is handed on when no other is free, and the memory of it does not grow', () => {
  let context = defined({ disks: [root], hotplug: { pciePorts: 8 } });
  for (let n = 0; n < 30; n++)
    context = reach(context, { disks: [root, { id: `t${n}`, target: 'vdb', file: `/img/${n}` }] });
  const freed = Intent.read(context.canonical)?.freedAddresses ?? [];
  assert.ok(freed.length <= 10 && new Set(freed).size === freed.length, freed.join());
});

test('what is asked and waits for the next boot is plugged when it can be, or said to wait', () => {
  const context = defined({ disks: [root] });
  const cold = applyOnPaper(context, planChanges({ attach: [{ disk: data }], scope: 'config' }, context));
  assert.equal(letters(towards(cold, { disks: [root, data] })), ['attach disk data live']);
  reach(cold, { disks: [root, data] });
  const sata = { id: 'cold', target: 'sdb', bus: 'sata', file: '/img/s' } as const;
  const wish = { disks: [root, sata], devices: [{ controller: { type: 'sata', index: 1 } }] } as Partial<DomainSpec>;
  const waits = applyOnPaper(context, towards(context, wish, { ifNotLive: 'next-boot' }));
  const plan = towards(waits, wish);
  assert.ok(plan.isEmpty, String(plan));
  assert.match(plan.notes.join(), /disk cold waits for the next boot/);
});

test('a device that takes the target of one that only goes at the next boot waits with it, and is not asked for twice', () => {
  const hba = { controller: { type: 'scsi', model: 'virtio-scsi', index: 0 } } as const;
  const sata = { controller: { type: 'sata', index: 0 } } as const;
  const cold = { id: 'cold', target: 'sdb', bus: 'sata', file: '/img/c' } as const;
  const off = defined({ disks: [root, cold], devices: [hba, sata] } as Partial<DomainSpec>, false);
  const context = { ...off, live: running(off.canonical.xml) };
  const wish = { disks: [root, { id: 'hot', target: 'sdb', bus: 'scsi', file: '/img/h' }], devices: [hba, sata] };
  const plan = towards(context, wish as Partial<DomainSpec>, { ifNotLive: 'next-boot' });
  assert.equal(letters(plan), ['detach disk cold config', 'attach disk hot config', INTENT]);
  const after = reach(context, wish as Partial<DomainSpec>, { ifNotLive: 'next-boot' });
  const again = towards(after, wish as Partial<DomainSpec>);
  assert.ok(again.isEmpty, String(again));
  assert.match(again.notes.join(), /disk hot waits for the next boot: disk cold of the running guest has target sdb/);
});

test('a field that the running guest cannot change now takes effect at the next boot, and is not asked for twice', () => {
  const context = defined({ disks: [root, data] });
  const wish = { disks: [root, { ...data, driver: { cache: 'none' as const } }] };
  const plan = towards(context, wish);
  assert.equal(
    plan.operations.map(({ scope, takesEffect }) => [scope, takesEffect]),
    [['config', 'next-boot']],
  );
  const again = towards(applyOnPaper(context, plan), wish);
  assert.ok(again.isEmpty);
  assert.match(again.notes.join(), /disk data is as asked in the canonical document; driver\/@cache/);
});

test('what somebody changed in the running guest alone is put right', () => {
  const context = defined({ interfaces: [{ ...lan, link: 'up' }] });
  const bent = applyOnPaper(
    context,
    planChanges({ update: [{ interface: 'lan', set: { link: 'down' } }], scope: 'live' }, context),
  );
  assert.equal(letters(towards(bent, { interfaces: [{ ...lan, link: 'up' }] })), ['update interface lan live']);
});

test('contradictions are refused with the path of the second', () => {
  const context = defined({ disks: [root], interfaces: [lan] });
  const twice: Array<[Partial<DomainSpec>, string, RegExp]> = [
    [{ disks: [root, { ...data, boot: 1 }] }, 'disks[1]', /boot order 1 .*disk root \(disks\[0\]\)/],
    [{ disks: [root, { ...data, target: 'vda' }] }, 'disks[1]', /target vda/],
    [{ disks: [root, { ...data, id: 'root' }] }, 'disks[1]', /alias ua-root/],
    [{ interfaces: [lan, { user: true, mac: lan.mac.toUpperCase() }] }, 'interfaces[1]', /MAC address/],
    [
      { interfaces: [{ ...lan, address: '0000:05:00.0' }], disks: [{ ...root, address: '0000:05:00.0' }] },
      'interfaces[0]',
      /0000:05:00/,
    ],
  ];
  for (const [wish, path, message] of twice) {
    const error = failureNow(() => towards(context, wish), 'DEVICE_DUPLICATE');
    assert.is(error.path, path);
    assert.match(error.message, message);
  }
  const taken = failureNow(
    () => planTowards({ ...base, disks: [{ ...data, boot: 1 }] }, { ...context, canonical: withoutIntent(context) }),
    'DEVICE_DUPLICATE',
  );
  assert.is(taken.path, 'disks[0]');
});

test('a MAC that two NICs of the domain have names neither', () => {
  const context = contextOf('off');
  const xml = fixture('off.xml').replace(
    /(<interface[\s\S]*?<\/interface>)/,
    (nic) => nic.replace(/<alias[^>]*>/, '') + nic.replace(/<alias[^>]*>/, '').replace("bus='0x01'", "bus='0x06'"),
  );
  const two = { ...context, canonical: new DomainDocument(xml) };
  const mac = /<mac address='([^']*)'/.exec(xml)?.[1] ?? '';
  const error = failureNow(
    () => planTowards({ ...base, name: two.canonical.name, interfaces: [{ user: true, mac, link: 'down' }] }, two),
    'DEVICE_AMBIGUOUS',
  );
  assert.is(error.path, 'interfaces[0]');
  assert.equal(planTowards(xml, two).refusals, [], 'the document itself is no contradiction');
});

test('unknown fields and wrong values are errors with their path', () => {
  const context = contextOf('off');
  const cases: Array<[unknown, string, string]> = [
    [{ ...base, nope: 1 }, 'SPEC_UNKNOWN_FIELD', 'nope'],
    [{ ...base, disks: [{ ...root, nope: 1 }] }, 'SPEC_UNKNOWN_FIELD', 'disks[0].nope'],
    [{ ...base, disks: {} }, 'SPEC_INVALID', 'disks'],
    [{ ...base, disks: [{ ...root, boot: 0 }] }, 'SPEC_INVALID', 'disks[0].boot'],
    [{ ...base, disks: [{ ...root, address: '0000:00:20.0' }] }, 'SPEC_INVALID', 'disks[0].address'],
    [{ ...base, hotplug: { ports: 1 } }, 'SPEC_UNKNOWN_FIELD', 'hotplug.ports'],
    [{ ...base, vcpus: 0 }, 'SPEC_INVALID', 'vcpus'],
    [{ ...base, memory: -1 }, 'SPEC_INVALID', 'memory'],
    [{ name: '' }, 'SPEC_INVALID', 'name'],
    [null, 'SPEC_INVALID', ''],
    ['<network/>', 'SPEC_INVALID', 'the desired state'],
    ['<domain', 'XML_MALFORMED', ''],
  ];
  for (const [wish, code, path] of cases) {
    const error = failureNow(() => planTowards(wish as never, context), code as 'SPEC_INVALID');
    if (path !== '') assert.is(error.path, path, error.message);
  }
});

test('what no call brings about is refused by its path; what libvirt made of a default is no difference', () => {
  const context = contextOf('off');
  const name = context.canonical.name;
  const ok = planTowards({ ...base, name, memory: '64 MiB', machine: 'q35' }, context);
  assert.equal(ok.refusals, []);
  const no = planTowards({ ...base, name, memory: '64 MiB', machine: 'pc', arch: 'aarch64' }, context);
  assert.equal(no.refusals.map(({ path }) => path).sort(), ['os/type/@arch', 'os/type/@machine']);
});

test('a transient domain has no desired state', () => {
  const plan = planTowards({ ...base, disks: [data] }, contextOf('web', { persistent: false }));
  assert.equal(plan.operations, []);
  assert.match(plan.refusals[0]?.reason ?? '', /transient/);
});

test('an unnamed device that somebody else added is not taken for one that is asked for', () => {
  let context = defined({ disks: [root], interfaces: [lan] });
  const theirs = { interface: { user: true, mac: '52:54:00:00:00:99', model: 'e1000e' } } as const;
  context = applyOnPaper(context, planChanges({ attach: [theirs] }, { ...context, canonical: withoutIntent(context) }));
  const plan = towards(context, { disks: [root], interfaces: [lan, { user: true, model: 'virtio' }] });
  assert.equal(
    plan.operations.map(({ action }) => action),
    ['attach', 'set'],
  );
  reach(context, { disks: [root], interfaces: [lan, { user: true, model: 'virtio' }] });
});

test('an id cannot be given to a device that is there without one, which is no reason to replace it', () => {
  const context = defined({ disks: [root, { target: 'vdb', file: '/img/data' }] });
  const wish = { disks: [root, data] };
  for (const replace of ['refuse', 'allow'] as const) {
    const plan = towards(context, wish, { replace });
    assert.ok(plan.isEmpty, String(plan));
    assert.match(plan.notes.join(), /disk vdb was made without an id/);
  }
  const other = towards(
    context,
    { disks: [root, { ...data, bus: 'sata', target: 'sdb' }] },
    { ifNotLive: 'next-boot' },
  );
  assert.ok(other.operations.some(({ action, subject }) => action === 'attach' && subject === 'disk data'));
});

test('a device whose other half waits has its boot order to itself', () => {
  const context = defined({ disks: [root] });
  const cold = applyOnPaper(
    context,
    planChanges({ attach: [{ disk: { ...data, boot: 2 } }], scope: 'config' }, context),
  );
  assert.equal(letters(planChanges({ attach: [{ disk: { ...data, boot: 2 } }] }, cold)), ['attach disk data live']);
});

test('an intent that somebody mangled is no reason to fail', () => {
  const context = defined({ disks: [root] });
  for (const inner of [
    '',
    '<lvc:device/>',
    '<lvc:freed kind="disk" name="x" address="pci nowhere"/>',
    '<x/>',
    'text',
  ]) {
    const xml = context.canonical.xml.replace(
      /(<lvc:intent[^>]*?)(\/>|>[\s\S]*?<\/lvc:intent>)/,
      `$1>${inner}</lvc:intent>`,
    );
    assert.type(String(towards({ ...context, canonical: new DomainDocument(xml) }, { disks: [root] })), 'string');
  }
});

test.run();
