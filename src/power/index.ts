/**
 * The power room: start, shutdown, reboot, suspend, save and restore, with the hooks around them; the guest agent and the
 * domain's log.
 */

export { type DomainLog, domainLog } from '../apply/index.js';
export { type AgentOptions, type AgentState, GuestAgent, isRefusal, isSilence, noAgent } from './agent.js';
export { destroy } from './destroy.js';
export { type DomainHooks, type HookContext, HookError, type HookOperation, HookRunner } from './hooks.js';
export { type Progress, ProgressMeter, type ProgressOptions } from './progress.js';
export { assertNotQuarantined, DomainQuarantinedError } from './quarantined.js';
export { type RebootOptions, reboot } from './reboot.js';
export { type RestoreOptions, restore } from './restore.js';
export { type SaveOptions, save } from './save.js';
export { assertNotSaved, hasManagedSave, managedSaveDocument } from './saved.js';
export { type ShutdownMethod, type ShutdownOptions, type ShutdownProgress, shutdown } from './shutdown.js';
export { type StartOptions, start } from './start.js';
export { StartFailedError, starting } from './start-failed.js';
export {
  assertShutOff,
  type DomainState,
  type DomainStateReason,
  isInvalidNow,
  stateError,
  stateNamed,
  stateOf,
} from './state.js';
export { resume, suspend } from './suspend.js';
