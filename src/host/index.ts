export { type HostCheckOptions, type HostFinding, hostCheck } from './check.js';
export { domainCapabilities, domainCapabilitiesIfAny, kindOf } from './domain-capabilities.js';
export { filesOf, type HostFiles } from './files.js';
export { familyOf, machinesOf, newestOf } from './machine.js';
export { mapHostPaths } from './paths.js';
