/**
 * The connection room: a client of libvirt's RPC protocol. Every procedure is typed; a call that would redefine a domain is
 * refused before it is sent. Nothing above this room opens a socket.
 */
export { isNoAdmin } from './admin.js';
export type { Credentials, CredentialsCallback, CredentialsRequest } from './auth/credentials.js';
export type { CallOptions } from './caller.js';
export { connect } from './connect.js';
export { type Connection, connectAgain } from './connection.js';
export {
  CALL_CHANNEL,
  type CallRecord,
  type CallSubject,
  CONNECTION_CHANNEL,
  type ConnectionRecord,
  EVENT_CHANNEL,
  type EventRecord,
} from './diagnostics.js';
export {
  CallAbortedError,
  CallTimeoutError,
  ConnectionClosedError,
  ConnectionLostError,
  LibvirtError,
  type LibvirtErrorDomainName,
  type LibvirtErrorName,
  rewritten,
} from './errors.js';
export { DOMAIN_EVENTS, type DomainEventName } from './events/domain-events.js';
export type { SubscribeOptions } from './events/event-classes.js';
export type { EventItem, EventMessage, EventName, EventSubscription } from './events/subscription.js';
export * from './generated/constants.js';
export { VIR_ERR, VIR_FROM } from './generated/error-names.js';
export type * from './generated/protocol-types.js';
export type { KeepAliveOptions } from './keepalive.js';
export type { ConnectOptions, ReconnectOptions } from './options.js';
export type { Closed, CloseReason } from './pending-call.js';
export type { ProcedureArgs, ProcedureName, ProcedureResult } from './procedures.js';
export type { Hole, StreamChunk } from './streams/packets.js';
export type { ProcedureStream } from './streams/stream.js';
export type { StreamProcedure } from './streams/stream-procedures.js';
export { paramsToObject } from './wire/typed-params.js';
