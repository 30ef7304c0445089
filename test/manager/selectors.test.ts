import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ManagedDomain, Plan } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { documentOf, type Form } from './forms/form.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const MAC = '52:54:00:00:00:01';
const XHCI = "<controller type='usb' model='qemu-xhci'/>";
const twin = `<interface type='user'><mac address='${MAC}'/><model type='virtio'/></interface>`;
const tablet = "<input type='tablet' bus='usb'/>";

async function defined(name: string, form: Omit<Form, 'name'>): Promise<ManagedDomain> {
  const b = await bench();
  const rival = await b.rival();
  await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml: documentOf({ name, ...form }, name), flags: 0 });
  return b.manager.get(name);
}

const asked = ({ operations, refusals }: Plan) => [
  ...operations
    .filter(({ subject }) => subject !== 'intent')
    .map(({ action, subject, scope, address = '' }) => [action, subject, scope, address].join(' ').trim()),
  ...refusals.map(({ subject }) => `refused ${subject}`),
];

test('a selector reaches each of two devices of one name, by number and by address', async () => {
  const domain = await defined('twins', { devices: twin.repeat(2) + tablet.repeat(2), usb: XHCI });
  for (const [kind, name, first, second] of [
    ['interface', MAC, 'pci 0000:01:00.0', 'pci 0000:02:00.0'],
    ['input', 'tablet-usb', 'usb 0:1', 'usb 0:2'],
  ] as const) {
    const reach = async (by: string) => asked(await domain.plan({ detach: [{ [kind]: by } as never] }));
    for (const by of [`${name} #2`, second, second.replace(/^\w+ /, '')])
      assert.equal(await reach(by), [`detach ${kind} ${name} #2 config ${second}`]);
    for (const by of [`${name} #1`, first]) assert.equal(await reach(by), [`detach ${kind} ${name} config ${first}`]);
    await failure(domain.plan({ detach: [{ [kind]: name } as never] }), 'DEVICE_AMBIGUOUS');
  }
});

test('apply: one of two devices of one name goes, and the other stays where it is', async () => {
  const domain = await defined('one-goes', { devices: twin.repeat(2) + tablet.repeat(2), usb: XHCI });
  await domain.apply(await domain.plan({ detach: [{ input: 'usb 0:1' }, { interface: `${MAC} #1` }] }));
  const left = (await domain.devices()).filter(({ identity }) => /tablet|52:54/.test(identity));
  assert.equal(left.map(({ identity, address }) => `${identity} ${address}`).sort(), [
    'input tablet-usb usb 0:2',
    `interface ${MAC} pci 0000:02:00.0`,
  ]);
  await domain.apply(await domain.plan({ attach: [{ input: { type: 'tablet', bus: 'usb' } }] }));
  const [, again] = (await domain.devices()).filter(({ identity }) => identity.includes('tablet'));
  assert.equal([again?.identity, again?.address], ['input tablet-usb #2', 'usb 0:1']);
  await domain.apply(await domain.plan({ attach: [{ input: { id: 'third', type: 'tablet', bus: 'usb' } }] }));
  const repeated = await domain.plan({ attach: [{ input: { id: 'third', type: 'tablet', bus: 'usb' } }] });
  assert.ok(repeated.isEmpty, String(repeated));
});

test('planTowards: a document without one of two devices of one name takes that one away', async () => {
  const domain = await defined('without-one', { devices: twin.repeat(2) });
  const xml = await domain.canonical();
  await domain.apply(await domain.planTowards(xml));
  const [first = ''] = xml.match(/<interface [\s\S]*?<\/interface>/) ?? [];
  assert.equal(asked(await domain.planTowards(xml.replace(first, ''))), [
    `detach interface ${MAC} config pci 0000:01:00.0`,
  ]);
});

test("libvirt's own alias names the device of both documents", async () => {
  const domain = await defined('own-alias', { devices: twin });
  await domain.start({ paused: true });
  assert.equal(asked(await domain.plan({ update: [{ alias: 'net0', set: { link: 'down' } } as never] })), [
    `update interface ${MAC} both pci 0000:01:00.0`,
  ]);
  assert.equal(
    asked(await domain.plan({ detach: [{ alias: 'net0' }] })),
    ['live', 'config'].map((scope) => `detach interface ${MAC} ${scope} pci 0000:01:00.0`),
  );
  await domain.destroy();
});

test('plan: a scope that the caller names is refused where only the other document has the device', async () => {
  const domain = await defined('scopes', { devices: twin });
  await domain.start({ paused: true });
  await domain.apply(
    await domain.plan({ attach: [{ interface: { id: 'live', user: true, mac: '52:54:00:00:00:02' } }], scope: 'live' }),
  );
  await domain.apply(
    await domain.plan({
      attach: [{ interface: { id: 'cold', user: true, mac: '52:54:00:00:00:03' } }],
      scope: 'config',
    }),
  );
  for (const [id, scope] of [
    ['live', 'config'],
    ['cold', 'live'],
  ] as const)
    assert.equal(asked(await domain.plan({ detach: [{ interface: id }], scope })), [`refused interface ${id}`]);
  const nowhere = await domain.plan({ detach: [{ interface: 'nowhere' }], scope: 'config' });
  assert.ok(nowhere.isEmpty && nowhere.notes.length === 1, String(nowhere));
  await domain.destroy();
});

test('planTowards: another id for the device of the same MAC is refused, and replaces it only when that is allowed', async () => {
  const domain = await defined('ids', { devices: twin.replace('</interface>', "<alias name='ua-a'/></interface>") });
  const xml = await domain.canonical();
  await domain.apply(await domain.planTowards(xml));
  const other = xml.replace('ua-a', 'ua-b');
  assert.equal(asked(await domain.planTowards(other)), ['refused interface a']);
  const plan = await domain.planTowards(other, { replace: 'allow' });
  assert.equal(asked(plan), [
    'detach interface a config pci 0000:01:00.0',
    'attach interface b config pci 0000:01:00.0',
  ]);
});

test('plan: what is no device, and a disk without a usable target, is refused before anything is sent', async () => {
  const domain = await defined('no-device', {});
  for (const target of [
    '',
    "<target dev='' bus='virtio'/>",
    "<target dev='foo' bus='virtio'/>",
    "<target dev='vd1' bus='virtio'/>",
  ]) {
    const disk = `<disk type='file' device='disk'><source file='/none'/>${target}</disk>`;
    await failure(domain.plan({ attach: [disk] }), 'SPEC_INVALID');
  }
  await failure(domain.plan({ attach: ["<x:disk xmlns:x='urn:x'/>"] }), 'DEVICE_KIND_UNKNOWN');
  await failure(domain.plan({ attach: ["<disk xmlns='urn:x'><target dev='vdz'/></disk>"] }), 'SPEC_INVALID');
});

test.run();
