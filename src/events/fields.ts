import type { TypedParamValue } from '../connection/index.js';
import type { LifecycleChange, Word } from './words.js';

/** The domain that an event is of. The name is the one it had then. */
export interface EventDomain {
  readonly name: string;
  readonly uuid: string;
}

/** A device that an event names by its alias. What only a call could tell is not there. */
export interface EventDevice {
  readonly alias: string;
  /** The id that it was given: the alias without `ua-`. */
  readonly id: string | undefined;
  /** As `devices()` shows it, `disk data`, when a document that was read before has the device. */
  readonly identity: string | undefined;
}

/** One end of a connection to a graphical console. */
export interface GraphicsEnd {
  readonly family: Word<'GRAPHICS_ADDRESS'>;
  readonly node: string;
  readonly service: string;
}

type Parameters = Readonly<Record<string, TypedParamValue['value']>>;

/** What each event tells beside its domain, by type. The types are virDomainEventID's names; sizes are bytes. */
export interface DomainEventFields {
  /** Defined, started, suspended, stopped, crashed …, with the detail. */
  readonly lifecycle: LifecycleChange;
  /** The guest rebooted. What waits for a cold boot still waits. */
  readonly reboot: object;
  /** The guest set its clock: seconds from UTC. */
  readonly 'rtc-change': { readonly offset: number };
  /** A watchdog went off, and what is done about it. */
  readonly watchdog: { readonly action: Word<'WATCHDOG'> };
  /** A read or write of an image failed. `reason`: `enospc` when the storage is full, undefined when libvirt says none. */
  readonly 'io-error': {
    readonly device: EventDevice;
    /** The disk's target, when a document that was read before has it. */
    readonly target: string | undefined;
    /** The image. */
    readonly path: string;
    /** `pause`: the guest stands still until it is resumed. `report`: the guest was told. */
    readonly action: Word<'IO_ERROR'>;
    readonly reason: string | undefined;
  };
  /** Somebody connects to or leaves a graphical console. */
  readonly graphics: {
    readonly phase: Word<'GRAPHICS'>;
    readonly local: GraphicsEnd;
    readonly remote: GraphicsEnd;
    readonly authScheme: string;
    readonly subject: readonly { readonly type: string; readonly name: string }[];
  };
  /** libvirt's monitor of the guest failed: it can no longer be managed until it is destroyed. */
  readonly 'control-error': object;
  /** A job on a disk is ready or has ended. */
  readonly 'block-job': {
    readonly target: string;
    readonly job: Word<'BLOCK_JOB_TYPE'>;
    readonly status: Word<'BLOCK_JOB'>;
  };
  /** A disk whose image is missing at a start was emptied or dropped, as its `startupPolicy` says. */
  readonly 'disk-change': {
    readonly device: EventDevice;
    readonly oldPath: string | undefined;
    readonly newPath: string | undefined;
    readonly reason: Word<'DISK'>;
  };
  /** The guest or somebody else opened or closed the tray of a drive. */
  readonly 'tray-change': { readonly device: EventDevice; readonly reason: Word<'TRAY_CHANGE'> };
  readonly pmwakeup: object;
  readonly pmsuspend: object;
  readonly 'pmsuspend-disk': object;
  /** The guest's balloon has another size. */
  readonly 'balloon-change': { readonly actual: bigint };
  /** The guest has let go of a device. */
  readonly 'device-removed': { readonly device: EventDevice };
  readonly 'device-added': { readonly device: EventDevice };
  /** The guest refused to let go of a device. */
  readonly 'device-removal-failed': { readonly device: EventDevice };
  /** Tuning values were changed, by libvirt's names. */
  readonly tunable: { readonly params: Parameters };
  /** QEMU's guest agent answers, or no longer does. */
  readonly 'agent-lifecycle': {
    readonly state: Word<'AGENT_LIFECYCLE_STATE'>;
    readonly reason: Word<'AGENT_LIFECYCLE_REASON'>;
  };
  /** A live migration begins another pass over memory. */
  readonly 'migration-iteration': { readonly iteration: number };
  /** A migration, save or dump has ended: its statistics, by libvirt's names. */
  readonly 'job-completed': { readonly params: Parameters };
  /** Title, description, or the element of a namespace in `<metadata>` was written; `uri` is of `element`. */
  readonly 'metadata-change': { readonly part: Word<'METADATA'>; readonly uri: string | undefined };
  /** An image has grown beyond the threshold that was set for it, by so much. */
  readonly 'block-threshold': {
    readonly target: string;
    readonly path: string | undefined;
    readonly threshold: bigint;
    readonly excess: bigint;
  };
  /** The host's memory failed in a place that the guest or QEMU uses. */
  readonly 'memory-failure': {
    readonly recipient: Word<'MEMORY_FAILURE_RECIPIENT'>;
    readonly action: Word<'MEMORY_FAILURE_ACTION'>;
    /** The guest must act on it now, and the failure came while another was being dealt with. */
    readonly flags: readonly ('actionRequired' | 'recursive')[];
  };
  /** The guest has taken or given back memory of a virtio-mem device. */
  readonly 'memory-device-size-change': { readonly device: EventDevice; readonly size: bigint };
  /** The guest gave a network card another MAC. */
  readonly 'nic-mac-change': { readonly device: EventDevice; readonly oldMac: string; readonly newMac: string };
}

/** A type of event: libvirt's name of it. */
export type DomainEventType = keyof DomainEventFields;

/** Events are missing here: look at the domains anew. */
export interface EventGap {
  readonly type: 'gap';
  /** `connection`: it was lost and is there again. `overflow`: the consumer was too slow for its buffer. */
  readonly reason: 'connection' | 'overflow';
  /** How many are missing; undefined when nobody knows. */
  readonly lost: number | undefined;
}

/** One event of a domain, or a gap. `type` tells which fields there are. */
export type DomainEvent =
  | {
      [T in DomainEventType]: { readonly type: T; readonly domain: EventDomain } & DomainEventFields[T];
    }[DomainEventType]
  | EventGap;
