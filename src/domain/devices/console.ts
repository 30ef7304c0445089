import type { Leaves } from '../../xml/index.js';
import {
  CHR_SOURCES,
  type ChrSourceSpec,
  checkChrSource,
  chrLiveOnly,
  chrNormal,
  chrSourceFields,
  coldSources,
} from './chr-source.js';
import { deviceFields, integer, oneOf } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { CONFIG, can, cannot, NO_UPDATE, plainNumber, unread } from './rows.js';

/** A console of the guest. libvirt: `<console>`. */
export interface ConsoleSpec extends DeviceSpecBase, ChrSourceSpec {
  /** Number of the console, 0 first. Required: libvirt knows the console by it, and by its source. */
  readonly port: number;
  /** Default on a PC: `serial`, the first serial port by another name. */
  readonly target?: 'serial' | 'virtio' | 'sclp' | 'sclplm' | undefined;
}

const mirror = { 'target/@type': ['serial', ''] };
const attach = 'a serial console is the first serial port by another name; attach a serial port instead';
const detach = 'a serial console is the first serial port by another name; detach that instead';

function isSerial(leaves: Leaves): boolean {
  return ['serial', undefined].includes(leaves.get('target/@type'));
}

export const console: DeviceKind<ConsoleSpec> = {
  element: 'console',
  fields: {
    ...deviceFields,
    ...chrSourceFields(),
    port: integer('target/@port', { max: 0xffff }),
    target: oneOf('target/@type', ['serial', 'virtio', 'sclp', 'sclplm']),
  },
  required: ['port'],
  exclusive: [CHR_SOURCES],
  check: (leaves, where) => checkChrSource(leaves, where),
  // A serial one is the first, whatever number it is given (virDomainDefAddConsoleCompat).
  names: (leaves) => [isSerial(leaves) ? '0' : plainNumber(leaves.get('target/@port'))],
  indexedByLibvirt: true,
  unique: { 'target/@port': 'console' },
  support: [
    coldSources(),
    cannot('attach', 'live', attach, 'qemuDomainChrPreInsert', mirror),
    cannot('attach', 'config', attach, 'qemuDomainChrPreInsert', mirror),
    cannot('detach', 'live', detach, 'qemuDomainChrRemove', mirror),
    cannot('detach', 'config', detach, 'qemuDomainChrRemove', mirror),
    can('attach', 'live', 'qemuDomainAttachChrDeviceAssignAddr', { where: { 'target/@type': ['virtio'] } }),
    cannot('attach', 'live', 'only virtio consoles can be hot-plugged', 'qemuDomainAttachChrDevice'),
    can('detach', 'live', 'qemuDomainDetachDeviceChr', { where: { 'target/@type': ['virtio'] } }),
    cannot('detach', 'live', 'only virtio consoles can be hot-unplugged', 'qemuDomainDetachDeviceChr'),
    ...CONFIG,
  ],
  requires: [
    {
      scope: 'live',
      where: { 'target/@type': ['virtio'] },
      domain: 'devices/controller[@type="virtio-serial"]',
      reason: 'the running guest has no virtio-serial controller',
      remedy: "Ask for scope: 'config': libvirt adds the controller with the console, at the next cold boot",
      source: 'virDomainVirtioSerialAddrAutoAssign',
    },
  ],
  ...NO_UPDATE,
  abi: ['target/@type', 'target/@port'],
  liveOnly: chrLiveOnly(),
  normal: [
    ...chrNormal(),
    ...unread('virDomainChrTargetDefFormat: only a serial port has models', ['target/model']),
    {
      path: 'target/@port',
      where: { 'target/@type': ['virtio', 'sclp', 'sclplm', 'serial', ''] },
      there: 'any',
      source: 'virDomainDefAddConsoleCompat: the first serial port comes first, as a console of its own',
    },
  ],
  bus: (leaves) => (leaves.get('target/@type') === 'virtio' ? { type: 'virtio-serial' } : undefined),
};
