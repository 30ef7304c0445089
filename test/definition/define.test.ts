import { randomUUID } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, DomainExistsError, DomainManager, type DomainSpec, type LibvirtError } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { identityMap } from '../support/identity-map.js';
import { harmless } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const bare = (uuid: string, more = '') =>
  `<domain type='qemu'><name>n${uuid.slice(0, 8)}</name><uuid>${uuid}</uuid><memory unit='MiB'>32</memory><os><type machine='q35'>hvm</type>${more}</os><devices><disk type='file' device='cdrom'><target dev='sdb' bus='sata'/></disk><disk type='file'><source file='/x'/><target dev='vda'/></disk><interface type='user'/></devices></domain>`;

test('one define call, and the document is what was asked', async () => {
  const { define, disk } = await bench();
  using wire = new Wire();
  const uuid = randomUUID();
  const file = await disk();
  const domain = await define({
    uuid,
    title: 'A & <b>',
    description: '"q"\n\'',
    vcpus: { current: 1, maximum: 3 },
    memory: { current: '48 MiB', maximum: '64 MiB' },
    disks: [
      { id: 'root', target: 'vda', file, format: 'qcow2', boot: 2, serial: 'S-1' },
      { id: 'cd', target: 'sdb', bus: 'sata', device: 'cdrom', boot: 1 },
    ],
  });
  assert.equal(wire.mutators(), ['DOMAIN_DEFINE_XML_FLAGS', 'DOMAIN_SET_METADATA'], 'defined, and sealed');
  assert.is(domain.uuid, uuid);
  const xml = await domain.canonical();
  for (const part of [
    '<title>A &amp; &lt;b&gt;</title>',
    "<memory unit='KiB'>65536<",
    "<currentMemory unit='KiB'>49152<",
    "<vcpu placement='static' current='1'>3<",
    '<serial>S-1</serial>',
  ])
    assert.ok(xml.includes(part), part);
  const map = identityMap(xml);
  assert.ok(map.has('disk ua-root') && map.has('disk ua-cd') && map.has('interface ua-lan'));
  const devices = await domain.devices();
  assert.equal(
    devices.filter(({ id }) => id).map(({ identity, id, in: where }) => [identity, id, where]),
    [
      ['disk root', 'root', 'canonical'],
      ['disk cd', 'cd', 'canonical'],
      ['interface lan', 'lan', 'canonical'],
    ],
  );
  assert.not.match(xml, /<boot dev=/, 'boot order stands at the devices');
});

test('as many ports are free for hot-plug as were asked for', async () => {
  const { define, disk } = await bench();
  const free = async (spec: Partial<DomainSpec>) => (await (await define(spec)).plan({})).capacity.pci.free;
  for (const pciePorts of [0, 1, 5]) assert.is(await free({ hotplug: { pciePorts } }), pciePorts);
  const disks = [
    { target: 'vda', file: await disk(), format: 'qcow2', boot: 1 },
    { target: 'sda', bus: 'scsi', file: await disk(), format: 'qcow2' },
    { target: 'sdb', bus: 'scsi', file: await disk(), format: 'qcow2' },
  ] as const;
  assert.is(await free({ disks, hotplug: { pciePorts: 3 } }), 3, 'with a virtio-scsi controller of its own');
  const rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>";
  const balloon = "<memballoon model='none'/>";
  const channel = "<channel type='unix'><target type='virtio' name='a'/></channel>";
  assert.is(await free({ devices: [rng], hotplug: { pciePorts: 2 } }), 2, 'with a device given as XML');
  assert.ok((await free({ devices: [balloon], hotplug: { pciePorts: 2 } })) >= 2, 'without a balloon');
  assert.ok(
    (await free({ devices: [channel], hotplug: { pciePorts: 2 } })) >= 2,
    'with a controller that libvirt adds',
  );
});

test('XML is defined as it is given, with a UUID, a MAC and boot order per device', async () => {
  const { manager } = await bench();
  const without = bare(randomUUID(), "<boot dev='cdrom'/><boot dev='network'/><boot dev='hd'/>").replace(
    /<uuid>.*<\/uuid>/,
    '<!-- none -->',
  );
  const domain = await manager.define(without);
  assert.match(domain.uuid, /^[0-9a-f-]{36}$/);
  const xml = await domain.canonical();
  assert.not.match(xml, /<boot dev=/);
  const order = [
    ...xml.matchAll(/<(disk|interface) [^>]*?(?:device='(\w+)')?>(?:(?!<\/\1>)[\s\S])*?<boot order='(\d)'/g),
  ].map(([, kind, device, n]) => `${device ?? kind} ${n}`);
  assert.equal(order, ['cdrom 1', 'disk 3', 'interface 2']);
  assert.match(xml, /<mac address='52:54:00:/);
});

test('without any boot order one is written, which keeps <os><boot> out', async () => {
  const { manager } = await bench();
  const xml = await (await manager.define(bare(randomUUID()))).canonical();
  assert.not.match(xml, /<boot dev=/);
  assert.is([...xml.matchAll(/<boot order=/g)].length, 1);
});

test('A20: a taken name or UUID is refused by the domain that has it, before anything is sent', async () => {
  const { define, manager } = await bench();
  const domain = await define({ name: 'taken' });
  const before = await domain.canonical();
  for (const [spec, what] of [
    [{ name: 'taken' }, 'the name "taken"'],
    [{ name: 'other', uuid: domain.uuid }, `UUID ${domain.uuid}`],
    [{ name: 'other', uuid: domain.uuid.toUpperCase().replaceAll('-', '') }, `UUID ${domain.uuid}`],
    [{ name: 'taken', uuid: domain.uuid }, `UUID ${domain.uuid}`],
  ] as const) {
    const error = await harmless(() => define(spec));
    assert.is(error.code, 'DOMAIN_EXISTS');
    assert.instance(error, DomainExistsError);
    assert.equal((error as DomainExistsError).existing, { name: 'taken', uuid: domain.uuid });
    assert.ok(error.message.startsWith(`${what} is taken by domain taken (${domain.uuid})`), error.message);
    assert.ok(error.remedy);
  }
  const byXml = await harmless(() => manager.define(bare(domain.uuid)));
  assert.is(byXml.code, 'DOMAIN_EXISTS');
  assert.is(await domain.canonical(), before);
});

test('a name that goes may be taken again: the handle shows the new UUID (A19)', async () => {
  const { define, manager } = await bench();
  const first = await define({ name: 'again' });
  await first.undefine();
  const second = await define({ name: 'again' });
  assert.is.not(second.uuid, first.uuid);
  assert.is((await manager.get('again')).uuid, second.uuid);
  assert.is((await failure(first.canonical(), 'DOMAIN_NOT_FOUND')).domain, 'again');
  assert.is((await failure(first.state(), 'DOMAIN_NOT_FOUND')).domain, 'again');
});

test('one connection never defines a UUID twice, whatever happened in between', async () => {
  const { define } = await bench();
  const domain = await define({ name: 'spent' });
  await domain.undefine();
  const error = await harmless(() => define({ name: 'spent', uuid: domain.uuid }));
  assert.is(error.code, 'REDEFINE_REFUSED');
});

test('what libvirt refuses comes back as its own error, and nothing is left behind', async () => {
  const { manager, define } = await bench();
  const uuid = randomUUID();
  const unknown = await failure<LibvirtError>(
    manager.define(bare(uuid).replace('<devices>', '<devices><nosuchdevice/>')),
    'LIBVIRT',
  );
  assert.is(unknown.errorName, 'VIR_ERR_XML_INVALID_SCHEMA', 'VALIDATE is on');
  const machine = await failure<LibvirtError>(define({ uuid, machine: 'nosuchmachine' }), 'LIBVIRT');
  assert.ok(machine.errorName);
  await failure(manager.get(uuid), 'DOMAIN_NOT_FOUND');
  const domain = await define({ uuid });
  assert.is(domain.uuid, uuid, 'a definition that libvirt refused does not count');
});

test('definitions that are wrong are refused with the place, before anything is sent', async () => {
  const { define, manager, disk } = await bench();
  const file = await disk();
  const root = { target: 'vda', file } as const;
  for (const [spec, code, path] of [
    [{ name: '' }, 'SPEC_INVALID', 'name'],
    [{ name: 'a/b' }, 'SPEC_INVALID', 'name'],
    [{ name: 'a\u0001' }, 'SPEC_INVALID', 'name'],
    [{ name: 7 }, 'SPEC_INVALID', 'name'],
    [{ uuid: 'x' }, 'SPEC_INVALID', 'uuid'],
    [{ memory: 0 }, 'SPEC_INVALID', 'memory'],
    [{ memory: undefined }, 'SPEC_INVALID', 'memory'],
    [{ memory: null }, 'SPEC_INVALID', 'memory'],
    [{ memory: '2 Gib' }, 'SPEC_INVALID', 'memory'],
    [{ memory: { current: '2 GiB', maximum: '1 GiB' } }, 'SPEC_INVALID', 'memory.current'],
    [{ memory: { current: '2 GiB', max: '1 GiB' } }, 'SPEC_UNKNOWN_FIELD', 'memory.max'],
    [{ vcpus: 0 }, 'SPEC_INVALID', 'vcpus'],
    [{ vcpus: null }, 'SPEC_INVALID', 'vcpus'],
    [{ vcpus: { current: 3, maximum: 2 } }, 'SPEC_INVALID', 'vcpus.current'],
    [{ vcpus: { current: 3, max: 2 } }, 'SPEC_UNKNOWN_FIELD', 'vcpus.max'],
    [{ type: 'xen' }, 'SPEC_INVALID', 'type'],
    [{ cpu: 5 }, 'SPEC_INVALID', 'cpu'],
    [{ cpu: { mode: 'host-model', pinn: 'never' } }, 'SPEC_UNKNOWN_FIELD', 'cpu.pinn'],
    [{ cpu: { mode: 'fastest' } }, 'SPEC_INVALID', 'cpu.mode'],
    [{ hotplug: { pciePorts: -1 } }, 'SPEC_INVALID', 'hotplug.pciePorts'],
    [{ hotplug: { memory: { upTo: '1 MiB' } } }, 'SPEC_INVALID', 'hotplug.memory.upTo'],
    [{ hotplug: { memory: { upTo: '1 TiB', slots: 0 } } }, 'SPEC_INVALID', 'hotplug.memory.slots'],
    [{ hotplug: { pciPorts: 4 } }, 'SPEC_UNKNOWN_FIELD', 'hotplug.pciPorts'],
    [{ hotplug: 4 }, 'SPEC_INVALID', 'hotplug'],
    [{ kernel: { path: '/k', append: 'x' } }, 'SPEC_UNKNOWN_FIELD', 'kernel.append'],
    [{ kernel: { path: 7 } }, 'SPEC_INVALID', 'kernel.path'],
    [{ kernel: { path: '/k\u0000' } }, 'SPEC_INVALID', 'kernel.path'],
    [{ kernel: { path: '' } }, 'SPEC_INVALID', 'kernel.path'],
    [{ memry: 1 }, 'SPEC_UNKNOWN_FIELD', 'memry'],
    [{ disks: {} }, 'SPEC_INVALID', 'disks'],
    [{ disks: [null] }, 'SPEC_INVALID', 'disks[0]'],
    [{ disks: [{ ...root, colour: 1 }] }, 'SPEC_UNKNOWN_FIELD', 'disks[0].colour'],
    [{ disks: [root, { target: 'vdb' }] }, 'SPEC_INVALID', 'disks[1]'],
    [{ disks: [{ file }] }, 'SPEC_INVALID', 'disks[0].target'],
    [{ disks: [{ ...root, block: '/dev/x' }] }, 'SPEC_INVALID', 'disks[0]'],
    [{ interfaces: [{ mac: '52:54:00:00:00:01' }] }, 'SPEC_INVALID', 'interfaces[0]'],
    [{ interfaces: [{ user: true, mac: '01:00:00:00:00:00' }] }, 'SPEC_INVALID', 'interfaces[0].mac'],
    [{ devices: 'x' }, 'SPEC_INVALID', 'devices'],
    [{ devices: ['<frobnicator/>'] }, 'DEVICE_KIND_UNKNOWN', 'devices[0]'],
    [{ devices: ['<rng'] }, 'XML_MALFORMED', undefined],
    [{ devices: ['<!DOCTYPE x><rng/>'] }, 'XML_FORBIDDEN', undefined],
    [{ disks: [root, { target: 'vda', file }] }, 'DEVICE_DUPLICATE', undefined],
    [
      {
        disks: [
          { ...root, boot: 1 },
          { target: 'vdb', file, boot: 1 },
        ],
      },
      'DEVICE_DUPLICATE',
      undefined,
    ],
    [
      {
        disks: [
          { ...root, id: 'a' },
          { target: 'vdb', file, id: 'a' },
        ],
      },
      'DEVICE_DUPLICATE',
      undefined,
    ],
    [
      {
        interfaces: [
          { user: true, mac: '52:54:00:00:00:0A' },
          { user: true, mac: '52:54:00:00:00:0a' },
        ],
      },
      'DEVICE_DUPLICATE',
      undefined,
    ],
  ] as Array<[Partial<DomainSpec>, string, string | undefined]>) {
    const what = JSON.stringify(spec);
    const error = await harmless(() => define(spec));
    assert.is(error.code, code, `${what}: ${error.message}`);
    assert.is(error.path, path, `${what}: ${error.message}`);
    assert.ok(code === 'SPEC_INVALID' || error.remedy, `${what}: it says what to do`);
  }
  for (const [xml, code] of [
    ['<domain', 'XML_MALFORMED'],
    ['', 'XML_MALFORMED'],
    ['<!DOCTYPE domain [<!ENTITY x "y">]><domain>&x;</domain>', 'XML_FORBIDDEN'],
    ['<domain><name>&x;</name></domain>', 'XML_FORBIDDEN'],
    [`${'<a>'.repeat(300)}${'</a>'.repeat(300)}`, 'XML_LIMIT'],
    ['<network/>', 'SPEC_INVALID'],
    ['<domain/>', 'SPEC_INVALID'],
    [bare('not-a-uuid'), 'SPEC_INVALID'],
  ] as const) {
    const error = await harmless(() => manager.define(xml));
    assert.is(error.code, code, `${xml.slice(0, 60)}: ${error.message}`);
    assert.ok(error.remedy);
  }
  for (const wrong of [null, undefined, 7, []])
    assert.is((await harmless(() => manager.define(wrong as never))).code, 'SPEC_INVALID', String(wrong));
});

test('host-model is pinned to the model that the host has now; by name it stays as it is', async () => {
  const { define } = await bench();
  const cpuOf = async (cpu: NonNullable<DomainSpec['cpu']>) =>
    /<cpu[\s\S]*<\/cpu>|<cpu[^>]*\/>/.exec(await (await define({ cpu })).canonical())?.[0] ?? '';
  const pinned = await cpuOf('host-model');
  assert.match(pinned, /<cpu mode='custom' match='exact'/);
  assert.match(pinned, /<model fallback='forbid'>[\w.-]+<\/model>/);
  assert.match(pinned, /<feature policy='\w+' name=/);
  assert.match(await cpuOf({ mode: 'host-model', pin: 'never' }), /<cpu mode='host-model'/);
  assert.match(await cpuOf('qemu64'), /<model fallback='forbid'>qemu64<\/model>/);
});

test('get and list find what is there, and say when it is not', async () => {
  const { define, manager } = await bench();
  const domain = await define({ name: 'found' });
  assert.is((await manager.get('found')).uuid, domain.uuid);
  assert.is((await manager.get(domain.uuid)).name, 'found');
  assert.is((await manager.get(domain.uuid.toUpperCase())).name, 'found');
  const listed = [];
  for await (const each of manager.list()) listed.push(each.uuid);
  assert.ok(listed.includes(domain.uuid));
  using wire = new Wire();
  for (const name of ['nope', randomUUID()]) {
    const error = await failure(manager.get(name), 'DOMAIN_NOT_FOUND');
    assert.ok(error.message.includes(name), error.message);
    assert.ok(error.remedy);
  }
  assert.equal(wire.mutators(), []);
});

test('a daemon that is not there is an error that says so', async () => {
  const { host } = await bench();
  const error = await failure(connect(`qemu+unix:///session?socket=${host.directory}/none`), 'DAEMON_UNREACHABLE');
  assert.ok(error.message.includes(`${host.directory}/none`), error.message);
  assert.ok(error.remedy);
});

test('a daemon that goes away in between is an error that says so', async () => {
  const { host, rival, define } = await bench();
  await define({ name: 'survivor' });
  const connection = await rival();
  const manager = new DomainManager(connection);
  const domain = await manager.get('survivor');
  await connection.close();
  const error = await failure(domain.canonical(), 'CONNECTION_CLOSED');
  assert.ok(error.message);
  assert.ok(host.pid);
});

test.run();
