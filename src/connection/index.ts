/** The front file of the connection room: the only one that other rooms import. */
export type { CallOptions } from './caller.js';
export { connect } from './connect.js';
export type { Connection } from './connection.js';
export * from './constants.generated.js';
export {
  CALL_CHANNEL,
  type CallRecord,
  type CallSubject,
  CONNECTION_CHANNEL,
  type ConnectionRecord,
  EVENT_CHANNEL,
  type EventRecord,
} from './diagnostics.js';
export { DOMAIN_EVENTS, type DomainEventName } from './domain-events.js';
export { VIR_ERR, VIR_FROM } from './error-names.generated.js';
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
export type { SubscribeOptions } from './event-classes.js';
export type { KeepAliveOptions } from './keepalive.js';
export type { ConnectOptions, ReconnectOptions } from './options.js';
export type { Closed, CloseReason } from './pending-call.js';
export type { ProcedureArgs, ProcedureName, ProcedureResult } from './procedures.js';
export type * from './protocol-types.generated.js';
export type { EventItem, EventMessage, EventName, EventSubscription } from './subscription.js';
export { paramsToObject } from './typed-params.js';
