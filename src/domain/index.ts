export { type AbiDifference, compareGuestAbi, type DeviceAbi, domainLeaves, type GuestAbi, guestAbi } from './abi.js';
export { type Address, addressLeaves, addressText, type PciAddress } from './address.js';
export {
  applies,
  type BusDemand,
  type DeviceKind,
  type DeviceSpecs,
  type DiskSpec,
  decodeSpec,
  deviceKinds,
  encodeSpec,
  type Field,
  type FieldTable,
  type InterfaceSpec,
  kindOf,
  type SupportRow,
  type UpdateRow,
} from './devices/index.js';
export { type Device, DomainDocument, readDevice } from './document.js';
export {
  AFFECT,
  type Change,
  type DomainContext,
  type MutatorCall,
  type Operation,
  type Refusal,
  type Scope,
  type Setting,
} from './operation.js';
export {
  type MemoryRequest,
  type MetadataRequest,
  SETTINGS,
  type SettingsRequest,
  type VcpusRequest,
} from './settings/index.js';
export { type DeviceRequest, type DomainSpec, definitionOf, deviceXml, domainXml } from './spec.js';
export { type Capacity, Topology } from './topology.js';
export { describe, invalid, type Size, uuidOf } from './values.js';
