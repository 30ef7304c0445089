import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type DiskSpec, disk } from '../../../src/domain/devices/disk.js';
import { badValues, build, kindTests, namesOf, planned, sent, some, values, verdict, virtioDriver } from './support.js';

const test = suite('disk');

const secret = fc.oneof(fc.record({ uuid: values.uuid }), fc.record({ usage: values.name }));
const rate = fc.integer({ min: 1, max: 2 ** 40 });
const span = fc.integer({ min: 1, max: 86400 }).map((seconds) => seconds * 1000);
const count = fc.integer({ min: 1, max: 0xffffffff });

const source = fc.oneof(
  fc.record({ file: values.path }),
  fc.record({ block: values.path }),
  fc.record({ dir: values.path }),
  fc.record({ vdpa: values.path }),
  fc.record({
    volume: some(
      { pool: values.name, volume: values.name, mode: fc.constantFrom('host' as const, 'direct' as const) },
      ['pool', 'volume'],
    ),
  }),
  fc.record({
    nvme: some({ host: values.hostPci, namespace: count, managed: fc.boolean() }, ['host', 'namespace']),
  }),
  fc.record({
    vhostUser: some({ socket: values.path, reconnect: some({ enabled: fc.boolean(), timeout: span }, ['enabled']) }, [
      'socket',
    ]),
  }),
  fc.record({
    network: some(
      {
        protocol: fc.constantFrom(
          ...(['nbd', 'rbd', 'iscsi', 'http', 'https', 'ftp', 'ftps', 'tftp', 'gluster', 'nfs'] as const),
          ...(['sheepdog', 'ssh', 'vxhs'] as const),
        ),
        name: values.name,
        query: values.name,
        hosts: fc.array(
          some({
            name: values.name,
            port: values.port,
            transport: fc.constantFrom('tcp' as const, 'unix' as const, 'rdma' as const),
            socket: values.path,
          }),
          { minLength: 1, maxLength: 3 },
        ),
        tls: fc.boolean(),
        tlsHostname: values.name,
        auth: fc.record({
          username: values.name,
          type: fc.constantFrom('ceph' as const, 'iscsi' as const),
          secret,
        }),
        initiator: values.name,
        snapshot: values.name,
        config: values.path,
        sslVerify: fc.boolean(),
        cookies: fc.array(fc.record({ name: values.name, value: values.name }), { minLength: 1, maxLength: 3 }),
        readahead: values.size,
        timeout: span,
        identity: some({ user: values.name, group: values.name }),
      },
      ['protocol'],
    ),
  }),
);

const rest = some(
  {
    id: values.id,
    address: values.pciAddress,
    boot: fc.integer({ min: 1, max: 99 }),
    device: fc.constantFrom('disk' as const, 'cdrom' as const, 'lun' as const, 'floppy' as const),
    target: fc.stringMatching(/^(vd|sd|hd|fd)[a-z]{1,2}$/),
    bus: fc.constantFrom(...(['virtio', 'scsi', 'sata', 'usb', 'ide', 'fdc'] as const)),
    model: fc.constantFrom(...(['virtio', 'virtio-transitional', 'virtio-non-transitional'] as const)),
    format: fc.constantFrom(...(['raw', 'qcow2', 'vmdk', 'vdi', 'vpc', 'qed', 'fat'] as const)),
    driver: some({
      cache: fc.constantFrom(...(['default', 'none', 'writethrough', 'writeback', 'directsync', 'unsafe'] as const)),
      io: fc.constantFrom('native' as const, 'threads' as const, 'io_uring' as const),
      discard: fc.constantFrom('ignore' as const, 'unmap' as const),
      discardNoUnref: fc.boolean(),
      detectZeroes: fc.constantFrom('off' as const, 'on' as const, 'unmap' as const),
      errorPolicy: fc.constantFrom('stop' as const, 'report' as const, 'ignore' as const, 'enospace' as const),
      rerrorPolicy: fc.constantFrom('stop' as const, 'report' as const, 'ignore' as const),
      ioeventfd: fc.boolean(),
      eventIdx: fc.boolean(),
      copyOnRead: fc.boolean(),
      iothread: fc.integer({ min: 1, max: 64 }),
      queues: fc.integer({ min: 1, max: 1024 }),
      queueSize: fc.integer({ min: 2, max: 1024 }),
      metadataCache: fc.record({ maxSize: values.size }),
      ...virtioDriver,
    }),
    encryption: some(
      {
        format: fc.constantFrom('luks' as const, 'luks2' as const, 'luks-any' as const, 'qcow' as const),
        engine: fc.constantFrom('qemu' as const, 'librbd' as const),
        secret,
      },
      ['format', 'secret'],
    ),
    iotune: some({
      totalBytesSec: rate,
      readBytesSec: rate,
      writeBytesSec: rate,
      totalIopsSec: rate,
      readIopsSec: rate,
      writeIopsSec: rate,
      totalBytesSecMax: rate,
      readBytesSecMax: rate,
      writeBytesSecMax: rate,
      totalIopsSecMax: rate,
      readIopsSecMax: rate,
      writeIopsSecMax: rate,
      totalBytesSecMaxLength: span,
      readBytesSecMaxLength: span,
      writeBytesSecMaxLength: span,
      totalIopsSecMaxLength: span,
      readIopsSecMaxLength: span,
      writeIopsSecMaxLength: span,
      sizeIopsSec: rate,
      groupName: values.name,
    }),
    serial: fc.stringMatching(/^[!-~]{1,30}$/),
    wwn: fc.stringMatching(/^[0-9a-f]{16}$/),
    vendor: fc.stringMatching(/^[!-~]{1,8}$/),
    product: fc.stringMatching(/^[!-~]{1,16}$/),
    readonly: values.yes,
    shareable: values.yes,
    transient: values.yes,
    shareBacking: fc.boolean(),
    startupPolicy: fc.constantFrom('mandatory' as const, 'requisite' as const, 'optional' as const),
    snapshot: fc.constantFrom('no' as const, 'internal' as const, 'external' as const, 'manual' as const),
    blockio: some({
      logicalBlockSize: values.size,
      physicalBlockSize: values.size,
      discardGranularity: values.size,
    }),
    geometry: some({
      cylinders: count,
      heads: count,
      sectors: count,
      translation: fc.constantFrom('auto' as const, 'none' as const, 'lba' as const),
    }),
    removable: fc.boolean(),
    rotationRate: fc.oneof(fc.constant(1), fc.integer({ min: 1025, max: 65534 })),
    rawio: fc.boolean(),
    reservations: fc.boolean(),
  },
  ['target'],
);

const drive = fc.record({
  target: fc.constantFrom('sda', 'hdc'),
  device: fc.constantFrom('cdrom' as const, 'floppy' as const),
  tray: fc.constantFrom('open' as const, 'closed' as const),
});
const anyDisk: fc.Arbitrary<DiskSpec> = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(rest, source).map(([all, where]) => ({ ...all, ...where })) },
  { weight: 1, arbitrary: drive },
);

kindTests(test, disk, anyDisk);

const file = { target: 'vda', file: '/a' };
badValues(test, disk, [
  ['target', { file: '/a' }],
  ['target', { ...file, target: 'nvme0n1' }],
  ['', { target: 'vda' }],
  ['', { target: 'vda', startupPolicy: 'optional' }],
  ['', { ...file, block: '/dev/sdz' }],
  ['', { ...file, network: { protocol: 'nbd' } }],
  ['network.protocol', { target: 'vda', network: { name: 'x' } }],
  ['network.protocol', { target: 'vda', network: { protocol: 'smb' } }],
  ['network.hosts[1].port', { target: 'vda', network: { protocol: 'nbd', hosts: [{ port: 1 }, { port: 0 }] } }],
  ['network.auth.secret', { target: 'vda', network: { protocol: 'rbd', auth: { username: 'a', type: 'ceph' } } }],
  [
    'network.auth.secret',
    { target: 'vda', network: { protocol: 'rbd', auth: { username: 'a', type: 'ceph', secret: {} } } },
  ],
  ['network.timeout', { target: 'vda', network: { protocol: 'http', timeout: 1500 } }],
  ['volume.pool', { target: 'vda', volume: { volume: 'x' } }],
  ['nvme.host', { target: 'vda', nvme: { host: 'drive 0:0:0:0', namespace: 1 } }],
  ['encryption.secret', { ...file, encryption: { format: 'luks' } }],
  ['encryption.secret.uuid', { ...file, encryption: { format: 'luks', secret: { uuid: 'x' } } }],
  ['boot', { ...file, boot: 0 }],
  ['format', { ...file, format: 'QCOW2' }],
  ['driver.cache', { ...file, driver: { cache: 'writeBack' } }],
  ['driver.queues', { ...file, driver: { queues: 0 } }],
  ['driver.metadataCache.maxSize', { ...file, driver: { metadataCache: { maxSize: '1 lot' } } }],
  ['iotune.totalBytesSec', { ...file, iotune: { totalBytesSec: -1 } }],
  ['iotune.totalBytesSecMaxLength', { ...file, iotune: { totalBytesSecMaxLength: 10 } }],
  ['serial', { ...file, serial: 'straße' }],
  ['wwn', { ...file, wwn: '5000' }],
  ['vendor', { ...file, vendor: 'much too long' }],
  ['product', { ...file, product: 'seventeen letters' }],
  ['rotationRate', { ...file, rotationRate: 7 }],
  ['tray', { ...file, tray: 'open' }],
  ['readonly', { ...file, readonly: 'yes' }],
]);

test('libvirt would derive the bus from the target: it is said outright', () => {
  for (const [target, bus] of Object.entries({ vda: 'virtio', sdb: 'scsi', hdc: 'ide', fda: 'fdc' })) {
    assert.is(build(disk, { target, file: '/a' }).get('target/@bus'), bus);
  }
  assert.is(build(disk, { target: 'sdb', bus: 'usb', file: '/a' }).get('target/@bus'), 'usb');
});

test('it answers to its id and its target', () => {
  assert.equal(namesOf("<disk><target dev='vdb'/><alias name='ua-data'/></disk>"), ['data', 'ua-data', 'vdb']);
});

test('only disks on the virtio, scsi and usb buses come and go while the guest runs', () => {
  const live = (spec: DiskSpec, action: 'attach' | 'detach') => verdict({ disk: spec }, action, 'live');
  const config = (spec: DiskSpec, action: 'attach' | 'detach') => verdict({ disk: spec }, action, 'config');
  const rows: Array<[DiskSpec, attachLive: boolean, detachLive: boolean, attachConfig: boolean]> = [
    [{ target: 'vda', file: '/a' }, true, true, true],
    [{ target: 'sda', file: '/a' }, true, true, true],
    [{ target: 'sda', bus: 'usb', file: '/a' }, true, true, true],
    [{ target: 'sda', bus: 'sata', file: '/a' }, false, false, true],
    [{ target: 'sda', device: 'cdrom', file: '/a' }, true, true, true],
    [{ target: 'sda', device: 'cdrom' }, false, true, true],
    [{ target: 'sda', device: 'cdrom', bus: 'sata' }, false, false, true],
    [{ target: 'vda', device: 'cdrom' }, false, false, false],
    [{ target: 'fda', device: 'floppy' }, false, false, true],
  ];
  for (const [spec, attachLive, detachLive, attachConfig] of rows) {
    const shown = JSON.stringify(spec);
    assert.is(live(spec, 'attach') === 'yes', attachLive, `attach live ${shown}`);
    assert.is(live(spec, 'detach') === 'yes', detachLive, `detach live ${shown}`);
    assert.is(config(spec, 'attach') === 'yes', attachConfig, `attach config ${shown}`);
    assert.is(config(spec, 'detach'), 'yes', `detach config ${shown}`);
  }
});

test('an empty drive can be hot-plugged from libvirt 9.10.0 on', () => {
  const empty = { disk: { target: 'sda', device: 'cdrom' } } as const;
  assert.match(verdict(empty, 'attach', 'live', '9.9.0'), /9\.10\.0/);
  assert.is(verdict(empty, 'attach', 'live', '9.10.0'), 'yes');
});

test('a vhost-user disk needs shared guest memory', () => {
  const attach = [{ disk: { target: 'vdb', vhostUser: { socket: '/s' } } }] as const;
  assert.match(planned({ attach }, '').refusals[0]?.reason ?? '', /shared/);
  const domain = "<memoryBacking><access mode='shared'/></memoryBacking>";
  assert.equal(planned({ attach }, '', { domain }).refusals, []);
});

test('an update keeps what a spec cannot say', () => {
  const foreign =
    "<driver name='qemu' type='qcow2'><iothreads><iothread id='1'/></iothreads></driver><source file='/a'>" +
    "<slices><slice type='storage' offset='0' size='512'/></slices><seclabel relabel='no' model='dac'/></source>" +
    "<backingStore type='file'><format type='raw'/><source file='/b'/></backingStore><target dev='vdb' bus='virtio'/>";
  const disks = `<disk type='file' device='disk'>${foreign}</disk>`;
  const leaves = sent(planned({ update: [{ disk: 'vdb', set: { driver: { cache: 'none' }, serial: 'S1' } }] }, disks));
  assert.is(leaves.get('driver/@cache'), 'none');
  assert.is(leaves.get('serial'), 'S1');
  for (const path of ['driver/iothreads/iothread/@id', 'source/slices/slice/@size', 'source/seclabel/@model'])
    assert.ok(leaves.has(path), path);
  assert.is(leaves.get('backingStore/source/@file'), '/b');
});

test('another source takes the place of the whole source', () => {
  const disks =
    "<disk type='network' device='cdrom'><driver name='qemu'/><source protocol='http' name='/a.iso'>" +
    "<host name='a'/><cookies><cookie name='x'>y</cookie></cookies></source><target dev='sda' bus='scsi'/></disk>";
  const file = sent(planned({ update: [{ disk: 'sda', set: { file: '/b.iso' } }] }, disks));
  assert.is(file.get('@type'), 'file');
  assert.is(file.get('source/@file'), '/b.iso');
  assert.equal(
    [...file.keys()].filter((path) => path.startsWith('source/')),
    ['source/@file'],
  );
  const other = { protocol: 'nbd', hosts: [{ name: 'b' }] } as const;
  const nbd = sent(planned({ update: [{ disk: 'sda', set: { network: other } }] }, disks));
  assert.equal(
    [...nbd].filter(([path]) => path.startsWith('source/')),
    [
      ['source/@protocol', 'nbd'],
      ['source/host/@name', 'b'],
    ],
  );
});

test('cookies never show in a plan', () => {
  const disks = "<disk type='file' device='cdrom'><driver name='qemu'/><target dev='sda' bus='scsi'/></disk>";
  const network = { protocol: 'http', hosts: [{ name: 'a' }], cookies: [{ name: 'k', value: 'hush' }] } as const;
  const plan = planned({ update: [{ disk: 'sda', set: { network } }] }, disks);
  assert.is(sent(plan).get('source/cookies/cookie'), 'hush');
  assert.not.match(plan.toString(), /hush/);
});

test.run();
