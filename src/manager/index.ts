export type { RebootOptions, RestoreOptions, UndefineOptions } from './domain-power.js';
export type { DeviceView } from './domain-view.js';
export { ManagedDomain } from './managed-domain.js';
export { DomainManager, type ManagerOptions } from './manager.js';
