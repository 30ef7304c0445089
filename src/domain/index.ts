export { ADDED_BY_LIBVIRT, type AddedByLibvirtRow } from './added-by-libvirt.js';
export { DEFINE_ONLY, type DefineOnlyRow, defineOnlyRow } from './define-only.js';
export * from './devices/index.js';
export { type Device, DomainDocument, readDevice } from './document.js';
export {
  type AbiDifference,
  compareGuestAbi,
  type DeviceAbi,
  domainLeaves,
  type GuestAbi,
  guestAbi,
  seenByGuest,
} from './guest-abi/guest-abi.js';
export { unlisted } from './guest-abi/listed.js';
export { asWritten, sameAt, sameText } from './normal.js';
export { DOMAIN_NORMAL, keyedLeaves } from './normal-domain.js';
export {
  AFFECT,
  type Change,
  type DomainContext,
  HIDDEN,
  type MutatorCall,
  type Operation,
  type Refusal,
  type Scope,
  type Setting,
  setOperation,
  type Withheld,
  wireArguments,
} from './operation.js';
export {
  type DriftChange,
  type DriftedDevice,
  domainDifferences,
  driftedDevices,
  driftFrom,
  plainPath,
} from './own-metadata/drift.js';
export {
  isBookkeeping,
  OWN_METADATA,
  ownElement,
  ownElements,
  withoutBookkeeping,
} from './own-metadata/own-metadata.js';
export { type BeforeWork, beforeWork, resealed } from './own-metadata/reseal.js';
export { packed, readSeal, type Seal, sealedForm, sealXml, unpacked } from './own-metadata/seal.js';
export { type JsonValue, recordJson, type StorageRecord, type StorageRequest } from './own-metadata/storage-record.js';
export { perDocument } from './per-document.js';
export {
  type Address,
  addressLeaves,
  addressProblem,
  addressText,
  type PciAddress,
  parseAddress,
} from './places/address.js';
export type { BusName } from './places/buses.js';
export { controllersFor, isOccupied } from './places/controllers.js';
export { busOf, type Capacity, Topology } from './places/topology.js';
export { secretsHidden } from './secret-texts.js';
export * from './settings/index.js';
export {
  checkedHead,
  type DeviceRequest,
  type DomainSpec,
  definitionOf,
  deviceXml,
  domainXml,
  requestedDevices,
} from './spec.js';
export { bytesOf, describe, invalid, kibOf, type Size, uuidOf } from './values.js';
