import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type InterfaceSpec, networkInterface } from '../../../src/domain/devices/interface.js';
import { badValues, kindTests, namesOf, planned, sent, some, values, verdict, virtioDriver } from './support.js';

const test = suite('interface');

const socketMode = fc.constantFrom('client' as const, 'server' as const);
const connection = fc.oneof(
  fc.record({ network: values.name, portgroup: values.name }),
  fc.record({ bridge: values.name }),
  fc.record({ user: values.yes }),
  fc.record({ ethernet: values.yes }),
  fc.record({ vdpa: values.path }),
  fc.record({
    direct: some(
      { dev: values.name, mode: fc.constantFrom(...(['vepa', 'bridge', 'private', 'passthrough'] as const)) },
      ['dev'],
    ),
  }),
  fc.record({ hostdev: some({ host: values.hostPci, managed: fc.boolean() }, ['host']) }),
  fc.record({
    vhostUser: some(
      {
        socket: values.path,
        mode: socketMode,
        reconnect: some({ enabled: fc.boolean(), timeout: fc.integer({ min: 1, max: 99 }).map((n) => n * 1000) }, [
          'enabled',
        ]),
      },
      ['socket', 'mode'],
    ),
  }),
);
const rate = fc.integer({ min: 1, max: 1_000_000 });
const offloads = { csum: fc.boolean(), tso4: fc.boolean(), tso6: fc.boolean(), ecn: fc.boolean(), ufo: fc.boolean() };
const queue = fc.constantFrom(256, 512, 1024);

const rest = some({
  id: values.id,
  address: values.pciAddress,
  boot: fc.integer({ min: 1, max: 99 }),
  mac: values.mac,
  model: fc.constantFrom(
    ...(['virtio', 'virtio-transitional', 'virtio-non-transitional', 'e1000', 'e1000e', 'igb'] as const),
    ...(['rtl8139', 'vmxnet3', 'usb-net'] as const),
  ),
  link: fc.constantFrom('up' as const, 'down' as const),
  mtu: fc.integer({ min: 68, max: 65535 }),
  target: fc.stringMatching(/^[a-z][a-z0-9.]{0,14}$/),
  targetManaged: fc.boolean(),
  driver: some({
    name: fc.constantFrom('vhost' as const, 'qemu' as const, 'vfio' as const),
    queues: fc.integer({ min: 1, max: 256 }),
    rxQueueSize: queue,
    txQueueSize: queue,
    txmode: fc.constantFrom('iothread' as const, 'timer' as const),
    ioeventfd: fc.boolean(),
    eventIdx: fc.boolean(),
    rss: fc.boolean(),
    rssHashReport: fc.boolean(),
    host: some({ ...offloads, gso: fc.boolean(), mrgRxbuf: fc.boolean() }),
    guest: some(offloads),
    ...virtioDriver,
  }),
  backend: some({
    type: fc.constant('passt' as const),
    logFile: values.path,
    tap: values.path,
    vhost: values.path,
  }),
  virtualport: some({
    type: fc.constantFrom(...(['802.1Qbg', '802.1Qbh', 'openvswitch', 'midonet'] as const)),
    interfaceId: values.uuid,
    profileId: values.name,
    managerId: fc.nat(255),
    typeId: fc.nat(0xffffff),
    typeIdVersion: fc.nat(255),
    instanceId: values.uuid,
  }),
  vlan: some(
    {
      trunk: fc.boolean(),
      tags: fc.array(
        some({ id: fc.nat(4095), nativeMode: fc.constantFrom('tagged' as const, 'untagged' as const) }, ['id']),
        { minLength: 1, maxLength: 3 },
      ),
    },
    ['tags'],
  ),
  filterParameters: fc.array(fc.record({ name: values.name, value: values.name }), { minLength: 1, maxLength: 3 }),
  bandwidth: some({
    inbound: some({ average: rate, peak: rate, burst: rate, floor: rate }),
    outbound: some({ average: rate, peak: rate, burst: rate }),
  }),
  coalesce: fc.record({ rxMaxFrames: fc.nat(1000) }),
  teaming: some({
    type: fc.constantFrom('persistent' as const, 'transient' as const),
    persistent: values.id.map((id) => `ua-${id}`),
  }),
  rom: some({ enabled: fc.boolean(), bar: fc.boolean(), file: values.path }),
  acpiIndex: fc.integer({ min: 1, max: 16383 }),
  sndbuf: fc.nat(),
  script: values.path,
  downscript: values.path,
  ips: fc.array(
    some(
      {
        address: fc.constantFrom('10.0.2.1', 'fd00::1'),
        family: fc.constantFrom('ipv4' as const, 'ipv6' as const),
        prefix: fc.nat(128),
      },
      ['address'],
    ),
    { minLength: 1, maxLength: 2 },
  ),
  portForwards: fc.array(
    some(
      {
        proto: fc.constantFrom('tcp' as const, 'udp' as const),
        address: fc.constant('127.0.0.1'),
        dev: values.name,
        ranges: fc.array(
          some({ start: values.port, end: values.port, to: values.port, exclude: fc.boolean() }, ['start']),
          { minLength: 1, maxLength: 3 },
        ),
      },
      ['proto'],
    ),
    { minLength: 1, maxLength: 3 },
  ),
  isolated: fc.boolean(),
  trustGuestRxFilters: fc.boolean(),
});

kindTests(
  test,
  networkInterface,
  fc.tuple(rest, connection).map(
    ([all, where]): InterfaceSpec => ({
      ...all,
      ...(all.filterParameters ? { filter: 'clean-traffic' } : {}),
      ...where,
    }),
  ),
);

const card = { network: 'default' };
badValues(test, networkInterface, [
  ['', {}],
  ['', { ...card, bridge: 'br0' }],
  ['', { ...card, user: true }],
  ['user', { user: false }],
  ['direct.dev', { direct: { mode: 'bridge' } }],
  ['direct.mode', { direct: { dev: 'eth0', mode: 'promiscuous' } }],
  ['hostdev.host', { hostdev: { host: '06:00' } }],
  ['vhostUser.mode', { vhostUser: { socket: '/s' } }],
  ['mac', { ...card, mac: '53:54:00:00:00:01' }],
  ['mac', { ...card, mac: '52:54:00:00:00' }],
  ['model', { ...card, model: 'ne2000' }],
  ['mtu', { ...card, mtu: 10 }],
  ['target', { ...card, target: 'a-name-that-is-too-long' }],
  ['driver.queues', { ...card, driver: { queues: 0 } }],
  ['driver.rxQueueSize', { ...card, driver: { rxQueueSize: 100 } }],
  ['driver.rxQueueSize', { ...card, driver: { rxQueueSize: 300 } }],
  ['driver.host.gso', { ...card, driver: { host: { gso: 'on' } } }],
  ['vlan.tags', { ...card, vlan: {} }],
  ['vlan.tags[1].id', { ...card, vlan: { tags: [{ id: 1 }, { id: 4096 }] } }],
  ['virtualport.interfaceId', { ...card, virtualport: { interfaceId: 'x' } }],
  ['bandwidth.inbound.average', { ...card, bandwidth: { inbound: { average: 0 } } }],
  ['filterParameters', { ...card, filter: 'clean', filterParameters: { IP: '10.0.0.1' } }],
  ['filterParameters', { ...card, filterParameters: [{ name: 'IP', value: '10.0.0.1' }] }],
  ['portForwards[0].ranges[0].start', { user: true, portForwards: [{ proto: 'tcp', ranges: [{ start: 0 }] }] }],
]);

test('it answers to its id, its MAC and its name on the host', () => {
  const xml =
    "<interface type='user'><mac address='52:54:00:AA:00:01'/><target dev='tap7'/><alias name='ua-lan'/></interface>";
  assert.equal(namesOf(xml), ['lan', 'ua-lan', '52:54:00:aa:00:01', 'tap7']);
});

test('which types can be hot-plugged', () => {
  const live = (xml: string) => verdict(`<interface type='${xml}'/>`, 'attach', 'live') === 'yes';
  for (const type of ['bridge', 'network', 'direct', 'ethernet', 'vhostuser', 'user', 'vdpa', 'hostdev'])
    assert.ok(live(type), type);
  for (const type of ['mcast', 'udp', 'server', 'client', 'internal', 'null', 'vds']) assert.not.ok(live(type), type);
});

test('each model needs its kind of place', () => {
  const bus = (model: string) => networkInterface.bus(new Map([['model/@type', model]]));
  assert.equal(bus('virtio'), { type: 'pci', slot: 'express', virtio: true });
  for (const model of ['virtio-non-transitional', 'e1000e', 'igb'])
    assert.equal(bus(model), { type: 'pci', slot: 'express' });
  for (const model of ['virtio-transitional', 'e1000', 'rtl8139', 'vmxnet3'])
    assert.equal(bus(model), { type: 'pci', slot: 'conventional' });
  assert.equal(bus('usb-net'), { type: 'usb' });
});

const lan =
  "<mac address='52:54:00:00:00:01'/><source network='default'/><model type='virtio'/>" +
  "<guest dev='eth0'/><route family='ipv4' address='10.0.0.0' gateway='10.0.2.2'/><link state='up'/>";
const lans = `<interface type='network'>${lan}</interface>`;

test('an update keeps what a spec cannot say', () => {
  const set = { link: 'down', bandwidth: { inbound: { average: 100 } } } as const;
  const leaves = sent(planned({ update: [{ interface: '52:54:00:00:00:01', set }] }, lans));
  assert.is(leaves.get('link/@state'), 'down');
  assert.is(leaves.get('bandwidth/inbound/@average'), '100');
  assert.is(leaves.get('guest/@dev'), 'eth0');
  assert.is(leaves.get('route/@gateway'), '10.0.2.2');
});

test('another connection takes the place of the old one', () => {
  const direct = { dev: 'eth0', mode: 'bridge' } as const;
  const leaves = sent(planned({ update: [{ interface: '52:54:00:00:00:01', set: { direct } }] }, lans));
  assert.is(leaves.get('@type'), 'direct');
  assert.equal(
    [...leaves].filter(([path]) => path.startsWith('source')),
    [
      ['source/@dev', 'eth0'],
      ['source/@mode', 'bridge'],
    ],
  );
});

test('what changes in a running guest depends on the type and on the version', () => {
  const scopes = (type: string, set: object, libvirt: string) => {
    const xml = `<interface type='${type}'>${lan}</interface>`;
    const update = [{ interface: '52:54:00:00:00:01', set }] as never;
    return planned({ update }, xml, { live: xml, libvirt }).operations.map(({ scope }) => scope);
  };
  assert.equal(scopes('network', { link: 'down' }, '9.0.0'), ['both']);
  assert.equal(scopes('vdpa', { link: 'down' }, '9.0.0'), ['config']);
  assert.equal(scopes('network', { trustGuestRxFilters: true }, '9.10.0'), ['config']);
  assert.equal(scopes('network', { trustGuestRxFilters: true }, '10.0.0'), ['both']);
  assert.equal(scopes('bridge', { vlan: { tags: [{ id: 7 }] } }, '10.10.0'), ['config']);
  assert.equal(scopes('bridge', { vlan: { tags: [{ id: 7 }] } }, '11.0.0'), ['both']);
  assert.equal(scopes('network', { mtu: 1400 }, '9.0.0'), ['config']);
});

test.run();
