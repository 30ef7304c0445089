/**
 * The manager room: DomainManager and ManagedDomain, which list every public method with its promise. The work is in the
 * rooms below.
 */
export { type Hooks, ManagedDomain } from './managed-domain.js';
export { DomainManager, type ManagerOptions } from './manager.js';
