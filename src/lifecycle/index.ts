export { DomainExistsError } from './define.js';
export {
  type DeviceView,
  type Hooks,
  ManagedDomain,
  type RebootOptions,
  type UndefineOptions,
} from './managed-domain.js';
export { DomainManager, type ManagerOptions } from './manager.js';
export type { PendingChange } from './pending.js';
export type { DomainState, ShutdownOptions, StartOptions } from './power.js';
