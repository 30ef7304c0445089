import { type Size, specInvalid } from '../values.js';
import {
  deviceFields,
  flag,
  group,
  integer,
  oneOf,
  size,
  text,
  VIRTIO_ABI,
  type VirtioDriverSpec,
  virtioDriverFields,
} from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { can, cannot, NO_UPDATE, plainNumber } from './rows.js';
import { virtioSlot } from './virtio.js';

/** A bus controller. libvirt: `<controller>`. Known by type and index; PCI controllers exist only from the next start on. */
export interface ControllerSpec extends DeviceSpecBase {
  readonly type: keyof typeof MODELS;
  /** Number within the type. Left out, libvirt takes the lowest free one. */
  readonly index?: number | undefined;
  /** A model of the type; libvirt's default for scsi is `lsilogic`, which few guests drive: prefer `virtio-scsi`. */
  readonly model?: string | undefined;
  /** Ports of a usb (xhci) or virtio-serial controller. */
  readonly ports?: number | undefined;
  /** Interrupt vectors of a virtio-serial controller. */
  readonly vectors?: number | undefined;
  /** QEMU's device for a PCI controller, such as `pcie-root-port` or `ioh3420`. */
  readonly modelName?: string | undefined;
  /** What a PCI controller is in the guest's hierarchy. */
  readonly target?: ControllerTargetSpec | undefined;
  /** Size of the 64-bit PCI hole of a root bus. */
  readonly pcihole64?: Size | undefined;
  /** First port of a USB 1 companion on its USB 2 master. */
  readonly master?: { readonly startPort: number } | undefined;
  readonly driver?: ControllerDriverSpec | undefined;
}

/** libvirt: `<target>` of a PCI controller. */
export interface ControllerTargetSpec {
  /** Chassis number of a root or switch port. */
  readonly chassis?: number | undefined;
  /** Port number of a root or switch port, 0x10 for slot 2 function 0. */
  readonly port?: number | undefined;
  /** Chassis number of a pci-bridge. */
  readonly chassisNr?: number | undefined;
  /** Bus number of an expander bus. */
  readonly busNr?: number | undefined;
  /** Index of a pseries host bridge. */
  readonly index?: number | undefined;
  /** `false`: nothing can be plugged here while the domain runs. libvirt 6.3.0 */
  readonly hotplug?: boolean | undefined;
  /** NUMA node of an expander bus. */
  readonly node?: number | undefined;
}

/** libvirt: `<driver>` of a scsi or virtio-serial controller. */
export interface ControllerDriverSpec extends VirtioDriverSpec {
  readonly queues?: number | undefined;
  readonly cmdPerLun?: number | undefined;
  readonly maxSectors?: number | undefined;
  readonly ioeventfd?: boolean | undefined;
  /** Number of the domain's I/O thread that serves a virtio-scsi controller. */
  readonly iothread?: number | undefined;
}

const VIRTIO = ['virtio', 'virtio-transitional', 'virtio-non-transitional'];
/** The models of each type, as virDomainControllerModel… list them; none where libvirt has just one. */
const MODELS = {
  scsi: [
    'virtio-scsi',
    'virtio-transitional',
    'virtio-non-transitional',
    'lsilogic',
    'lsisas1068',
    'lsisas1078',
    'vmpvscsi',
    'buslogic',
    'ibmvscsi',
    'ncr53c90',
    'dc390',
    'am53c974',
  ],
  'virtio-serial': VIRTIO,
  usb: [
    'qemu-xhci',
    'nec-xhci',
    'ehci',
    'ich9-ehci1',
    'ich9-uhci1',
    'ich9-uhci2',
    'ich9-uhci3',
    'piix3-uhci',
    'piix4-uhci',
    'vt82c686b-uhci',
    'pci-ohci',
    'none',
  ],
  pci: [
    'pcie-root',
    'pcie-root-port',
    'pcie-to-pci-bridge',
    'pcie-switch-upstream-port',
    'pcie-switch-downstream-port',
    'pcie-expander-bus',
    'dmi-to-pci-bridge',
    'pci-root',
    'pci-bridge',
    'pci-expander-bus',
  ],
  sata: [],
  ide: ['piix3', 'piix4', 'ich6'],
  fdc: [],
  ccid: [],
} as const satisfies Record<string, readonly string[]>;

const PORTS = ['pcie-root-port', 'pcie-switch-downstream-port'];
const BELOW_ROOT = MODELS.pci.filter((model) => model !== 'pcie-root' && model !== 'pci-root');
/** What qemuValidateDomainDeviceDefControllerPCI insists on and only a new definition gets by itself. */
const ADDED_LATER: ReadonlyArray<readonly [field: string, path: string, models: readonly string[]]> = [
  ['modelName', 'model/@name', BELOW_ROOT],
  ['target.chassis', 'target/@chassis', PORTS],
  ['target.port', 'target/@port', PORTS],
  ['target.chassisNr', 'target/@chassisNr', ['pci-bridge']],
  ['target.busNr', 'target/@busNr', ['pci-expander-bus', 'pcie-expander-bus']],
];

const ATTACH = 'qemuDomainAttachControllerDevice';
const DETACH = 'qemuDomainDetachPrepController';
const IMPLICIT = 'libvirt puts this controller back by itself';
const ROOTS = { '@type': ['pci'], '@model': ['pcie-root', 'pci-root'] };
const FIRST = { '@type': ['usb', 'sata', 'ide'], '@index': ['0'] };
const byte = (path: string) => integer(path, { max: 255 });

export const controller: DeviceKind<ControllerSpec> = {
  element: 'controller',
  fields: {
    ...deviceFields,
    type: oneOf('@type', Object.keys(MODELS) as Array<keyof typeof MODELS>),
    index: integer('@index', { max: 0xffffffff }),
    model: text('@model'),
    ports: integer('@ports', { min: 1, max: 255 }),
    vectors: integer('@vectors', { max: 0xffffffff }),
    modelName: text('model/@name'),
    target: group<ControllerTargetSpec>({
      chassis: byte('target/@chassis'),
      port: byte('target/@port'),
      chassisNr: byte('target/@chassisNr'),
      busNr: byte('target/@busNr'),
      index: byte('target/@index'),
      hotplug: flag('target/@hotplug', 'on', 'off'),
      node: integer('target/node', { max: 0xffffffff }),
    }),
    pcihole64: size('pcihole64', { unitPath: 'pcihole64/@unit', fallback: 'KiB' }),
    master: group({ startPort: integer('master/@startport', { max: 15 }) }),
    driver: group<ControllerDriverSpec>({
      queues: integer('driver/@queues', { min: 1, max: 1024 }),
      cmdPerLun: integer('driver/@cmd_per_lun', { min: 1, max: 0xffffffff }),
      maxSectors: integer('driver/@max_sectors', { min: 1, max: 0xffffffff }),
      ioeventfd: flag('driver/@ioeventfd', 'on', 'off'),
      iothread: integer('driver/@iothread', { min: 1 }),
      ...virtioDriverFields,
    }),
  },
  required: ['type'],
  check(leaves, where) {
    const type = leaves.get('@type') as keyof typeof MODELS;
    const model = leaves.get('@model');
    const models: readonly string[] = MODELS[type];
    if (model !== undefined && !models.includes(model)) {
      const known = models.length > 0 ? `Give one of ${models.join(', ')}` : 'Leave it out';
      throw specInvalid(`${where}.model`, `"${model}" is no model of a ${type} controller`, known);
    }
    if (type === 'pci' && model === undefined)
      throw specInvalid(`${where}.model`, 'is missing', 'Every pci controller needs it');
  },
  names: (leaves) => [`${leaves.get('@type')}${plainNumber(leaves.get('@index')) ?? ''}`],
  namesOne: true,
  // One without an index gets the lowest free one.
  indexedByLibvirt: true,
  unique: {},
  support: [
    can('attach', 'live', ATTACH, { where: { '@type': ['scsi'] } }),
    can('attach', 'live', ATTACH, { where: { '@type': ['virtio-serial'] }, since: '11.3.0' }),
    cannot('attach', 'live', 'only scsi controllers can be hot-plugged', ATTACH),
    ...ADDED_LATER.map(([field, path, models]) =>
      cannot(
        'attach',
        'config',
        `added later, such a PCI controller needs ${field}, which libvirt fills in only at define`,
        'qemuValidateDomainDeviceDefControllerPCI',
        { '@type': ['pci'], '@model': models, [path]: [''] },
      ),
    ),
    can('attach', 'config', 'qemuDomainAttachDeviceConfig'),
    can('detach', 'live', DETACH, { where: { '@type': ['scsi'] } }),
    cannot('detach', 'live', 'only scsi controllers can be hot-unplugged', DETACH),
    cannot('detach', 'config', IMPLICIT, 'qemuDomainDefAddDefaultDevices', ROOTS),
    cannot('detach', 'config', IMPLICIT, 'qemuDomainDefAddDefaultDevices', FIRST),
    can('detach', 'config', 'qemuDomainDetachDeviceConfig'),
  ],
  ...NO_UPDATE,
  implicit: [ROOTS, FIRST].map((where) => ({ where, source: 'qemuDomainDefAddDefaultDevices' })),
  abi: [
    '@type',
    '@index',
    '@model',
    '@ports',
    '@vectors',
    'model/@name',
    'target',
    'pcihole64',
    'master',
    'driver/@queues',
    'driver/@cmd_per_lun',
    'driver/@max_sectors',
    ...VIRTIO_ABI,
  ],
  liveOnly: [],
  normal: [
    {
      path: /^driver\/@(queues|cmd_per_lun|max_sectors)$/,
      asked: /^0$/,
      there: 'nothing',
      source: 'virDomainControllerDriverFormat',
    },
    { path: '@model', asked: /^auto$/, there: 'any', source: 'qemuDomainControllerDefPostParse' },
    {
      path: 'address',
      where: { '@type': ['usb'], '@model': ['none'] },
      there: 'nothing',
      source: 'virDomainControllerDefFormat: what is not there sits nowhere',
    },
    {
      path: 'address',
      where: { '@model': ['ibmvscsi'] },
      unless: [{ 'address/@type': ['spapr-vio'] }],
      there: 'any',
      source: 'qemuDomainAssignSpaprVIOAddresses: it sits nowhere else',
    },
  ],
  // As qemuDomainDeviceCalculatePCIConnectFlags; ports and the other bridges are placed by libvirt.
  bus(leaves) {
    const model = leaves.get('@model');
    const express = ['virtio-scsi', 'virtio', 'virtio-non-transitional', 'qemu-xhci', 'nec-xhci'];
    switch (leaves.get('@type')) {
      case 'scsi':
        // Without a model it is a virtio one where virtio is not on PCI (qemuDomainGetSCSIControllerModel).
        return {
          type: 'pci',
          slot: express.includes(model ?? 'lsilogic') ? 'express' : 'conventional',
          ...((model ?? 'virtio-scsi') === 'virtio-scsi' ? { virtio: true } : {}),
        };
      case 'virtio-serial':
        return virtioSlot(model);
      case 'usb':
        if (model === 'none' || leaves.has('master/@startport')) return undefined;
        return { type: 'pci', slot: express.includes(model ?? 'qemu-xhci') ? 'express' : 'conventional' };
      case 'sata':
        return { type: 'pci', slot: 'conventional' };
      case 'ccid':
        return { type: 'usb' };
      case 'pci':
        return model === 'pcie-to-pci-bridge' ? { type: 'pci', slot: 'express' } : undefined;
      default:
        return undefined;
    }
  },
};
