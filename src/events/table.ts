import { type DomainEventName, type EventMessage, paramsToObject } from '../connection/index.js';
import type { DomainEventFields, DomainEventType, EventDevice, GraphicsEnd } from './fields.js';
import { lifecycleChange, word } from './words.js';

/** What is known of a device by its alias, without a call. */
export interface KnownDevices {
  device(alias: string): EventDevice;
  /** A disk's target. */
  target(alias: string): string | undefined;
}

/** How an event of libvirt is told. */
export type EventRow<E extends DomainEventName> =
  | {
      [T in DomainEventType]: {
        readonly type: T;
        read(message: EventMessage<E>, known: KnownDevices): DomainEventFields[T];
      };
    }[DomainEventType]
  /** Another event tells the same occurrence, and more; this one is not registered for. */
  | { readonly toldBy: DomainEventName };

const KIB = 1024n;
const nothing = () => ({});
const MEMORY_FAILURE_FLAGS = ['actionRequired', 'recursive'] as const;

/** One row for each event of libvirt's protocol. */
export const DOMAIN_EVENT_ROWS: { readonly [E in DomainEventName]: EventRow<E> } = {
  LIFECYCLE: { type: 'lifecycle', read: ({ event, detail }) => lifecycleChange(event, detail) },
  REBOOT: { type: 'reboot', read: nothing },
  RTC_CHANGE: { type: 'rtc-change', read: ({ offset }) => ({ offset: Number(offset) }) },
  WATCHDOG: { type: 'watchdog', read: ({ action }) => ({ action: word('WATCHDOG', action) }) },
  IO_ERROR: { toldBy: 'IO_ERROR_REASON' },
  GRAPHICS: {
    type: 'graphics',
    read: ({ phase, local, remote, authScheme, subject }) => ({
      phase: word('GRAPHICS', phase),
      local: end(local),
      remote: end(remote),
      authScheme,
      subject: subject.map(({ type, name }) => ({ type, name })),
    }),
  },
  IO_ERROR_REASON: {
    type: 'io-error',
    read: ({ srcPath, devAlias, action, reason }, known) => ({
      device: known.device(devAlias),
      target: known.target(devAlias),
      path: srcPath,
      action: word('IO_ERROR', action),
      reason: reason || undefined,
    }),
  },
  CONTROL_ERROR: { type: 'control-error', read: nothing },
  BLOCK_JOB: { toldBy: 'BLOCK_JOB_2' },
  DISK_CHANGE: {
    type: 'disk-change',
    read: ({ oldSrcPath, newSrcPath, devAlias, reason }, known) => ({
      device: known.device(devAlias),
      oldPath: oldSrcPath ?? undefined,
      newPath: newSrcPath ?? undefined,
      reason: word('DISK', reason),
    }),
  },
  TRAY_CHANGE: {
    type: 'tray-change',
    read: ({ devAlias, reason }, known) => ({ device: known.device(devAlias), reason: word('TRAY_CHANGE', reason) }),
  },
  PMWAKEUP: { type: 'pmwakeup', read: nothing },
  PMSUSPEND: { type: 'pmsuspend', read: nothing },
  BALLOON_CHANGE: { type: 'balloon-change', read: ({ actual }) => ({ actual: actual * KIB }) },
  PMSUSPEND_DISK: { type: 'pmsuspend-disk', read: nothing },
  DEVICE_REMOVED: { type: 'device-removed', read: ({ devAlias }, known) => ({ device: known.device(devAlias) }) },
  BLOCK_JOB_2: {
    type: 'block-job',
    read: ({ dst, type, status }) => ({
      target: dst,
      job: word('BLOCK_JOB_TYPE', type),
      status: word('BLOCK_JOB', status),
    }),
  },
  TUNABLE: { type: 'tunable', read: ({ params }) => ({ params: paramsToObject(params) }) },
  AGENT_LIFECYCLE: {
    type: 'agent-lifecycle',
    read: ({ state, reason }) => ({
      state: word('AGENT_LIFECYCLE_STATE', state),
      reason: word('AGENT_LIFECYCLE_REASON', reason),
    }),
  },
  DEVICE_ADDED: { type: 'device-added', read: ({ devAlias }, known) => ({ device: known.device(devAlias) }) },
  MIGRATION_ITERATION: { type: 'migration-iteration', read: ({ iteration }) => ({ iteration }) },
  JOB_COMPLETED: { type: 'job-completed', read: ({ params }) => ({ params: paramsToObject(params) }) },
  DEVICE_REMOVAL_FAILED: {
    type: 'device-removal-failed',
    read: ({ devAlias }, known) => ({ device: known.device(devAlias) }),
  },
  METADATA_CHANGE: {
    type: 'metadata-change',
    read: ({ type, nsuri }) => ({ part: word('METADATA', type), uri: nsuri ?? undefined }),
  },
  BLOCK_THRESHOLD: {
    type: 'block-threshold',
    read: ({ dev, path, threshold, excess }) => ({ target: dev, path: path ?? undefined, threshold, excess }),
  },
  MEMORY_FAILURE: {
    type: 'memory-failure',
    read: ({ recipient, action, flags }) => ({
      recipient: word('MEMORY_FAILURE_RECIPIENT', recipient),
      action: word('MEMORY_FAILURE_ACTION', action),
      flags: MEMORY_FAILURE_FLAGS.filter((_, bit) => (flags & (1 << bit)) !== 0),
    }),
  },
  MEMORY_DEVICE_SIZE_CHANGE: {
    type: 'memory-device-size-change',
    read: ({ alias, size }, known) => ({ device: known.device(alias), size: size * KIB }),
  },
  NIC_MAC_CHANGE: {
    type: 'nic-mac-change',
    read: ({ alias, oldMAC, newMAC }, known) => ({ device: known.device(alias), oldMac: oldMAC, newMac: newMAC }),
  },
};

function end({ family, node, service }: EventMessage<'GRAPHICS'>['local']): GraphicsEnd {
  return { family: word('GRAPHICS_ADDRESS', family), node, service };
}
