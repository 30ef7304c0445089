export { type Hooks, ManagedDomain } from './managed-domain.js';
export { DomainManager, type ManagerOptions } from './manager.js';
