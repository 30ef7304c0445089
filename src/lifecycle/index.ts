export { DomainExistsError } from './define.js';
export type { RebootOptions, UndefineOptions } from './domain-power.js';
export type { DeviceView } from './domain-view.js';
export type { Hooks } from './hooks.js';
export { ManagedDomain } from './managed-domain.js';
export { DomainManager, type ManagerOptions } from './manager.js';
export type { PendingChange } from './pending.js';
export type { DomainState, ShutdownOptions, StartOptions } from './power.js';
export type { Progress, ProgressOptions } from './progress.js';
