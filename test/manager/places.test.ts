/** What libvirt makes of the places that a definition or a request names. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ApplyError, LibvirtError, ManagedDomain } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf, refused, untouched } from '../support/scenario.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const pci = (bus: number, slot: number | string, more = '') =>
  `<address type='pci' domain='0x0000' bus='0x${bus.toString(16)}' slot='${slot}' function='0x0'${more}/>`;
const port = (index: number, address = '') =>
  `<controller type='pci' index='${index}' model='pcie-root-port'>${address}</controller>`;
const ports = (count: number) => Array.from({ length: count }, (_, n) => port(n + 1)).join('');
const q35 = (name: string, devices: string, rest = '') =>
  `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory>${rest}
    <os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
    <devices><controller type='pci' index='0' model='pcie-root'/>${devices}</devices></domain>`;
const rng = (address = '', id = '') =>
  `<rng model='virtio'><backend model='random'>/dev/urandom</backend>${id && `<alias name='ua-${id}'/>`}${address}</rng>`;
const settled = async (domain: ManagedDomain, xml: string) => {
  const plan = await domain.planTowards(xml);
  assert.is(plan.isEmpty, true, `what was asked for is there:\n${plan}`);
};

test('A10: a slot that the bridge does not have, or that is none, is refused at its place in the request', async () => {
  const b = await bench();
  const bridge = "<controller type='pci' index='2' model='pcie-to-pci-bridge'/>";
  const domain = await b.manager.define(
    q35('bridged', `${port(1)}${bridge}${[3, 4, 5].map((index) => port(index)).join('')}`),
  );
  await domain.start({ paused: true });
  const card = (slot: string) =>
    `<interface type='user'><mac address='52:54:00:00:00:09'/><model type='rtl8139'/>${pci(2, slot)}</interface>`;
  for (const slot of ['0x20', 'ten']) {
    const error = await untouched(domain, () => domain.plan({ attach: [card(slot)] }));
    assert.equal([error.code, error.path], ['SPEC_INVALID', 'attach[0]'], error.message);
  }
  const plan = await refused(domain, { attach: [card('0x00')] }, /slots 1 to 31/);
  assert.is(plan.refusals[0]?.path, 'attach[0]');
  // libvirt's own word on each, which only a caller of the bare procedure hears.
  const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
  for (const slot of ['0x20', 'ten', '0x00']) {
    const bare = b.connection.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml: card(slot), flags: 3 });
    assert.match((await failure<LibvirtError>(bare, 'LIBVIRT')).libvirtMessage, /slot|address/i);
  }
});

test('A11: a root port at a place that it cannot have: libvirt chooses one, and the same request is no change', async () => {
  const b = await bench();
  const xml = q35('moved', port(1, pci(0, '0x00')));
  const domain = await b.manager.define(xml);
  const canonical = await domain.canonical();
  assert.match(
    canonical,
    /index='1' model='pcie-root-port'>(?:(?!<\/controller>)[\s\S])*bus='0x00' slot='0x01' function='0x0'/,
  );
  await settled(domain, xml);
});

test('A12: gaps between PCI controllers: libvirt fills them, and nobody wants the filling removed', async () => {
  const b = await bench();
  const xml = q35('gaps', `${port(1)}${port(5)}`);
  const domain = await b.manager.define(xml);
  const before = await domain.canonical();
  const indexes = [...before.matchAll(/<controller type='pci' index='(\d)'/g)].map(([, index]) => index);
  for (const index of ['2', '3', '4']) assert.ok(indexes.includes(index), `${indexes}`);
  await settled(domain, xml);
  await change(domain, { attach: [rng('', 'dice')] });
  await settled(domain, xml.replace('</devices>', `${rng('', 'dice')}</devices>`));
  for (const [name, place] of identityMap(before))
    assert.equal(identityMap(await domain.canonical()).get(name), place, name);
});

test("A13: user aliases stay in both documents, libvirt's own are only live, and a device is known by its alias first", async () => {
  const b = await bench();
  const [one, two] = [await b.disk(), await b.disk()];
  const domain = await b.started({
    disks: [
      { id: 'vdb', target: 'vda', file: one, format: 'qcow2', boot: 1 },
      { id: 'other', target: 'vdb', file: two, format: 'qcow2' },
    ],
    interfaces: [{ id: 'lan', user: true, mac: '52:54:00:00:00:01' }],
    devices: [
      "<controller type='scsi' model='virtio-scsi'><alias name='ua-hba'/></controller>",
      "<interface type='user'><mac address='52:54:00:00:00:02'/><model type='virtio'/></interface>",
    ],
  });
  const aliases = (xml = '') => [...xml.matchAll(/<alias name='([^']+)'/g)].map(([, name]) => name).sort();
  const { canonical, live } = await documentsOf(domain);
  const own = ['ua-hba', 'ua-lan', 'ua-other', 'ua-vdb'];
  assert.equal(aliases(canonical), own);
  for (const alias of own) assert.ok(aliases(live).includes(alias), alias);
  assert.ok(
    aliases(live).some((alias) => /^net\d$/.test(alias ?? '')),
    `${aliases(live)}`,
  );
  // The alias of one disk is the target of the other.
  const byAlias = await domain.plan({ update: [{ disk: 'ua-vdb', set: { driver: { cache: 'none' } } }] });
  assert.equal([...new Set(byAlias.operations.map(({ subject }) => subject))].slice(0, 1), ['disk vdb']);
  const both = await untouched(domain, () =>
    domain.plan({ update: [{ disk: 'vdb', set: { driver: { cache: 'none' } } }] }),
  );
  assert.is(both.code, 'DEVICE_AMBIGUOUS');
});

test('A16: a memory module keeps the slot and base it was given; a slot or base twice, or one inside another, is refused', async () => {
  const b = await bench();
  const numa =
    "<maxMemory slots='4' unit='MiB'>1024</maxMemory><cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>";
  const domain = await b.manager.define(q35('modules', ports(5), numa));
  await domain.start({ paused: true });
  const dimm = (address: string) =>
    `<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target><address type='dimm' ${address}/></memory>`;
  await change(domain, { attach: [dimm("slot='2' base='0x120000000'")] });
  const { canonical, live } = await documentsOf(domain);
  for (const xml of [canonical, live ?? '']) assert.match(xml, /<address type='dimm' slot='2' base='0x120000000'\/>/);
  const twice = await untouched(domain, () => domain.plan({ attach: [dimm("slot='2'")] }));
  assert.is(twice.code, 'ADDRESS_IN_USE');
  // Where a module begins only libvirt and QEMU know: the error has their words. libvirt 9.0 looks at bases, newer ones at
  // what the modules cover.
  for (const [base, words] of [
    ['0x120000000', /base '0x120000000' is already being used|overlaps/],
    ['0x124000000', /address range conflicts with memory device|overlaps/],
  ] as const) {
    const plan = await domain.plan({ attach: [dimm(`slot='1' base='${base}'`)] });
    const error = await failure<ApplyError>(domain.apply(plan), 'APPLY_FAILED');
    assert.match(error.message, words);
    assert.is(error.rollback, 'undone');
  }
  assert.equal(await documentsOf(domain), { canonical, live });
  await domain.destroy();
  await domain.start({ paused: true });
  assert.match((await domain.live()) ?? '', /<address type='dimm' slot='2' base='0x120000000'\/>/);
});

test('A17: functions of one slot: the first opens it with multifunction, without it there is no second', async () => {
  const b = await bench();
  const domain = await b.manager.define(q35('functions', ports(6)));
  const at = (fn: number, more = '') => pci(5, '0x00', more).replace("function='0x0'", `function='0x${fn}'`);
  await change(domain, { attach: [rng(at(0, " multifunction='on'"), 'f0')] });
  await change(domain, { attach: [rng(at(1), 'f1'), rng(at(7), 'f7')] });
  const alone = pci(6, '0x00');
  await change(domain, { attach: [rng(alone, 'alone')] });
  const second = await untouched(domain, () =>
    domain.plan({ attach: [rng(alone.replace("function='0x0'", "function='0x1'"))] }),
  );
  assert.equal([second.code, second.device], ['ADDRESS_IN_USE', 'rng alone']);
  await domain.start({ paused: true });
  const { canonical, live } = await documentsOf(domain);
  for (const id of ['f0', 'f1', 'f7', 'alone'])
    assert.equal(identityMap(live ?? '').get(`rng ua-${id}`), identityMap(canonical).get(`rng ua-${id}`), id);
});

test('D13: 32 NICs one after the other, then all out', async () => {
  const b = await bench();
  const domain = await b.started({ hotplug: { pciePorts: 33 } });
  const names = Array.from({ length: 32 }, (_, n) => `nic${n}`);
  const before = identityMap(await domain.canonical());
  const attach = names.map((id) => ({ interface: { id, user: true } }) as const);
  await change(domain, { attach });
  const { canonical, live } = await documentsOf(domain);
  const placed = identityMap(canonical);
  const places = names.map((id) => placed.get(`interface ua-${id}`)?.address);
  assert.is(new Set(places).size, 32, 'a place each');
  for (const id of names)
    assert.equal(identityMap(live ?? '').get(`interface ua-${id}`), placed.get(`interface ua-${id}`), id);
  await domain.destroy();
  await change(domain, { detach: names.map((id) => ({ interface: id })) });
  assert.equal(identityMap(await domain.canonical()), before);
});

test('U6: a NIC to detach is named by MAC, alias or id; two names at once, or one that nothing has, take nothing away', async () => {
  const b = await bench();
  const mac = '52:54:00:00:00:07';
  const domain = await b.define();
  const places = identityMap(await domain.canonical());
  const add = { attach: [{ interface: { id: 'wan', user: true, mac } }] } as const;
  await change(domain, add);
  for (const selector of [{ interface: mac }, { interface: 'wan' }, { alias: 'ua-wan' }] as const) {
    await change(domain, { detach: [selector] });
    assert.equal(identityMap(await domain.canonical()), places);
    await change(domain, add);
  }
  const twice = await untouched(domain, () =>
    domain.plan({ detach: [{ interface: mac, alias: 'ua-other' } as never] }),
  );
  assert.is(twice.code, 'SPEC_INVALID');
  for (const selector of [{ alias: 'ua-other' }, { interface: '52:54:00:00:00:08' }, { disk: mac }] as const)
    assert.ok((await domain.plan({ detach: [selector] })).isEmpty);
});

test.run();
