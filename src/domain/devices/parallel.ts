import {
  CHR_SOURCES,
  type ChrSourceSpec,
  checkChrSource,
  chrLiveOnly,
  chrNormal,
  chrSourceFields,
} from './chr-source.js';
import { deviceFields, integer } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { CONFIG, cannot, NO_UPDATE, plainNumber, unread } from './rows.js';

/** A parallel port. libvirt: `<parallel>`. */
export interface ParallelSpec extends DeviceSpecBase, ChrSourceSpec {
  /** Number of the port, 0 first. Required: libvirt knows the port by it, and by its source. */
  readonly port: number;
}

const reason = 'the ISA bus has no hot-plug';

export const parallel: DeviceKind<ParallelSpec> = {
  element: 'parallel',
  fields: { ...deviceFields, ...chrSourceFields(), port: integer('target/@port', { max: 2 }) },
  required: ['port'],
  exclusive: [CHR_SOURCES],
  check: (leaves, where) => checkChrSource(leaves, where),
  names: (leaves) => [plainNumber(leaves.get('target/@port'))],
  unique: { 'target/@port': 'parallel port' },
  support: [
    cannot('attach', 'live', reason, 'qemuDomainAttachChrDevice'),
    cannot('detach', 'live', reason, 'qemuDomainDetachDeviceChr'),
    ...CONFIG,
  ],
  ...NO_UPDATE,
  abi: ['target/@port'],
  liveOnly: chrLiveOnly(),
  normal: [
    ...chrNormal(),
    ...unread('virDomainChrDefFormat: a parallel port has no types', ['target/@type', 'target/model']),
  ],
  bus: () => undefined,
};
