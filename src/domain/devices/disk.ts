import { invalid, type Size } from '../values.js';
import {
  bootableFields,
  flag,
  group,
  integer,
  oneOf,
  present,
  size,
  text,
  VIRTIO_ABI,
  type VirtioDriverSpec,
  virtioDriverFields,
} from './fields.js';
import type { BootableSpec, DeviceKind } from './kind.js';

/** A disk, CD-ROM or floppy. libvirt: `<disk>`. */
export interface DiskSpec extends BootableSpec {
  /** What the guest sees. Default `disk`. */
  readonly device?: 'disk' | 'cdrom' | 'lun' | 'floppy';
  /** Target name, `vda`, `sdb`, …: libvirt's identity of a disk. Required. */
  readonly target: string;
  /** Bus. Default by the target's prefix: vd virtio, sd scsi, hd ide, fd fdc. */
  readonly bus?: 'virtio' | 'scsi' | 'sata' | 'usb' | 'ide' | 'fdc';
  /** Path of an image file. Neither `file` nor `block`: an empty drive (cdrom, floppy). */
  readonly file?: string;
  /** Path of a block device. */
  readonly block?: string;
  /** Image format. libvirt's default is `raw`. */
  readonly format?: 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vpc' | 'qed';
  /** How QEMU drives the image. */
  readonly driver?: DiskDriverSpec;
  /** Serial number the guest sees. */
  readonly serial?: string;
  readonly wwn?: string;
  readonly readonly?: boolean;
  readonly shareable?: boolean;
  /** What to do when the source is missing at start (cdrom, floppy). */
  readonly startupPolicy?: 'mandatory' | 'requisite' | 'optional';
  /** Block sizes in bytes. */
  readonly blockio?: { readonly logicalBlockSize?: Size; readonly physicalBlockSize?: Size };
  /** Removable flag of a USB disk. */
  readonly removable?: boolean;
}

/** libvirt: attributes of `<driver>` of a disk. */
export interface DiskDriverSpec extends VirtioDriverSpec {
  readonly cache?: 'default' | 'none' | 'writethrough' | 'writeback' | 'directsync' | 'unsafe';
  readonly io?: 'native' | 'threads' | 'io_uring';
  readonly discard?: 'ignore' | 'unmap';
  readonly detectZeroes?: 'off' | 'on' | 'unmap';
  readonly errorPolicy?: 'stop' | 'report' | 'ignore' | 'enospace';
  /** Queues of a virtio disk. */
  readonly queues?: number;
}

const CHANGE = 'qemuDomainChangeDiskLive, qemuDomainDiskChangeSupported';
/** virDomainDiskDefPostParse: the bus that a target name stands for. */
const BUS_OF_PREFIX: Readonly<Record<string, string>> = { vd: 'virtio', sd: 'scsi', hd: 'ide', fd: 'fdc' };
const removable = { '@device': ['cdrom', 'floppy'] };
const ignored = (path: string) => ({ path, live: 'ignored', source: CHANGE }) as const;

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
    file: text('source/@file', { alongside: ['@type', 'file'] }),
    block: text('source/@dev', { alongside: ['@type', 'block'] }),
    format: oneOf('driver/@type', ['raw', 'qcow2', 'vmdk', 'vdi', 'vpc', 'qed']),
    driver: group<DiskDriverSpec>({
      cache: oneOf('driver/@cache', ['default', 'none', 'writethrough', 'writeback', 'directsync', 'unsafe']),
      io: oneOf('driver/@io', ['native', 'threads', 'io_uring']),
      discard: oneOf('driver/@discard', ['ignore', 'unmap']),
      detectZeroes: oneOf('driver/@detect_zeroes', ['off', 'on', 'unmap']),
      errorPolicy: oneOf('driver/@error_policy', ['stop', 'report', 'ignore', 'enospace']),
      queues: integer('driver/@queues', { min: 1, max: 1024 }),
      ...virtioDriverFields,
    }),
    serial: text('serial', { pattern: /^[\x20-\x7e]{1,256}$/, expected: 'at most 256 printable ASCII characters' }),
    wwn: text('wwn', { pattern: /^[0-9a-f]{16}$/i, expected: '16 hex digits' }),
    readonly: present('readonly'),
    shareable: present('shareable'),
    startupPolicy: oneOf('source/@startupPolicy', ['mandatory', 'requisite', 'optional']),
    blockio: group({
      logicalBlockSize: size('blockio/@logical_block_size'),
      physicalBlockSize: size('blockio/@physical_block_size'),
    }),
    removable: flag('target/@removable', 'on', 'off'),
  },
  required: ['target'],
  exclusive: [['file', 'block']],
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
    const emptyable = ['cdrom', 'floppy'].includes(leaves.get('@device') ?? 'disk');
    if (!emptyable && ![...leaves.keys()].some((path) => path.startsWith('source'))) {
      throw invalid(where, 'the disk has no source', 'Give file or block; only a cdrom or floppy may be empty');
    }
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
  updateConfig: true,
  updates: [
    { path: 'source/@startupPolicy', live: 'yes', source: CHANGE },
    { path: '@snapshot', live: 'yes', source: CHANGE },
    { path: 'source', live: 'yes', where: removable, source: 'qemuDomainChangeEjectableMedia' },
    { path: '@type', live: 'yes', where: removable, source: 'qemuDomainChangeEjectableMedia' },
    { path: 'driver/@type', live: 'yes', where: removable, source: 'qemuDomainChangeEjectableMedia' },
    ignored('@model'),
    ignored('target/@rotation_rate'),
    ignored('driver/@queues'),
    ignored('driver/@queue_size'),
    ignored('driver/@detect_zeroes'),
    ignored('driver/@iommu'),
    ignored('driver/@ats'),
    ignored('driver/@packed'),
    ignored('driver/metadata_cache'),
    ignored('driver/@type'),
    ignored('source/encryption'),
    ignored('source/auth'),
    ignored('encryption'),
    ignored('auth'),
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
    ...VIRTIO_ABI,
    'blockio',
    'geometry',
  ],
  liveOnly: ['source/@index', 'backingStore', 'mirror', 'target/@tray'].map((path) => ({ path })),
  bus(leaves) {
    const target = leaves.get('target/@dev') ?? '';
    const bus = leaves.get('target/@bus');
    if (bus === 'virtio') {
      return { type: 'pci', slot: leaves.get('@model') === 'virtio-transitional' ? 'conventional' : 'express' };
    }
    if (bus === 'usb') return { type: 'usb' };
    if (bus === 'scsi' || bus === 'sata' || bus === 'ide' || bus === 'fdc')
      return { type: 'drive', controller: bus, target };
    return undefined;
  },
};
