import { channel } from 'node:diagnostics_channel';
import type { ErrorCode } from '../errors.js';
import type { LibvirtErrorName } from './errors.js';
import type { CloseReason } from './pending-call.js';
import type { AnyProcedure } from './procedures.js';

/** The domain a call is about. */
export interface CallSubject {
  readonly name?: string;
  readonly uuid?: string;
}

/** What `libvirt-canonical:call` publishes at the start and at the end of each call. Arguments are never in it. */
export interface CallRecord {
  readonly phase: 'start' | 'end';
  /** Counts the connections of this process. */
  readonly connection: number;
  /** Counts the calls of this connection; the same at start and end. */
  readonly call: number;
  readonly procedure: AnyProcedure;
  /** The domain in the arguments, if there is one. */
  readonly domain?: CallSubject;
  /** Milliseconds from start to end, time in the queue included. At the end only. */
  readonly durationMs?: number;
  /** Whether it went over the wire. At the end only. */
  readonly sent?: boolean;
  /** Our code of the error it ended with. */
  readonly error?: ErrorCode;
  /** libvirt's name of that error, for `error: 'LIBVIRT'`. */
  readonly errorName?: LibvirtErrorName;
}

/** What `libvirt-canonical:event` publishes for each event that reached a subscription. */
export interface EventRecord {
  readonly connection: number;
  readonly event: string;
  readonly domain?: CallSubject;
}

/** What `libvirt-canonical:connection` publishes when a connection loses its socket, has one again, and ends. */
export interface ConnectionRecord {
  readonly connection: number;
  /** `ended`: for good. A connection that is closed in good order only ends. */
  readonly state: 'lost' | 'restored' | 'ended';
  /** How the socket ended. With `lost` and `ended`. */
  readonly reason?: CloseReason;
  /** Of the daemon that answers now. With `restored`. */
  readonly libvirtVersion?: string;
  /** Milliseconds without a socket. With `restored`. */
  readonly durationMs?: number;
}

/** Channel name of {@link CallRecord}, for `diagnostics_channel.subscribe`. */
export const CALL_CHANNEL = 'libvirt-canonical:call';
/** Channel name of {@link EventRecord}. */
export const EVENT_CHANNEL = 'libvirt-canonical:event';
/** Channel name of {@link ConnectionRecord}. */
export const CONNECTION_CHANNEL = 'libvirt-canonical:connection';

export const callChannel = channel(CALL_CHANNEL);
export const eventChannel = channel(EVENT_CHANNEL);
export const connectionChannel = channel(CONNECTION_CHANNEL);

/** The domain that arguments or an event name, directly or through a snapshot or checkpoint of it. */
export function subjectOf(values: object): CallSubject | undefined {
  const { dom, snap, snapshot, checkpoint } = values as Record<string, unknown>;
  if (isSubject(dom)) return { name: dom.name, uuid: dom.uuid };
  for (const owner of [snap, snapshot, checkpoint]) {
    if (typeof owner === 'object' && owner !== null) return subjectOf(owner);
  }
  return undefined;
}

function isSubject(value: unknown): value is { name: string; uuid: string } {
  return typeof value === 'object' && value !== null && 'uuid' in value;
}
