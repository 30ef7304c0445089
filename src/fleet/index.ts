/**
 * `libvirt-canonical/fleet`: several hosts, with libvirt as the only truth about domains. There is no engine in here and no
 * store: whatever is to outlive a process runs on an engine of the caller's choice.
 */

export type { DomainClaim, Quarantine } from '../domain/index.js';
export type { FleetApplyRequest } from './apply.js';
export { bundleDigest } from './bundles.js';
export { type ApplyInput, type ChangeStep, FleetChange, type FleetChangeJson, type PlannedChange } from './change.js';
export { DomainClaimedError } from './claimed.js';
export type {
  CannotMove,
  ChosenDomain,
  DomainChoice,
  DrainRequest,
  Fate,
  PlacementRequest,
} from './drain-request.js';
export type { EvacuateRequest } from './evacuate.js';
export {
  assertProof,
  type Confirmation,
  type Fence,
  type FenceAgentOptions,
  type FenceProof,
  FenceUnprovedError,
  fenceAgent,
  type HeartbeatOptions,
  type HeartbeatWatchdog,
  heartbeat,
  personConfirms,
  type RedfishOptions,
  redfish,
  type StorageLeaseOptions,
  storageLease,
} from './fences/index.js';
export { type FenceOptions, Fleet, type FleetAskOptions } from './fleet.js';
export type { FleetHost } from './host.js';
export type { FleetHostSpec, FleetOptions, HostLabels, HostMigration } from './hosts.js';
export type { DomainNeeds, HugePageNeed } from './needs.js';
export type { FleetRefusal } from './placement.js';
export { FleetPlan } from './plan.js';
export type { FleetNote, FleetPlanJson, PlannedDomain, PlannedHost } from './plan-parts.js';
export type { CellFigures, HostFigures } from './room.js';
export { FleetPlanStaleError } from './stale.js';
export type {
  ClaimInput,
  EvacuateInput,
  MoveInput,
  QuarantineInput,
  ReleaseInput,
  ShutdownInput,
  ShutdownManner,
  StepDomain,
} from './step-inputs.js';
export {
  type ClaimOutcome,
  type EvacuateOptions,
  type EvacuateOutcome,
  FleetSteps,
  type MoveOutcome,
  type QuarantinedDomain,
  type QuarantineOutcome,
  type ReleaseOutcome,
  type ShutdownOutcome,
  type StepOptions,
  type UnclaimOutcome,
} from './steps/index.js';
export { FleetUpgrade, type FleetUpgradeJson, type UpgradeBatch, type UpgradeRequest } from './upgrade.js';
export type { FleetDomain, FleetOutcome, FleetWhereabouts, SilentHost } from './where.js';
