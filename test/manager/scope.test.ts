import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChangeRequest, DiskSpec, LibvirtError, ManagedDomain } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf, refused, untouched } from '../support/scenario.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

async function disk({ disk }: Bench, target: string): Promise<{ disk: DiskSpec }> {
  return { disk: { id: target, target, file: await disk(), format: 'qcow2' } };
}
const has = async (domain: ManagedDomain, device: string) => {
  const { canonical, live } = await documentsOf(domain);
  return [identityMap(canonical).has(device), live !== undefined && identityMap(live).has(device)];
};
const linkOf = async (domain: ManagedDomain) => {
  const { canonical, live } = await documentsOf(domain);
  const state = (xml: string | undefined) =>
    xml === undefined ? undefined : (/<link state='(\w+)'/.exec(xml)?.[1] ?? 'up');
  return [state(canonical), state(live)];
};

for (const state of ['running', 'paused'] as const) {
  test(`S1–S3, S7: ${state}: a disk goes live, into the config, or into both in one call`, async () => {
    const b = await bench();
    const domain = await b.define();
    await domain.start({ paused: state === 'paused' });
    assert.is(await domain.state(), state);
    const live = await change(domain, { attach: [await disk(b, 'vdb')], scope: 'live' });
    assert.equal(await has(domain, 'disk ua-vdb'), [false, true]);
    assert.is(live.plan.operations[0]?.takesEffect, 'now');

    const config = await change(domain, { attach: [await disk(b, 'vdc')], scope: 'config' });
    assert.equal(await has(domain, 'disk ua-vdc'), [true, false]);
    assert.is(config.plan.operations[0]?.takesEffect, 'next-boot');
    assert.match(String(config.plan), /next boot/);

    const both = await change(domain, { attach: [await disk(b, 'vdd')] });
    assert.equal(await has(domain, 'disk ua-vdd'), [true, true]);
    assert.equal(
      both.mutators.filter((name) => name !== 'DOMAIN_SET_METADATA'),
      ['DOMAIN_ATTACH_DEVICE_FLAGS'],
      'one call, not two',
    );
    assert.is(
      identityMap(both.after.canonical).get('disk ua-vdd')?.address,
      identityMap(both.after.live ?? '').get('disk ua-vdd')?.address,
    );
    assert.equal((await domain.pending()).changes.map(({ action, subject }) => [action, subject]).sort(), [
      ['attach', 'disk vdc'],
      ['detach', 'disk vdb'],
    ]);
  });
}

test('S4: no scope of ours is CURRENT', async () => {
  const domain = await (await bench()).started();
  for (const scope of ['current', '', 0] as never[]) {
    const error = await untouched(domain, () => domain.plan({ scope, detach: [{ interface: 'lan' }] }));
    assert.is(error.code, 'SPEC_INVALID');
    assert.is(error.path, 'scope');
  }
});

test('S5, S6: shut off: live and both are refused, config is there at the same place after the start', async () => {
  const b = await bench();
  const domain = await b.define();
  const request = await disk(b, 'vdb');
  for (const scope of ['live', 'both'] as const) await refused(domain, { attach: [request], scope }, /not running/);
  for (const scope of ['live', 'both'] as const)
    await refused(domain, { update: [{ interface: 'lan', set: { link: 'down' } }], scope }, /not running/);
  for (const scope of ['live', 'both'] as const)
    await refused(domain, { detach: [{ interface: 'lan' }], scope }, /not running/);
  const { after } = await change(domain, { attach: [request], scope: 'config' });
  const place = identityMap(after.canonical).get('disk ua-vdb');
  assert.match(place?.address ?? '', /type=pci/);
  await domain.start({ paused: true });
  assert.equal(identityMap((await domain.live()) ?? '').get('disk ua-vdb'), place);
  assert.equal((await domain.pending()).changes, []);
});

test('S8: a transient domain takes live changes only', async () => {
  const b = await bench();
  const rival = await b.rival();
  const file = await b.disk();
  const { dom } = await rival.call('DOMAIN_CREATE_XML', {
    xml_desc: `<domain type='qemu'><name>passing</name><memory unit='MiB'>32</memory><os><type machine='q35'>hvm</type></os><devices><controller type='pci' model='pcie-root'/>${"<controller type='pci' model='pcie-root-port'/>".repeat(5)}<disk type='file'><driver name='qemu' type='qcow2'/><source file='${file}'/><target dev='vda'/></disk><interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface></devices></domain>`,
    flags: 1,
  });
  const domain = await b.manager.get(dom.uuid);
  const request = await disk(b, 'vdb');
  for (const scope of ['config', 'both', 'persistent'] as const)
    await refused(domain, { attach: [request], scope }, /transient/);
  await refused(domain, { set: { title: 'x' } }, /transient/);
  const { after } = await change(domain, { attach: [request], scope: 'live' });
  assert.ok(identityMap(after.live ?? '').has('disk ua-vdb'));
  await domain.destroy();
  await failure(domain.state(), 'DOMAIN_NOT_FOUND');
});

test('S11, U11: media are changed on the named side, ejected and put back', async () => {
  const b = await bench();
  const [one, two] = [await b.host.createMedium('one.iso'), await b.host.createMedium('two.iso')];
  const spec = {
    disks: [
      { id: 'root', target: 'vda', file: await b.disk(), format: 'qcow2', boot: 1 },
      { id: 'cd', device: 'cdrom', target: 'sda', bus: 'sata', file: one, readonly: true },
    ],
  } as const;
  const domain = await b.started(spec);
  const media = async () => {
    const { canonical, live } = await documentsOf(domain);
    const of = (xml = '') =>
      /<disk type='file' device='cdrom'>(?:(?!<\/disk>)[\s\S])*<\/disk>/
        .exec(xml)?.[0]
        .match(/<source file='[^']*\/(\w+)\.iso'/)?.[1] ?? 'empty';
    return [of(canonical), of(live)];
  };
  const set = (file: string | null, scope: ChangeRequest['scope']) =>
    change(domain, { update: [{ disk: 'cd', set: { file } }], ...(scope ? { scope } : {}) });
  assert.equal(await media(), ['one', 'one']);
  await set(two, 'live');
  assert.equal(await media(), ['one', 'two']);
  await set(two, 'config');
  assert.equal(await media(), ['two', 'two']);
  const { mutators } = await set(one, 'both');
  assert.equal(await media(), ['one', 'one']);
  assert.equal(mutators, ['DOMAIN_UPDATE_DEVICE_FLAGS']);
  await set(null, 'persistent');
  assert.equal(await media(), ['empty', 'empty']);
  await set(one, 'persistent');
  assert.equal(await media(), ['one', 'one']);
  assert.equal((await domain.pending()).changes, []);
});

test('S12: the link of a running NIC goes down on the named side', async () => {
  const domain = await (await bench()).started();
  const link = (state: 'up' | 'down', scope: NonNullable<ChangeRequest['scope']>) =>
    change(domain, { update: [{ interface: 'lan', set: { link: state } }], scope });
  await link('down', 'live');
  assert.equal(await linkOf(domain), ['up', 'down']);
  assert.equal(
    (await domain.pending()).changes.map(({ subject, action }) => [subject, action]),
    [['interface lan', 'change']],
  );
  await link('down', 'config');
  assert.equal(await linkOf(domain), ['down', 'down']);
  assert.equal((await link('up', 'both')).mutators, ['DOMAIN_UPDATE_DEVICE_FLAGS']);
  assert.equal(await linkOf(domain), ['up', 'up']);
  await link('down', 'persistent');
  assert.equal(await linkOf(domain), ['down', 'down']);
});

test('S13: the link of a NIC that is off changes in the config', async () => {
  const domain = await (await bench()).define();
  for (const scope of ['persistent', 'config'] as const) {
    await change(domain, { update: [{ interface: 'lan', set: { link: scope === 'config' ? 'up' : 'down' } }], scope });
    assert.equal(await linkOf(domain), [scope === 'config' ? 'up' : 'down', undefined]);
  }
});

test('M7: what needs a running domain fails with one error class on a domain that is off, and the other way round', async () => {
  const b = await bench();
  const domain = await b.define();
  for (const attempt of [
    () => domain.shutdown(),
    () => domain.reboot({ mode: 'guest' }),
    () => domain.reboot({ mode: 'cold' }),
  ]) {
    const error = await failure(attempt, 'DOMAIN_STATE');
    assert.is(error.domain, domain.name);
    assert.ok(error.remedy);
    assert.is((error.cause as LibvirtError).errorName, 'VIR_ERR_OPERATION_INVALID');
  }
  await domain.destroy();
  await domain.start({ paused: true });
  await failure(domain.start(), 'DOMAIN_STATE');
  const undefine = await untouched(domain, () => domain.undefine());
  assert.is(undefine.code, 'DOMAIN_STATE');
});

test.run();
