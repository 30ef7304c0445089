/**
 * The host room: what a host offers, and whether it can run a domain.
 */
export { type HostCheckOptions, hostCheck } from './check.js';
export { checkCpu } from './cpu.js';
export { domainCapabilities, domainCapabilitiesIfAny, kindOf } from './domain-capabilities.js';
export { filesOf, type HostFiles } from './files.js';
export type { HostFinding } from './finding.js';
export { type GuestArchitecture, type HostInfo, hostInfo } from './host-info.js';
export { familyOf, type Machine, machinesOf, newestOf } from './machine.js';
export { type HostNetwork, type NetworkAddress, networksOf } from './networks.js';
export type { NumaCell } from './numa-cell.js';
export { mapHostPaths } from './paths.js';
