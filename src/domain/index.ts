/**
 * The domain room: the model of one domain. Device kinds, settings, guest ABI, addresses and our own metadata, as tables
 * and pure functions over documents. It makes no call.
 */
export { ADDED_BY_LIBVIRT, type AddedByLibvirtRow } from './added-by-libvirt.js';
export { chosenFor, isImplicit, namesOnceWritten } from './chosen.js';
export { DEFINE_ONLY, type DefineOnlyRow, defineOnlyRow } from './define-only.js';
export * from './definition/index.js';
export * from './devices/index.js';
export { diskPlace, isWrittenDisk } from './disk-place.js';
export { type Device, DomainDocument, readDevice } from './document.js';
export { compareGuestAbi, domainLeaves, guestAbi, seenByGuest } from './guest-abi/guest-abi.js';
export { unknownTo } from './guest-abi/listed.js';
export type { AbiDifference, DeviceAbi, GuestAbi } from './guest-abi/values.js';
export { type JsonSchema, object, removable } from './json-schema.js';
export { meantDevice } from './meant-device.js';
export { memoizePerDocument } from './memoize-per-document.js';
export { inOrderOf, NOTHING_SAID, normalize, sameAt, sameText } from './normal.js';
export { DOMAIN_NORMAL, DOMAIN_RUNNING, keyedLeaves } from './normal-domain.js';
export {
  AFFECT,
  type Change,
  type MutatorCall,
  type ObservedDomain,
  type Operation,
  REDACTED,
  type Refusal,
  type Scope,
  setOperation,
  type Withheld,
  wireArguments,
} from './operation.js';
export { bootWords, devicesToBoot } from './os-boot.js';
export * from './os-names.js';
export { type DomainClaim, domainClaims } from './own-metadata/claim.js';
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
  isOfDomain,
  isOwnNamespace,
  journalDomain,
  keepCallersMetadata,
  LONGEST_ENTRY,
  OWN_METADATA,
  ownElement,
  ownElements,
  withoutBookkeeping,
} from './own-metadata/own-metadata.js';
export { type Quarantine, quarantineOf } from './own-metadata/quarantine.js';
export { packed, readSeal, type Seal, sealedForm, sealXml, unpacked } from './own-metadata/seal.js';
export { type JsonValue, recordJson, type StorageRecord, type StorageRequest } from './own-metadata/storage-record.js';
export { type SealBaseline, sealBaseline, updatedSeal } from './own-metadata/updated-seal.js';
export {
  type Address,
  addressLeaves,
  addressProblem,
  addressText,
  isSameAddress,
  type PciAddress,
  parseAddress,
} from './places/address.js';
export type { BusName } from './places/buses.js';
export { whyCold } from './places/cold-buses.js';
export { controllersFor, isOccupied } from './places/controllers.js';
export { whyNotOnMachine } from './places/machine-support.js';
export { type MachineRow, machineOf } from './places/machines.js';
export { movedOnMmio } from './places/mmio.js';
export { busOf, type Capacity, Topology } from './places/topology.js';
export * from './presets.js';
export { type ReadSpec, readSpec, type Unsaid } from './read-spec.js';
export { secretsHidden, shownChange, shownXml } from './secret-texts.js';
export { numbersOf } from './settings/cpuset.js';
export * from './settings/index.js';
export type { Setting } from './settings/setting.js';
export type { DeviceRequest, DomainSpec } from './spec.js';
export { deviceXml, requestedDevices } from './spec-devices.js';
export { memorySlots, numaCell, roomyVcpus } from './spec-head.js';
export { freePorts, placesTaken, roomFor } from './spec-ports.js';
export {
  deviceRequestSchema,
  deviceSchemas,
  domainSpecSchema,
  kindSchema,
  STORAGE as STORAGE_SCHEMA,
  settingsSchema,
} from './spec-schema.js';
export { assemble, checkedHead, definitionOf, domainXml, specFields } from './spec-xml.js';
export { assertKnownFields, unknownField } from './unknown-field.js';
export {
  bytesOf,
  bytesOfXml,
  formatBytes,
  formatValue,
  isSize,
  isUuid,
  kibOf,
  notOneOf,
  type Size,
  type SizeUnit,
  specInvalid,
  uuidOf,
} from './values.js';
