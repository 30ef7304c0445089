/** libvirt-canonical: domains defined once and changed only by libvirt's mutators. This file lists every public name. */

export type { ApplyOptions, ApplyProgress, ApplyResult, OperationSummary, UnplugOptions } from './apply/index.js';
export { ApplyError, GuestAbiChangedError } from './apply/index.js';
export type {
  CallOptions,
  CallRecord,
  Closed,
  CloseReason,
  Connection,
  ConnectOptions,
  DomainHandle,
  EventItem,
  EventMessage,
  EventName,
  EventSubscription,
  KeepAliveOptions,
  LibvirtErrorDomainName,
  LibvirtErrorName,
  ProcedureArgs,
  ProcedureName,
  ProcedureResult,
  SubscribeOptions,
} from './connection/index.js';
export {
  CALL_CHANNEL,
  CallAbortedError,
  CallTimeoutError,
  ConnectionClosedError,
  ConnectionLostError,
  connect,
  EVENT_CHANNEL,
  LibvirtError,
  paramsToObject,
} from './connection/index.js';
export type {
  AbiDifference,
  Capacity,
  Change,
  DeviceAbi,
  DeviceRequest,
  DeviceSpecBase,
  DeviceSpecs,
  DiskSpec,
  DomainSpec,
  GuestAbi,
  InterfaceSpec,
  KindName,
  MemoryRequest,
  MetadataRequest,
  MutatorCall,
  Operation,
  Refusal,
  Scope,
  SettingsRequest,
  Size,
  VcpusRequest,
} from './domain/index.js';
export { compareGuestAbi } from './domain/index.js';
export type { ErrorCode, ErrorDetails } from './errors.js';
export { AbortedError, ERROR_CODES, LibvirtCanonicalError } from './errors.js';
export type {
  DeviceView,
  DomainState,
  Hooks,
  ManagerOptions,
  PendingChange,
  RebootOptions,
  ShutdownOptions,
  StartOptions,
  UndefineOptions,
} from './lifecycle/index.js';
export { DomainExistsError, DomainManager, ManagedDomain } from './lifecycle/index.js';
export type { ChangeRequest, DeviceSelector, DeviceUpdate, FieldChanges } from './plan/index.js';
export { Plan } from './plan/index.js';
