import {
  CHR_SOURCES,
  type ChrSourceSpec,
  checkChrSource,
  chrLiveOnly,
  chrNormal,
  chrSourceFields,
  coldSources,
} from './chr-source.js';
import { deviceFields, integer, oneOf, text } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { CONFIG, can, cannot, NO_UPDATE, plainNumber } from './rows.js';

/** A serial port. libvirt: `<serial>`. */
export interface SerialSpec extends DeviceSpecBase, ChrSourceSpec {
  /** Number of the port, 0 first. Required: libvirt knows the port by it, and by its source. */
  readonly port: number;
  /** What it is a port of. Default on a PC: `isa-serial`, which cannot be hot-plugged. */
  readonly target?:
    | 'isa-serial'
    | 'usb-serial'
    | 'pci-serial'
    | 'spapr-vio-serial'
    | 'system-serial'
    | 'sclp-serial'
    | 'isa-debug'
    | undefined;
  /** Model of the port. libvirt derives it from `target` where there is one only. */
  readonly model?: string | undefined;
}

const pluggable = { 'target/@type': ['usb-serial', 'pci-serial'] };
const reason = 'only usb-serial and pci-serial ports can be hot-plugged';

/** The first serial port is the first console too: libvirt adds and removes the `<console>` with it. */
export const serial: DeviceKind<SerialSpec> = {
  element: 'serial',
  fields: {
    ...deviceFields,
    ...chrSourceFields(),
    port: integer('target/@port', { max: 0xffff }),
    target: oneOf('target/@type', [
      'isa-serial',
      'usb-serial',
      'pci-serial',
      'spapr-vio-serial',
      'system-serial',
      'sclp-serial',
      'isa-debug',
    ]),
    model: text('target/model/@name', { pattern: /^[\w-]+$/, expected: 'a model name such as isa-serial' }),
  },
  required: ['port'],
  exclusive: [CHR_SOURCES],
  check: (leaves, where) => checkChrSource(leaves, where),
  names: (leaves) => [plainNumber(leaves.get('target/@port'))],
  unique: { 'target/@port': 'serial port' },
  support: [
    coldSources(),
    can('attach', 'live', 'qemuDomainAttachChrDeviceAssignAddr', { where: pluggable }),
    cannot('attach', 'live', reason, 'qemuDomainAttachChrDevice'),
    can('detach', 'live', 'qemuDomainDetachDeviceChr', { where: pluggable }),
    cannot('detach', 'live', reason, 'qemuDomainDetachDeviceChr'),
    ...CONFIG,
  ],
  ...NO_UPDATE,
  abi: ['target/@type', 'target/@port', 'target/model'],
  liveOnly: chrLiveOnly(),
  normal: [
    ...chrNormal(),
    {
      path: 'target/@type',
      asked: /^isa-serial$/,
      there: ['system-serial', 'spapr-vio-serial'],
      source: 'qemuDomainChrDefPostParse: the machine has no ISA bus',
    },
  ],
  bus(leaves) {
    const target = leaves.get('target/@type');
    if (target === 'usb-serial') return { type: 'usb' };
    return target === 'pci-serial' ? { type: 'pci', slot: 'conventional' } : undefined;
  },
};
