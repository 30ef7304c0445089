import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DeviceUpdate } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { change, documentsOf, refused } from '../support/scenario.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const linkOf = (xml: string | undefined, mac: string) =>
  new RegExp(`<mac address='${mac}'/>(?:(?!</interface>)[\\s\\S])*<link state='(\\w+)'`).exec(xml ?? '')?.[1];

test('U1: the link of every model goes absent → down → up → absent, in both documents', async () => {
  const b = await bench();
  const models = ['virtio', 'e1000e'] as const;
  const interfaces = models.map((model, n) => ({ id: model, user: true as const, model, mac: `52:54:00:00:00:1${n}` }));
  const domain = await b.started({ interfaces });
  for (const [n, model] of models.entries()) {
    for (const link of ['down', 'up', null] as const) {
      const { after, mutators } = await change(domain, { update: [{ interface: model, set: { link } }] });
      assert.equal(mutators, ['DOMAIN_UPDATE_DEVICE_FLAGS']);
      for (const xml of [after.canonical, after.live])
        assert.is(linkOf(xml, `52:54:00:00:00:1${n}`), link ?? undefined, `${model} ${link}`);
    }
  }
  assert.equal((await domain.pending()).changes, []);
});

test('U3, U9: what cannot change live waits for the next boot, and then is there', async () => {
  const b = await bench();
  const domain = await b.started();
  const updates: Array<[DeviceUpdate, string]> = [
    [{ interface: 'lan', set: { model: 'e1000e' } }, "<model type='e1000e'/>"],
    [{ interface: 'lan', set: { boot: 3 } }, "<boot order='3'/>"],
    [{ disk: 'root', set: { boot: 9 } }, "<boot order='9'/>"],
    [{ disk: 'root', set: { serial: 'LATER' } }, '<serial>LATER</serial>'],
  ];
  for (const [update, expected] of updates) {
    await refused(domain, { update: [update], scope: 'live' }, /./);
    const { plan, before, after } = await change(domain, { update: [update] });
    assert.is(plan.operations[0]?.takesEffect, 'next-boot');
    assert.ok(after.canonical.includes(expected), expected);
    assert.is(after.live, before.live, 'the running guest is not touched');
  }
  assert.is((await domain.pending()).changes.length, 2);
  await domain.destroy();
  await domain.start({ paused: true });
  const { live } = await documentsOf(domain);
  for (const [, expected] of updates) assert.ok(live?.includes(expected), expected);
});

test('U8: the alias of a device is its name and no update changes it; one that says nothing of it keeps it', async () => {
  const b = await bench();
  const cd = {
    id: 'cd',
    device: 'cdrom',
    target: 'sda',
    bus: 'sata',
    file: await b.host.createMedium('a.iso'),
  } as const;
  const root = { id: 'root', target: 'vda', file: await b.disk(), format: 'qcow2', boot: 1 } as const;
  const domain = await b.started({ disks: [root, cd] });
  await refused(domain, { update: [{ disk: 'cd', set: { id: 'other' } }] }, /alias/);
  const { after } = await change(domain, { update: [{ disk: 'cd', set: { file: null } }] });
  for (const xml of [after.canonical, after.live ?? '']) assert.ok(xml.includes("<alias name='ua-cd'/>"));
});

test('two boot orders are traded in one request, and the domain is never without one', async () => {
  const domain = await (await bench()).define({ interfaces: [{ id: 'lan', user: true, boot: 2 }] });
  const orders = (xml: string) =>
    ['disk', 'interface'].map(
      (kind) => new RegExp(`<${kind} (?:(?!</${kind}>)[\\s\\S])*<boot order='(\\d+)'`).exec(xml)?.[1],
    );
  assert.equal(orders(await domain.canonical()), ['1', '2']);
  const { after } = await change(domain, {
    update: [
      { disk: 'root', set: { boot: 2 } },
      { interface: 'lan', set: { boot: 1 } },
    ],
  });
  assert.equal(orders(after.canonical), ['2', '1']);
  await change(domain, { update: [{ disk: 'root', set: { boot: null } }] });
  await refused(domain, { update: [{ interface: 'lan', set: { boot: null } }] }, /last boot order/);
  await refused(domain, { detach: [{ interface: 'lan' }] }, /last boot order/);
  assert.not.match(await domain.canonical(), /<boot dev=/);
});

test('what the library does not know of a device survives an update of it', async () => {
  const b = await bench();
  const nic =
    "<interface type='user'><mac address='52:54:00:00:00:66'/><model type='virtio'/><driver name='qemu' txmode='timer' event_idx='off'/><backend tap='/dev/net/tun'/><tune><sndbuf>1600</sndbuf></tune><alias name='ua-odd'/></interface>";
  const domain = await b.define({ devices: [nic] });
  const known = /<driver[^>]*event_idx='off'\/>/;
  assert.match(await domain.canonical(), known);
  const { after } = await change(domain, { update: [{ interface: 'odd', set: { link: 'down', boot: 7 } }] });
  assert.match(after.canonical, known);
  assert.match(after.canonical, /<sndbuf>1600<\/sndbuf>/);
});

test('U10: the I/O thread of a disk waits for the next boot, and is refused where only the running guest is meant', async () => {
  const b = await bench();
  const domain = await b.define();
  await change(domain, { set: { iothreads: { 1: {}, 2: {} } } });
  await change(domain, { update: [{ disk: 'root', set: { driver: { iothread: 1 } } }] });
  await domain.start({ paused: true });
  const update = [{ disk: 'root', set: { driver: { iothread: 2 } } }] as const;
  await refused(domain, { update, scope: 'live' }, /./);
  const { plan } = await change(domain, { update });
  assert.is(plan.operations.find(({ action }) => action === 'update')?.takesEffect, 'next-boot');
  await domain.destroy();
  await domain.start({ paused: true });
  assert.match((await domain.live()) ?? '', "iothread='2'");
});

test('U12: a medium is ejected, put in and exchanged, running, paused and off, on the side that is named', async () => {
  const b = await bench();
  const [one, two] = [await b.host.createMedium('u12-one.iso'), await b.host.createMedium('u12-two.iso')];
  const cd = { id: 'cd', device: 'cdrom', target: 'sda', bus: 'sata', file: one, readonly: true } as const;
  const disks = [{ id: 'root', target: 'vda', file: await b.disk(), format: 'qcow2', boot: 1 }, cd] as const;
  const domain = await b.define({ disks });
  const media = async () => {
    const { canonical, live } = await documentsOf(domain);
    return [canonical, live].map((xml) => xml && (/u12-(one|two)\.iso/.exec(xml)?.[1] ?? 'none'));
  };
  for (const state of ['off', 'running', 'paused'] as const) {
    if (state !== 'off') await domain.start({ paused: state === 'paused' });
    for (const scope of state === 'off' ? (['config'] as const) : (['live', 'config', 'both'] as const)) {
      const [canonical, live] = [scope !== 'live', scope !== 'config'];
      const before = await media();
      for (const [file, word] of [
        [null, 'none'],
        [two, 'two'],
        [one, 'one'],
      ] as const) {
        await change(domain, { update: [{ disk: 'cd', set: { file } }], scope });
        const expected = [canonical ? word : before[0], state === 'off' ? undefined : live ? word : before[1]];
        assert.equal(await media(), expected, `${state}, ${scope}, ${word}`);
      }
    }
    if (state === 'off') await refused(domain, { update: [{ disk: 'cd', set: { file: two } }], scope: 'live' }, /./);
    else await domain.destroy();
  }
});

test('U16: an update with what is there already is no operation', async () => {
  const b = await bench();
  const devices = [
    { watchdog: { id: 'dog', model: 'i6300esb', action: 'poweroff' } },
    { graphics: { type: 'vnc', listen: '127.0.0.1', passwd: 'sesame' } },
  ] as const;
  const domain = await b.started({ devices });
  for (const update of [
    [{ watchdog: 'dog', set: { action: 'poweroff' } }],
    [{ graphics: 'vnc', set: { passwd: 'sesame' } }],
    [{ interface: 'lan', set: { mac: '52:54:00:00:00:01' } }],
  ] as const) {
    const plan = await domain.plan({ update } as never);
    assert.equal([plan.isEmpty, plan.refusals], [true, []], String(plan));
  }
});

test.run();
