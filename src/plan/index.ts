/**
 * The plan room: the diff engine. Documents and a request in, a plan out: operations, refusals, notes. It is pure: no call, no
 * clock, no randomness.
 */

export { differences } from './compare-devices.js';
export { detachOperation } from './device-operations.js';
export { digestOf, VOLATILE } from './digest.js';
export {
  changedParts,
  changesBetween,
  type Fingerprints,
  fingerprintsOf,
  metadataPart,
  type PartChange,
  partIn,
} from './fingerprints.js';
export { holderOfImage, unsaidFormat } from './images.js';
export { Intent } from './intent.js';
export { jsonSchema } from './json-schema.js';
export { Plan } from './plan.js';
export type { BusCapacity, PlanJson } from './plan-parts.js';
export { planChanges } from './planner.js';
export type { ChangeRequest, DeviceSelector, DeviceUpdate, FieldChanges } from './request.js';
export { planResize, type ResizeRequest } from './resize.js';
export { withSecrets } from './secrets.js';
export { type DiskStorage, disksOf, StorageRecords } from './storage.js';
export { planTowards, type TowardsOptions } from './towards.js';
export { planUndoDrift, type UndoDriftOptions } from './undo-drift.js';
