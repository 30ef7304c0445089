import { type Size, specInvalid } from '../values.js';
import { type DiskDriverSpec, diskDriverFields } from './disk-driver.js';
import { type IotuneSpec, iotuneFields } from './disk-iotune.js';
import { IMAGE_NORMAL } from './disk-normal.js';
import { type DiskEncryptionSpec, type DiskSourceSpec, diskSourceFields, encryptionField } from './disk-source.js';
import { bootableFields, flag, group, integer, oneOf, present, size, text, VIRTIO_ABI } from './fields.js';
import type { BootableSpec, ChosenRow, DeviceKind, UpdateRow } from './kind.js';
import { virtioSlot } from './virtio.js';

/** A disk, CD-ROM or floppy. libvirt: `<disk>`. Without a source: an empty drive (cdrom, floppy). */
export interface DiskSpec extends BootableSpec, DiskSourceSpec {
  /** What the guest sees. Default `disk`; `lun` hands SCSI commands through to a block device. */
  readonly device?: 'disk' | 'cdrom' | 'lun' | 'floppy' | undefined;
  /** Target name, `vda`, `sdb`, …: libvirt's identity of a disk. Required. */
  readonly target: string;
  /** Bus. Default by the target's prefix: vd virtio, sd scsi, hd ide, fd fdc. */
  readonly bus?: 'virtio' | 'scsi' | 'sata' | 'usb' | 'ide' | 'fdc' | undefined;
  /** Variant of a virtio disk. libvirt 5.2.0 */
  readonly model?: 'virtio' | 'virtio-transitional' | 'virtio-non-transitional' | undefined;
  /** Image format. libvirt's default is `raw`. */
  readonly format?: 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vpc' | 'qed' | 'fat' | undefined;
  /** How QEMU drives the image. */
  readonly driver?: DiskDriverSpec | undefined;
  /** The image is encrypted. */
  readonly encryption?: DiskEncryptionSpec | undefined;
  /** Limits of throughput. */
  readonly iotune?: IotuneSpec | undefined;
  /** Serial number the guest sees. */
  readonly serial?: string | undefined;
  /** World-wide name, 16 hex digits. */
  readonly wwn?: string | undefined;
  /** Vendor of a scsi disk, at most 8 characters. */
  readonly vendor?: string | undefined;
  /** Product name of a scsi disk, at most 16 characters. */
  readonly product?: string | undefined;
  readonly readonly?: boolean | undefined;
  /** Guests may use it at one time. */
  readonly shareable?: boolean | undefined;
  /** Writes are thrown away when the guest ends. */
  readonly transient?: boolean | undefined;
  /** The image of a transient disk is used by other guests too. libvirt 7.4.0 */
  readonly shareBacking?: boolean | undefined;
  /** What to do when the source is missing at start (cdrom, floppy). */
  readonly startupPolicy?: 'mandatory' | 'requisite' | 'optional' | undefined;
  /** What a snapshot of the domain does with the disk. */
  readonly snapshot?: 'no' | 'internal' | 'external' | 'manual' | undefined;
  /** Block sizes in bytes. */
  readonly blockio?:
    | {
        readonly logicalBlockSize?: Size | undefined;
        readonly physicalBlockSize?: Size | undefined;
        /** Newer than libvirt 9.0.0. */
        readonly discardGranularity?: Size | undefined;
      }
    | undefined;
  /** Legacy geometry. */
  readonly geometry?:
    | {
        readonly cylinders?: number | undefined;
        readonly heads?: number | undefined;
        readonly sectors?: number | undefined;
        readonly translation?: 'auto' | 'none' | 'lba' | undefined;
      }
    | undefined;
  /** Removable flag of a USB disk. */
  readonly removable?: boolean | undefined;
  /** Tray of a cdrom or floppy. */
  readonly tray?: 'open' | 'closed' | undefined;
  /** 1: a solid-state disk; else revolutions per minute, 1025 to 65534 (scsi, sata, ide). libvirt 7.3.0 */
  readonly rotationRate?: number | undefined;
  /** QEMU gets the right to send raw SCSI commands (lun). */
  readonly rawio?: boolean | undefined;
  /** libvirt runs a helper for persistent SCSI reservations (lun). libvirt 4.4.0 */
  readonly reservations?: boolean | undefined;
}

const CHANGE = 'qemuDomainChangeDiskLive, qemuDomainDiskChangeSupported';
/** virDomainDiskDefPostParse: the bus that a target name stands for. */
const BUS_OF_PREFIX: Readonly<Record<string, string>> = { vd: 'virtio', sd: 'scsi', hd: 'ide', fd: 'fdc' };
/** The bus of a disk that names none. */
const CHOSEN: readonly ChosenRow[] = [
  { path: 'target/@bus', value: 'fdc', where: { '@device': ['floppy'] }, source: 'virDomainDiskDefPostParse' },
  ...Object.entries({ sd: 'scsi', vd: 'virtio', xvd: 'xen', hd: 'ide', '': 'ide' }).map(
    ([prefix, value]): ChosenRow => {
      const follows = ['target/@dev', new RegExp(`^${prefix}`)] as const;
      return { path: 'target/@bus', value, follows, source: 'virDomainDiskDefPostParse' };
    },
  ),
];
const removable = { '@device': ['cdrom', 'floppy'] };
const EMPTY = Object.fromEntries(
  ['file', 'dev', 'dir', 'pool', 'protocol', 'namespace', 'path'].map((name) => [`source/@${name}`, ['']]),
);
const emptyable = (leaves: ReadonlyMap<string, string>) =>
  ['cdrom', 'floppy'].includes(leaves.get('@device') ?? 'disk');
/** Every alternative of a source but `startupPolicy`, `encryption` and the like, which go with any. */
const SOURCES = Object.keys(diskSourceFields) as Array<keyof DiskSourceSpec>;
const updateRows = (live: UpdateRow['live'], paths: readonly string[]): UpdateRow[] =>
  paths.map((path) => ({ path, live, source: CHANGE }));

export const disk: DeviceKind<DiskSpec> = {
  element: 'disk',
  plural: 'disks',
  fields: {
    ...bootableFields,
    device: oneOf('@device', ['disk', 'cdrom', 'lun', 'floppy']),
    target: text('target/@dev', {
      pattern: /^(vd|sd|hd|fd|xvd|ubd)[a-z]{1,3}$/,
      expected: "a target name such as 'vda'",
    }),
    bus: oneOf('target/@bus', ['virtio', 'scsi', 'sata', 'usb', 'ide', 'fdc']),
    model: oneOf('@model', ['virtio', 'virtio-transitional', 'virtio-non-transitional']),
    ...diskSourceFields,
    format: oneOf('driver/@type', ['raw', 'qcow2', 'vmdk', 'vdi', 'vpc', 'qed', 'fat']),
    driver: group<DiskDriverSpec>(diskDriverFields),
    encryption: encryptionField,
    iotune: group<IotuneSpec>(iotuneFields),
    serial: text('serial', { pattern: /^[\x20-\x7e]{1,256}$/, expected: 'at most 256 printable ASCII characters' }),
    wwn: text('wwn', { pattern: /^[0-9a-f]{16}$/i, expected: '16 hex digits' }),
    vendor: text('vendor', { pattern: /^[\x20-\x7e]{1,8}$/, expected: 'at most 8 printable ASCII characters' }),
    product: text('product', { pattern: /^[\x20-\x7e]{1,16}$/, expected: 'at most 16 printable ASCII characters' }),
    readonly: present('readonly'),
    shareable: present('shareable'),
    transient: present('transient'),
    shareBacking: flag('transient/@shareBacking'),
    startupPolicy: oneOf('source/@startupPolicy', ['mandatory', 'requisite', 'optional']),
    snapshot: oneOf('@snapshot', ['no', 'internal', 'external', 'manual']),
    blockio: group({
      logicalBlockSize: size('blockio/@logical_block_size'),
      physicalBlockSize: size('blockio/@physical_block_size'),
      discardGranularity: size('blockio/@discard_granularity'),
    }),
    geometry: group({
      cylinders: integer('geometry/@cyls', { min: 1, max: 0xffffffff }),
      heads: integer('geometry/@heads', { min: 1, max: 0xffffffff }),
      sectors: integer('geometry/@secs', { min: 1, max: 0xffffffff }),
      translation: oneOf('geometry/@trans', ['auto', 'none', 'lba']),
    }),
    removable: flag('target/@removable', 'on', 'off'),
    tray: oneOf('target/@tray', ['open', 'closed']),
    rotationRate: integer('target/@rotation_rate', { min: 1, max: 65534 }),
    rawio: flag('@rawio'),
    reservations: flag('source/reservations/@managed'),
  },
  required: ['target'],
  exclusive: [SOURCES],
  defaults: [
    ['@type', 'file'],
    ['@device', 'disk'],
    ['driver/@name', 'qemu'],
  ],
  derive(leaves) {
    const bus = leaves.has('target/@bus') ? undefined : BUS_OF_PREFIX[(leaves.get('target/@dev') ?? '').slice(0, 2)];
    return bus === undefined ? [] : [['target/@bus', bus]];
  },
  check(leaves, where) {
    const source = [...leaves.keys()].some(
      (path) =>
        path.startsWith('source/') && path !== 'source/@startupPolicy' && path !== 'source/reservations/@managed',
    );
    if (!emptyable(leaves) && !source)
      throw specInvalid(
        where,
        'the disk has no source',
        `Give one of ${SOURCES.join(', ')}; only a cdrom or floppy may be empty`,
      );
    const rate = Number(leaves.get('target/@rotation_rate') ?? 1);
    if (rate > 1 && rate < 1025)
      throw specInvalid(`${where}.rotationRate`, `${rate} is neither 1 nor from 1025 to 65534`);
    if (leaves.has('target/@tray') && !emptyable(leaves))
      throw specInvalid(`${where}.tray`, 'only a cdrom or floppy has a tray');
  },
  names: (leaves) => [leaves.get('target/@dev')],
  unique: { 'target/@dev': 'target' },
  support: [
    {
      action: 'attach',
      scope: 'live',
      where: { '@device': ['floppy'] },
      supported: false,
      reason: 'a floppy drive cannot be hot-plugged',
      source: 'qemuDomainAttachDeviceDiskLiveInternal',
    },
    {
      action: 'attach',
      scope: 'live',
      where: { '@device': ['cdrom'], 'target/@bus': ['virtio'] },
      supported: false,
      reason: 'there is no CD-ROM on the virtio bus',
      source: 'qemuDomainAttachDeviceDiskLiveInternal',
    },
    {
      action: 'attach',
      scope: 'live',
      where: { ...EMPTY, 'target/@bus': ['scsi', 'usb'] },
      since: '9.10.0',
      supported: true,
      source: 'NEWS 9.10.0',
    },
    {
      action: 'attach',
      scope: 'live',
      where: EMPTY,
      supported: false,
      reason: 'an empty drive can be hot-plugged only on the scsi and usb buses, and from libvirt 9.10.0 on',
      source: 'qemuDomainAttachDiskGeneric',
    },
    {
      action: 'attach',
      scope: 'live',
      where: { 'target/@bus': ['virtio', 'scsi', 'usb'] },
      supported: true,
      source: 'qemuDomainAttachDeviceDiskLiveInternal',
    },
    {
      action: 'attach',
      scope: 'live',
      supported: false,
      reason: 'only disks on the virtio, scsi and usb buses can be hot-plugged',
      source: 'qemuDomainAttachDeviceDiskLiveInternal',
    },
    {
      action: 'attach',
      scope: 'config',
      where: { '@device': ['cdrom'], 'target/@bus': ['virtio'] },
      supported: false,
      reason: 'there is no CD-ROM on the virtio bus',
      source: 'virDomainDiskDefValidate',
    },
    { action: 'attach', scope: 'config', supported: true, source: 'qemuDomainAttachDeviceConfig' },
    {
      action: 'detach',
      scope: 'live',
      where: { '@device': ['cdrom'], 'target/@bus': ['scsi', 'usb'] },
      supported: true,
      source: 'qemuDomainDetachPrepDisk',
    },
    {
      action: 'detach',
      scope: 'live',
      where: { '@device': ['disk', 'lun', ''], 'target/@bus': ['virtio', 'scsi', 'usb'] },
      supported: true,
      source: 'qemuDomainDetachPrepDisk',
    },
    {
      action: 'detach',
      scope: 'live',
      supported: false,
      reason: 'this type of disk cannot be hot-unplugged',
      source: 'qemuDomainDetachPrepDisk',
    },
    { action: 'detach', scope: 'config', supported: true, source: 'qemuDomainDetachDeviceConfig' },
  ],
  requires: [
    {
      where: { '@type': ['vhostuser'] },
      domain: "memoryBacking/access/@mode[.='shared'] | cpu/numa/cell/@memAccess[.='shared']",
      reason: 'a vhost-user daemon needs guest memory that is shared',
      remedy: "Define the domain with <memoryBacking><access mode='shared'/></memoryBacking>",
      source: 'qemuValidateDomainDefVhostUserRequireSharedMemory',
    },
  ],
  updateConfig: true,
  updates: [
    { path: 'source/@startupPolicy', live: 'yes', source: CHANGE },
    { path: '@snapshot', live: 'yes', source: CHANGE },
    { path: 'source', live: 'yes', where: removable, source: 'qemuDomainChangeEjectableMedia' },
    { path: '@type', live: 'yes', where: removable, source: 'qemuDomainChangeEjectableMedia' },
    { path: 'driver/@type', live: 'yes', where: removable, source: 'qemuDomainChangeEjectableMedia' },
    ...updateRows('ignored', [
      '@model',
      'target/@rotation_rate',
      'driver/@queues',
      'driver/@queue_size',
      'driver/@detect_zeroes',
      'driver/@iommu',
      'driver/@ats',
      'driver/@packed',
      'driver/@page_per_vq',
      'driver/metadata_cache',
      'driver/@type',
      'source/encryption',
      'source/auth',
      'encryption',
      'auth',
      'transient/@shareBacking',
    ]),
    // virDomainBlockIotune changes them live; update-device does not.
    ...updateRows('refused', ['iotune', '@device', 'target', 'driver', 'blockio', 'geometry', 'source']),
    ...updateRows('refused', ['serial', 'wwn', 'vendor', 'product', 'readonly', 'shareable', 'transient', '@rawio']),
  ],
  identity: ['target/@dev', 'alias'],
  abi: [
    '@device',
    '@model',
    'target/@bus',
    'target/@dev',
    'target/@removable',
    'target/@rotation_rate',
    'serial',
    'wwn',
    'vendor',
    'product',
    'readonly',
    'driver/@queues',
    'driver/@queue_size',
    'driver/@event_idx',
    ...VIRTIO_ABI,
    'blockio',
    'geometry',
  ],
  chosen: CHOSEN,
  musts: [
    {
      path: 'target/@dev',
      pattern: /^(fd|hd|vd|sd|xvd|ubd)[a-z]+\d*$/,
      expected: "a name such as 'vda', 'sdb' or 'hdc'",
      source: 'virDiskNameParse',
    },
  ],
  liveOnly: [
    ...['source/@index', 'mirror'].map((path) => ({ path })),
    ...['backingStore', 'target/@tray'].map((path) => ({ path, persistable: true }) as const),
    // A disk that others write to as well is not cached, whether that is said or not (qemuDomainPrepareDiskCachemode).
    { path: 'driver/@cache', where: { shareable: ['*'], 'driver/@cache': ['none'] }, persistable: true },
  ],
  // The guest moves the tray, and an empty one has no format.
  coldOnly: [{ path: 'driver/@type', where: { ...EMPTY, '@device': ['cdrom', 'floppy'] } }, { path: 'target/@tray' }],
  normal: [
    { path: 'blockio', asked: /^0+$/, there: 'nothing', source: 'virDomainDiskBlockIoDefFormat' },
    {
      path: '@type',
      where: { ...EMPTY, '@device': ['cdrom', 'floppy'] },
      there: ['file'],
      source: 'virDomainDiskDefParseXML: an empty drive has no kind of source',
    },
    {
      path: 'target/@tray',
      asked: /^closed$/,
      there: 'nothing',
      source: 'virDomainDiskDefFormat: closed is what a tray is by itself',
    },
    {
      path: '@snapshot',
      where: { '@device': ['cdrom'] },
      asked: /^no$/,
      there: 'nothing',
      source: 'virDomainDiskDefFormat: what cannot be written to is in no snapshot anyway',
    },
    ...IMAGE_NORMAL,
    {
      path: /^backingStore\/(.+\/)?@index$/,
      there: 'nothing',
      source: 'virDomainDiskBackingStoreFormat: a running domain has it',
    },
    {
      path: 'source/@name',
      where: { 'source/@protocol': ['iscsi'] },
      asked: /^[^/]+$/,
      there: ['$&/0'],
      source: 'virDomainDiskSourceNetworkParse: the unit is 0 when left out',
    },
  ],
  secret: ['source/cookies'],
  bus(leaves) {
    const target = leaves.get('target/@dev') ?? '';
    const bus = leaves.get('target/@bus');
    if (bus === 'virtio') return virtioSlot(leaves.get('@model'));
    if (bus === 'usb') return { type: 'usb' };
    if (bus === 'scsi' || bus === 'sata' || bus === 'ide' || bus === 'fdc')
      return { type: 'drive', controller: bus, target };
    return undefined;
  },
};
