import { specInvalid } from '../values.js';
import { bootableFields, flag, integer, oneOf, present, text, uuid, whole } from './fields.js';
import type { BootableSpec, DeviceKind } from './kind.js';
import { hostPci, type SecretRef, secretRef } from './references.js';
import { type RomSpec, romField } from './rom.js';
import { CONFIG, can, NO_UPDATE, unread } from './rows.js';
import { VIRTIO_MODELS, virtioSlot } from './virtio.js';

/** A device of the host, handed to the guest. libvirt: `<hostdev mode='subsystem'>`. Exactly one of `pci`, `usb`, … */
export interface HostdevSpec extends BootableSpec {
  /** PCI address on the host, `'0000:06:00.0'`. */
  readonly pci?: string | undefined;
  /** A USB device by vendor and product, or by where it is plugged. */
  readonly usb?: HostUsbSpec | undefined;
  /** A SCSI device of the host. */
  readonly scsi?:
    | {
        /** `scsi_host0` */
        readonly adapter: string;
        readonly bus: number;
        readonly target: number;
        readonly unit: number;
      }
    | undefined;
  /** A unit of an iSCSI target. */
  readonly iscsi?: HostIscsiSpec | undefined;
  /** A vhost-scsi target, by its WWPN, `naa.…`. libvirt 2.5.0 */
  readonly scsiHost?:
    | { readonly wwpn: string; readonly model?: (typeof VIRTIO_MODELS)[number] | undefined }
    | undefined;
  /** A mediated device. libvirt 3.2.0 */
  readonly mdev?:
    | {
        /** UUID of the mediated device. */
        readonly uuid: string;
        readonly model: 'vfio-pci' | 'vfio-ccw' | 'vfio-ap';
        /** A vGPU shows its display in the guest's graphics. libvirt 4.6.0 */
        readonly display?: boolean | undefined;
        /** Display before the driver is loaded. libvirt 7.1.0 */
        readonly ramfb?: boolean | undefined;
      }
    | undefined;
  /** libvirt takes a PCI device from its host driver at start and gives it back after. */
  readonly managed?: boolean | undefined;
  /** Of a scsi device. */
  readonly readonly?: boolean | undefined;
  /** Of a scsi device. */
  readonly shareable?: boolean | undefined;
  /** QEMU gets the right to send raw SCSI commands. */
  readonly rawio?: boolean | undefined;
  readonly rom?: RomSpec | undefined;
  /** User alias of the virtio card that stands in while this one is away for a migration. libvirt 7.1.0 */
  readonly teaming?: { readonly type: 'transient'; readonly persistent: string } | undefined;
  /** Index by which the guest's firmware tables name the device. libvirt 7.3.0 */
  readonly acpiIndex?: number | undefined;
}

export interface HostUsbSpec {
  /** `0x1234` */
  readonly vendor?: string | undefined;
  /** `0xbeef` */
  readonly product?: string | undefined;
  readonly bus?: number | undefined;
  readonly device?: number | undefined;
  /** What to do when it is missing at start. */
  readonly startupPolicy?: 'mandatory' | 'requisite' | 'optional' | undefined;
  /** Whether the guest may reset the device. libvirt 8.6.0 */
  readonly guestReset?: 'off' | 'uninitialized' | 'on' | undefined;
}

export interface HostIscsiSpec {
  /** `iqn…/lun` */
  readonly name: string;
  readonly host: string;
  readonly port?: number | undefined;
  readonly initiator?: string | undefined;
  readonly auth?: { readonly username: string; readonly secret: SecretRef } | undefined;
}

const SOURCES = ['pci', 'usb', 'scsi', 'iscsi', 'scsiHost', 'mdev'] as const;
const hexId = { pattern: /^0x[0-9a-f]{4}$/, expected: "four hex digits, '0x1234'" };

/** How the host knows it: what a caller would copy from the host's tools. */
function hostName(at: (path: string) => string | undefined): string | undefined {
  const number = (path: string) => Number(at(path) ?? 0);
  const hex = (path: string, digits: number) => number(path).toString(16).padStart(digits, '0');
  switch (at('@type')) {
    case 'pci': {
      const [domain, bus, slot] = [
        hex('source/address/@domain', 4),
        hex('source/address/@bus', 2),
        hex('source/address/@slot', 2),
      ];
      return `${domain}:${bus}:${slot}.${number('source/address/@function')}`;
    }
    case 'usb':
      return at('source/vendor/@id')
        ? `usb ${hex('source/vendor/@id', 4)}:${hex('source/product/@id', 4)}`
        : `usb bus ${number('source/address/@bus')} device ${number('source/address/@device')}`;
    case 'scsi': {
      const units = ['bus', 'target', 'unit'].map((part) => number(`source/address/@${part}`));
      return at('source/@protocol') === 'iscsi'
        ? iscsiName(at('source/@name'))
        : [at('source/adapter/@name'), ...units].join(':');
    }
    case 'scsi_host':
      return at('source/@wwpn');
    case 'mdev':
      return at('source/address/@uuid');
    default:
      return undefined;
  }
}

/** The unit is 0 when left out. */
function iscsiName(name: string | undefined): string | undefined {
  return name?.replace(/^[^/]+$/, '$&/0');
}

export const hostdev: DeviceKind<HostdevSpec> = {
  element: 'hostdev',
  fields: {
    ...bootableFields,
    pci: hostPci('source/address', [['@type', 'pci']]),
    usb: whole<HostUsbSpec>(
      {
        vendor: text('source/vendor/@id', hexId),
        product: text('source/product/@id', hexId),
        bus: integer('source/address/@bus', { min: 1, max: 0xffff }),
        device: integer('source/address/@device', { min: 1, max: 0xffff }),
        startupPolicy: oneOf('source/@startupPolicy', ['mandatory', 'requisite', 'optional']),
        guestReset: oneOf('source/@guestReset', ['off', 'uninitialized', 'on']),
      },
      { alongside: [['@type', 'usb']] },
    ),
    scsi: whole<NonNullable<HostdevSpec['scsi']>>(
      {
        adapter: text('source/adapter/@name'),
        bus: integer('source/address/@bus'),
        target: integer('source/address/@target'),
        unit: integer('source/address/@unit'),
      },
      { alongside: [['@type', 'scsi']], required: ['adapter', 'bus', 'target', 'unit'] },
    ),
    iscsi: whole<HostIscsiSpec>(
      {
        name: text('source/@name'),
        host: text('source/host/@name'),
        port: integer('source/host/@port', { min: 1, max: 65535 }),
        initiator: text('source/initiator/iqn/@name'),
        auth: whole<NonNullable<HostIscsiSpec['auth']>>(
          {
            username: text('source/auth/@username'),
            secret: secretRef('source/auth/secret', [['source/auth/secret/@type', 'iscsi']]),
          },
          { required: ['username', 'secret'] },
        ),
      },
      {
        alongside: [
          ['@type', 'scsi'],
          ['source/@protocol', 'iscsi'],
        ],
        required: ['name', 'host'],
      },
    ),
    scsiHost: whole<NonNullable<HostdevSpec['scsiHost']>>(
      {
        wwpn: text('source/@wwpn', { pattern: /^naa\.[0-9a-f]{16}$/, expected: "'naa.' and 16 hex digits" }),
        model: oneOf('@model', VIRTIO_MODELS),
      },
      {
        alongside: [
          ['@type', 'scsi_host'],
          ['source/@protocol', 'vhost'],
        ],
        required: ['wwpn'],
      },
    ),
    mdev: whole<NonNullable<HostdevSpec['mdev']>>(
      {
        uuid: uuid('source/address/@uuid'),
        model: oneOf('@model', ['vfio-pci', 'vfio-ccw', 'vfio-ap']),
        display: flag('@display', 'on', 'off'),
        ramfb: flag('@ramfb', 'on', 'off'),
      },
      { alongside: [['@type', 'mdev']], required: ['uuid', 'model'] },
    ),
    managed: flag('@managed'),
    readonly: present('readonly'),
    shareable: present('shareable'),
    rawio: flag('@rawio'),
    rom: romField,
    teaming: whole<NonNullable<HostdevSpec['teaming']>>(
      { type: oneOf('teaming/@type', ['transient']), persistent: text('teaming/@persistent') },
      { required: ['type', 'persistent'] },
    ),
    acpiIndex: integer('acpi/@index', { min: 1, max: 16383 }),
  },
  exclusive: [SOURCES],
  defaults: [['@mode', 'subsystem']],
  check(leaves, where) {
    if (!leaves.has('@type'))
      throw specInvalid(where, 'names no device of the host', `Give one of ${SOURCES.join(', ')}`);
    const has = (path: string) => leaves.has(`source/${path}`);
    if (
      leaves.get('@type') === 'usb' &&
      !(has('vendor/@id') && has('product/@id')) &&
      !(has('address/@bus') && has('address/@device'))
    )
      throw specInvalid(`${where}.usb`, 'names no device', 'Give vendor and product, or bus and device');
  },
  names: (leaves) => [hostName((path) => leaves.get(path))],
  namesOne: true,
  unique: {},
  support: [
    can('attach', 'live', 'qemuDomainAttachHostDevice'),
    can('detach', 'live', 'qemuDomainDetachPrepHostdev'),
    ...CONFIG,
  ],
  ...NO_UPDATE,
  abi: ['@mode', '@type', '@model', '@display', '@ramfb', 'rom', 'teaming'],
  liveOnly: [
    { path: 'source/@missing' },
    // Found by vendor and product, it has an address while the domain runs.
    { path: 'source/address', where: { '@type': ['usb'], 'source/vendor/@id': ['*'] }, persistable: true },
  ],
  normal: [
    ...unread('virDomainHostdevDefFormat: for SCSI devices', ['readonly', 'shareable'], { '@type': ['scsi'] }),
    ...unread('virDomainHostdevSubsysSCSIHostDefParseXML: an adapter is known by its name', [
      /^source\/adapter\/(?!@name$)/,
    ]),
    ...unread('virDomainHostdevSubsysPCIDefFormat: an address of the host', [
      'source/address/@multifunction',
      'source/address/@type',
    ]),
    ...unread('virDomainHostdevDefFormat: as libvirt found the device at the start', ['source/@missing']),
    { path: 'source/@protocol', asked: /^adapter$/, there: 'nothing', source: 'virDomainHostdevDefFormatSubsysSCSI' },
    { path: 'source/host/@port', asked: /^0+$/, there: 'any', source: 'virStorageSourceNetworkAssignDefaultPorts' },
    {
      path: 'source/@name',
      where: { 'source/@protocol': ['iscsi'] },
      asked: /^[^/]+$/,
      there: ['$&/0'],
      source: 'virDomainHostdevSubsysSCSIiSCSIDefParseXML: the unit is 0 when left out',
    },
  ],
  bus(leaves) {
    switch (leaves.get('@type')) {
      case 'usb':
        return { type: 'usb' };
      case 'scsi':
        return { type: 'drive', controller: 'scsi', target: 'sda' };
      case 'scsi_host':
        return virtioSlot(leaves.get('@model'));
      case 'mdev':
        if (leaves.get('@model') === 'vfio-ccw') return { type: 'ccw' };
        return leaves.get('@model') === 'vfio-pci' ? { type: 'pci', slot: 'express' } : undefined;
      case 'pci':
        return { type: 'pci', slot: 'express' };
      default:
        return undefined;
    }
  },
};
