/**
 * `libvirt-canonical/fleet`: several hosts, with libvirt as the only truth about domains. There is no engine in here and no
 * store: whatever is to outlive a process runs on an engine of the caller's choice.
 */
export { Fleet, type FleetAskOptions } from './fleet.js';
export type { FleetHost } from './host.js';
export type { FleetHostSpec, FleetOptions, HostLabels } from './hosts.js';
export type { FleetDomain, FleetOutcome, FleetWhereabouts, SilentHost } from './where.js';
