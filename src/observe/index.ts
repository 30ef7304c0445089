/**
 * The observe room: what an operator wants to know of a domain without changing it: devices, pending changes, drift,
 * findings of a watch. Only `acceptDrift` writes.
 */
export {
  type AddressesOptions,
  type AddressSource,
  addressesOf,
  type GuestAddress,
  type KnownAddress,
  type WaitForAddressOptions,
  waitForAddress,
} from './addresses.js';
export { type DeviceView, deviceViews } from './device-view.js';
export { acceptDrift, type Drift, driftOf, planUndoDriftOf } from './drift.js';
export type { DriftOccasion, Finding } from './findings.js';
export { type Pending, type PendingChange, pendingOf } from './pending.js';
export {
  type BytesAndPackets,
  type DomainRates,
  type ReadAndWritten,
  statsRates,
} from './rates.js';
export { readPending } from './read-pending.js';
export {
  type DiskStats,
  type DomainStats,
  type InterfaceStats,
  type MemoryStats,
  type RequestStats,
  STATS_GROUPS,
  type StatsGroup,
  type StatsOptions,
  statsOf,
  statsOfDomain,
  type TrafficStats,
  type VcpuStats,
} from './stats.js';
export { summaryOf } from './summary.js';
export { type TopologyOptions, topology, topologyOf } from './topology.js';
export { verifyGuestAbi } from './verify.js';
export { type WatchOptions, watch } from './watch.js';
